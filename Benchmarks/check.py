"""Whether a card is right after a run: judged byte by byte against the image, by fsck and mtools, never by piflash."""

import os
import re
import subprocess
from contextlib import contextmanager
from pathlib import Path

import oracle
from cards import Card
from inputs import Inputs

BLOCK = 4096
# piflash changes allocation tables, directories and a few inodes of the image itself; its files are in blocks that
# the image has free.
MOST_CHANGED_BLOCKS = 128
# What piflash puts on a card tells when it did.
TIMES = re.compile(rb"(FLASH_TIME='|GENERATION='|instance-id: piflash-[a-z0-9-]+-)[0-9a-f]+")


class Wrong(Exception):
    """The card is not what the program should have made of it."""


def whole(card: Card, inputs: Inputs) -> None:
    """Every byte of the image is on the card."""
    _expect(["cmp", "--bytes", str(inputs.size), inputs.image, card.device], "the card differs from the image")


def used(card: Card, inputs: Inputs) -> None:
    """Every byte of the image that is in use is on the card."""
    changed = _differences(card, inputs)
    if changed:
        raise Wrong(f"{card.device}: {changed} blocks in use differ from the image")


def configured(card: Card, inputs: Inputs, rendered: Path) -> None:
    """What is in use is on the card, but for the few blocks that new files take part in; the file systems are
    clean, and the files are there."""
    changed = _differences(card, inputs)
    if not 0 < changed <= MOST_CHANGED_BLOCKS:
        raise Wrong(f"{card.device}: {changed} blocks in use differ from the image")
    boot, root = oracle.partitions(inputs.image)
    with _part(card, boot) as device:
        _expect(["fsck.fat", "-n", device], "fsck.fat")
        for path in sorted((rendered / "boot").rglob("*")):
            name = path.relative_to(rendered / "boot")
            if path.is_file() and name.name != "card.json":
                told = _expect(["mcopy", "-n", "-i", device, f"::/{name}", "-"], "mcopy")
                if TIMES.sub(rb"\1", told) != TIMES.sub(rb"\1", path.read_bytes()):
                    raise Wrong(f"{card.device}: {name} is not what piflash render shows")
    with _part(card, root) as device:
        _expect(["e2fsck", "-fn", device], "e2fsck")


def _differences(card: Card, inputs: Inputs) -> int:
    """Blocks of the used ranges that are not the same. Read piece by piece: a mapping would count as our memory."""
    card.drop_cache()
    changed = 0
    with open(inputs.image, "rb", buffering=0) as image, open(card.device, "rb", buffering=0) as device:
        for start, end in inputs.used:
            for at in range(start, end, 1 << 20):
                size = min(1 << 20, end - at)
                one, other = os.pread(image.fileno(), size, at), os.pread(device.fileno(), size, at)
                if one != other:
                    changed += sum(
                        one[i:i + BLOCK] != other[i:i + BLOCK] for i in range(0, size, BLOCK))
    return changed


@contextmanager
def _part(card: Card, partition: oracle.Partition):
    made = subprocess.run(
        ["losetup", "--find", "--show", "--read-only", "--offset", str(partition.start), "--sizelimit",
         str(partition.size), card.device], capture_output=True, text=True, check=True)
    device = made.stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


def _expect(command: list, what: str) -> bytes:
    told = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "MTOOLS_SKIP_CHECK": "1"})
    if told.returncode != 0:
        said = (told.stdout[-2000:] + told.stderr[-2000:]).decode(errors="replace")
        raise Wrong(f"{what}: {said.strip()}")
    return told.stdout
