"""The images to write: built once, kept in a directory, the same each time on the same machine."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import oracle

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
VARIANT = "raspberry-pi-os"
# make-sample-image's gap before the first partition, and the boot partition of VARIANT.
BEFORE_ROOT = (4 + 128) << 20
SMALLEST = 160 << 20
# Larger files would make the filled share random.
LARGEST_FILE = 32 << 20
# Raise this if the images are made in another way.
FORMAT = 1


@dataclass
class Inputs:
    """An image, unpacked and packed."""

    image: Path
    zip: Path
    gz: Path
    xz_multi: Path
    xz_single: Path
    bmap: Path | None
    used: list[tuple[int, int]]

    @property
    def size(self) -> int:
        return self.image.stat().st_size

    @property
    def used_bytes(self) -> int:
        return oracle.total(self.used)


def build(cache: Path, size: int, say) -> Inputs:
    """The inputs of an image of `size` bytes, from the cache if they are there."""
    size = max(size, SMALLEST) >> 20 << 20
    home = cache / f"inputs-{FORMAT}-{size >> 20}"
    if not home.is_dir():
        say(f"building an image of {size >> 20} MiB, and packing it (once)")
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="building-") as work:
            made = Path(work) / "inputs"
            made.mkdir()
            make_image(Path(work), made / "bench.img", size)
            pack(made)
            made.rename(home)
    image = home / "bench.img"
    return Inputs(
        image=image, zip=home / "bench.zip", gz=home / "bench.img.gz", xz_multi=home / "multi.img.xz",
        xz_single=home / "single.img.xz", bmap=make_bmap(home), used=oracle.used_ranges(image))


def make_image(work: Path, image: Path, size: int) -> None:
    """A system with files of this machine, half full, with zeros where files were deleted."""
    root = size - BEFORE_ROOT
    payload = work / "payload"
    names = fill(payload / "opt", root // 2)
    full = work / "full.img"
    subprocess.run(
        [SCRIPTS / "make-sample-image", VARIANT, full, str(root >> 20), payload],
        check=True, env={**os.environ, "TMPDIR": str(work)})
    # Without deleted files all free blocks would be in one piece; in a real image they are not.
    commands = work / "deletions"
    commands.write_text("".join(f"rm /opt/{name}\n" for name in names[::10]))
    subprocess.run(
        ["debugfs", "-w", "-f", commands, f"{full}?offset={BEFORE_ROOT}"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "E2FSPROGS_FAKE_TIME": "1700000000"})
    with open(full, "rb") as source, open(image, "wb") as target:
        target.truncate(size)
        for start, end in oracle.used_ranges(full):
            for at in range(start, end, 1 << 20):
                source.seek(at)
                # Write zeros, too, where they are in use: a bmap leaves out only holes.
                target.seek(at)
                target.write(source.read(min(1 << 20, end - at)))
    full.unlink()
    subprocess.run(
        ["e2fsck", "-fn", f"{image}?offset={BEFORE_ROOT}"], check=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)


def fill(directory: Path, wanted: int) -> list[str]:
    """Copies files of /usr in an order that mixes their kinds, until they take `wanted` bytes; returns their names."""
    found = []
    for parent, _, files in os.walk("/usr"):
        found += [os.path.join(parent, name) for name in files]
    found = [path for path in found if not os.path.islink(path) and 0 < os.path.getsize(path) <= LARGEST_FILE]
    found.sort(key=lambda path: hashlib.sha256(os.fsencode(path)).digest())
    names, taken, turn = [], 0, 0
    while taken < wanted and found:
        for number, path in enumerate(found):
            # On a small machine every file is used several times.
            name = f"{turn}.{number // 250}/{number}"
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            names.append(name)
            taken += -(-target.stat().st_size // 4096) * 4096
            if taken >= wanted:
                break
        turn += 1
    return names


def pack(home: Path) -> None:
    """Packs like vendors: deflate at its usual level, xz at its usual level in many blocks, and in one."""
    image = home / "bench.img"
    jobs = [["zip", "--quiet", "--junk-paths", home / "bench.zip", image]]
    outputs = [(["gzip", "--stdout", "--no-name", image], "bench.img.gz"),
               (["xz", "--stdout", "-6", "-T0", image], "multi.img.xz"),
               (["xz", "--stdout", "-6", "-T1", image], "single.img.xz")]
    running = [subprocess.Popen(job) for job in jobs]
    try:
        for command, name in outputs:
            with open(home / name, "wb") as file:
                running.append(subprocess.Popen(command, stdout=file))
        if failed := [process.args for process in running if process.wait() != 0]:
            raise RuntimeError(f"cannot pack the image: {failed}")
    finally:
        for process in running:
            process.kill()
            process.wait()


def make_bmap(home: Path) -> Path | None:
    """From the holes of the unpacked image; nothing if bmaptool is not installed."""
    bmap = home / "bench.bmap"
    if bmap.exists():
        return bmap
    if not shutil.which("bmaptool"):
        return None
    subprocess.run(["bmaptool", "--quiet", "create", "-o", bmap, home / "bench.img"], check=True)
    return bmap
