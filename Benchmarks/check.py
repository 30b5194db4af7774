"""Whether a card is right after a run, by byte-for-byte comparison, fsck and mtools, never by piflash."""

import os
import re
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import oracle
from cards import Card
from inputs import Inputs

BLOCK, PIECE = 4096, 1 << 20
# The parts of piflash's files that hold the time of writing.
TIMES = re.compile(rb"(FLASH_TIME='|GENERATION='|instance-id: piflash-[a-z0-9-]+-)[0-9a-f]+")


class Wrong(Exception):
    """The card is not what the program should have made of it."""


def whole(card: Card, inputs: Inputs) -> None:
    """Every byte of the image is on the card."""
    _expect(["cmp", "--bytes", str(inputs.size), inputs.image, card.device], "the card differs from the image")


def used(card: Card, inputs: Inputs) -> None:
    """Every byte of the image that is in use is on the card."""
    if changed := _differences(card, inputs):
        raise Wrong(f"{card.device}: {len(changed)} blocks in use differ from the image")


def configured(card: Card, inputs: Inputs, rendered: Path) -> None:
    """All used bytes are on the card, `piflash render`'s files replace the image's, and the file systems are clean."""
    boot, root = oracle.partitions(inputs.image)
    in_root = []
    for at in _differences(card, inputs):
        if boot.start <= at < boot.start + boot.size:
            continue  # the files are compared below, and the tables by fsck.fat
        if not root.start <= at < root.start + root.size:
            raise Wrong(f"{card.device}: differs from the image at byte {at}, in no partition")
        in_root.append((at - root.start) // BLOCK)
    if other := _files(inputs.image, root, in_root) - _names(rendered / "root"):
        raise Wrong(f"{card.device}: contents differ from the image: {', '.join(sorted(other))}")
    with _part(card, root) as device:
        _expect(["e2fsck", "-fn", device], "e2fsck")
    with _part(card, boot) as device, tempfile.TemporaryDirectory() as work:
        _expect(["fsck.fat", "-n", device], "fsck.fat")
        was, now = Path(work, "was"), Path(work, "now")
        for directory, source in ((was, f"{inputs.image}@@{boot.start}"), (now, device)):
            directory.mkdir()
            _expect(["mcopy", "-s", "-n", "-i", source, "::*", directory], "mcopy")
        wanted = {name: (was / name).read_bytes() for name in _names(was)}
        wanted |= {name: (rendered / "boot" / name).read_bytes() for name in _names(rendered / "boot")}
        if _names(now) != wanted.keys():
            other = ", ".join(sorted(_names(now) ^ wanted.keys()))
            raise Wrong(f"{card.device}: missing or extra files on the boot partition: {other}")
        for name, content in wanted.items():
            told = (now / name).read_bytes()
            # All of card.json comes from the time and from digests of the rest.
            if name != "piflash/card.json" and TIMES.sub(rb"\1", told) != TIMES.sub(rb"\1", content):
                raise Wrong(f"{card.device}: {name} is not what it should be")


def _names(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def _files(image: Path, partition: oracle.Partition, blocks: list[int]) -> set[str]:
    """The files (not directories) that have these blocks in the image's ext4."""
    def debugfs(request: str) -> list[list[str]]:
        told = _expect(["debugfs", "-R", request, f"{image}?offset={partition.start}"], "debugfs").decode()
        return [line.split("\t") for line in told.splitlines()]

    if not blocks:
        return set()
    # A block without an inode belongs to the file system itself: e2fsck checks it.
    inodes = {row[1] for row in debugfs(f"icheck {' '.join(map(str, blocks))}")[1:] if row[1].isdigit()}
    files = {inode for inode in inodes if "Type: directory" not in str(debugfs(f"stat <{inode}>"))}
    if not files:
        return set()
    return {row[1].lstrip("/") for row in debugfs(f"ncheck {' '.join(files)}")[1:]}


def _differences(card: Card, inputs: Inputs) -> list[int]:
    """Starts of the blocks whose used part differs. Reads in pieces: a mapping would count as our memory."""
    card.drop_cache()
    changed = []
    with open(inputs.image, "rb", buffering=0) as image, open(card.device, "rb", buffering=0) as device:
        for start, end in inputs.used:
            # FAT clusters of 512 bytes can begin anywhere; pieces end at block boundaries.
            while start < end:
                size = min(end, (start // PIECE + 1) * PIECE) - start
                one, other = os.pread(image.fileno(), size, start), os.pread(device.fileno(), size, start)
                if len(other) != size:
                    raise Wrong(f"{card.device}: ends before byte {start + size}: was it detached by someone else?")
                if one != other:
                    changed += [at for at in range(start // BLOCK * BLOCK, start + size, BLOCK)
                                if _at(one, at - start) != _at(other, at - start)]
                start += size
    return changed


def _at(piece: bytes, place: int) -> bytes:
    return piece[max(place, 0):place + BLOCK]


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
