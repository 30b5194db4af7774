"""Which programs write the card, from what, and how the result is checked."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import check
from cards import Card
from inputs import Inputs
from process import Measured, run

# A node's usual settings, without a secret.
RECIPE = """\
image: {{ source: {source} }}
hostname: red01
user:
  name: pirate
  ssh_authorized_keys: [ssh-ed25519 {key} bench]
address: 192.168.50.11/24
network: {{ gateway: 192.168.50.1, dns: [192.168.50.1] }}
locale: {{ timezone: Europe/Berlin, lang: en_GB.UTF-8, keyboard: de }}
"""
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"


@dataclass
class Contestant:
    name: str
    source: str  # its input: zip, gz, xz (many blocks), xz (one block), image, cache
    verifies: bool  # it reads the card back
    write: Callable[[Card], Measured]
    judge: Callable[[Card], None]
    holds: bool = False  # the card holds the image before
    is_piflash: bool = False
    uses: tuple[Path, ...] = ()  # files that must be in the page cache
    prepare: Callable[[], None] = lambda: None
    phases: Callable[[Measured], dict[str, float]] = lambda measured: {}

    @property
    def key(self) -> str:
        return f"{self.name}, {self.source}"


class Piflash:
    """piflash with its own cache, recipes and ledger below `work`."""

    def __init__(self, program: Path, inputs: Inputs, work: Path) -> None:
        self.program, self.inputs, self.work = program, inputs, work
        self.cache = work / "cache"
        self.environment = {"XDG_CACHE_HOME": str(self.cache)}
        self.rendered = work / "rendered"
        if not self.rendered.exists():
            run([program, "render", "--recipe", self.recipe(inputs.zip), "--into", self.rendered],
                environment=self.environment)

    def recipe(self, source: Path) -> Path:
        path = self.work / f"{source.name}.yaml"
        path.write_text(RECIPE.format(source=source, key=KEY))
        return path

    def contestant(self, source: Path, label: str, *, cached: bool = False, holds: bool = False) -> Contestant:
        recipe = self.recipe(source)

        def write(card: Card) -> Measured:
            return run([self.program, "write", "--recipe", recipe, "--yes", "--json", card.device],
                       environment=self.environment)

        def prepare() -> None:
            if cached:
                self.fill_cache(source)
            else:
                shutil.rmtree(self.cache, ignore_errors=True)

        return Contestant(
            name="piflash, card holds the image" if holds else "piflash", source="cache" if cached else label,
            verifies=True, write=write, judge=lambda card: check.configured(card, self.inputs, self.rendered),
            holds=holds, is_piflash=True, uses=(source,), prepare=prepare, phases=phases)

    def fill_cache(self, source: Path) -> None:
        """Unpacks `source` into the cache if it is not there, and reads the cache into memory."""
        run([self.program, "image", "info", source], environment=self.environment)
        for file in self.cache.rglob("*.img"):
            read_through(file)


def read_through(file: Path) -> None:
    with open(file, "rb", buffering=0) as source:
        while source.read(4 << 20):
            pass


def phases(measured: Measured) -> dict[str, float]:
    """Seconds of each of piflash's phases, from the times of its events."""
    taken: dict[str, float] = {}
    last = 0.0
    phase = "starting"
    for at, line in measured.lines:
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "progress":
            # An event reports the time before it, except the first event of a phase.
            taken[phase] = taken.get(phase, 0.0) + at - last
            phase, last = event["phase"], at
    taken[phase] = taken.get(phase, 0.0) + measured.seconds - last
    return {name: round(seconds, 3) for name, seconds in taken.items()}


def ours(piflash: Piflash) -> list[Contestant]:
    given = piflash.inputs
    return [
        piflash.contestant(given.zip, "zip"),
        piflash.contestant(given.gz, "gz"),
        piflash.contestant(given.xz_multi, "xz, many blocks"),
        piflash.contestant(given.xz_single, "xz, one block"),
        piflash.contestant(given.zip, "zip", cached=True),
        piflash.contestant(given.zip, "zip", cached=True, holds=True),
    ]


def peers(given: Inputs) -> list[Contestant]:
    """The programs that people use instead, run as their manuals say, each at its best."""
    def whole(card: Card) -> None:
        check.whole(card, given)

    found = []
    decoders = [("unzip -p", given.zip, "zip", ["unzip", "-p", given.zip]),
                ("xz -dc -T0", given.xz_multi, "xz, many blocks", ["xz", "-dc", "-T0", given.xz_multi]),
                ("xz -dc -T0", given.xz_single, "xz, one block", ["xz", "-dc", "-T0", given.xz_single])]
    for name, source, label, decode in decoders:
        found.append(Contestant(
            f"{name} | dd", label, False, lambda card, decode=decode: run(decode, _dd(card)), whole, uses=(source,)))
        found.append(Contestant(
            f"{name} | dd, then cmp", label, True,
            lambda card, decode=decode: run(decode, _dd(card)).then(_compare(decode, given, card)), whole,
            uses=(source,)))
    found.append(Contestant(
        "dd, then cmp", "image", True,
        lambda card: run(_dd(card, f"if={given.image}")).then(_compare(None, given, card)), whole,
        uses=(given.image,)))
    if given.bmap:
        for source, label in ((given.zip, "zip"), (given.xz_multi, "xz, many blocks")):
            found.append(Contestant(
                "bmaptool --bmap", label, False,
                lambda card, source=source: run(
                    ["bmaptool", "--quiet", "copy", "--bmap", given.bmap, source, card.device]),
                lambda card: check.used(card, given), uses=(source,)))
            found.append(Contestant(
                "bmaptool --nobmap", label, False,
                lambda card, source=source: run(["bmaptool", "--quiet", "copy", "--nobmap", source, card.device]),
                whole, uses=(source,)))
    if shutil.which("rpi-imager"):
        for source, label in ((given.zip, "zip"), (given.xz_multi, "xz, many blocks")):
            found.append(Contestant(
                "rpi-imager --cli", label, True,
                lambda card, source=source: run(
                    ["rpi-imager", "--cli", "--quiet", "--disable-eject", source, card.device],
                    environment={"QT_QPA_PLATFORM": "offscreen"}),
                whole, uses=(source,)))
    return found


def missing() -> list[str]:
    """The optional programs that are not installed."""
    return [name for name in ("bmaptool", "rpi-imager") if not shutil.which(name)]


def limit(given: Inputs) -> Contestant:
    """The time of the device itself: dd writes and reads as many bytes as are in use."""
    count = ["bs=4M", f"count={-(-given.used_bytes // (4 << 20))}"]

    def write(card: Card) -> Measured:
        written = run(["dd", "if=/dev/zero", f"of={card.device}", *count, "oflag=direct", "conv=fsync"])
        read = run(["dd", f"if={card.device}", "of=/dev/null", *count, "iflag=direct"])
        reading.append(read.seconds)
        return written.then(read)

    reading: list[float] = []
    return Contestant(
        "the device itself", "used bytes", True, write, lambda card: None,
        phases=lambda measured: {"writing": measured.seconds - reading[-1], "reading": reading[-1]})


def _dd(card: Card, *more: str) -> list:
    return ["dd", f"of={card.device}", *more, "bs=4M", "iflag=fullblock", "oflag=direct", "conv=fsync"]


def _compare(decode: list | None, given: Inputs, card: Card) -> Measured:
    """Reads the card, not its page cache."""
    card.drop_cache()
    compare = ["cmp", "--bytes", str(given.size)]
    return run(decode, [*compare, "-", card.device]) if decode else run([*compare, given.image, card.device])
