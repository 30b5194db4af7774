"""Loop devices in place of cards: no holes, direct I/O, and as slow as a card on request."""

import fcntl
import mmap
import os
import subprocess
from pathlib import Path

BLKFLSBUF = 0x1261  # linux/fs.h: write back and drop a device's page cache
PIECE = 4 << 20
VERSION_1 = Path("/sys/fs/cgroup/blkio")
VERSION_2 = Path("/sys/fs/cgroup")
OUR_GROUP = VERSION_2 / "piflash-bench"


class Throttle:
    """Rates of whole devices, by the blkio controller of cgroup v1 or io of v2.

    With v1 the rates are set on the root group: what the kernel writes back later (dd without direct I/O, bmaptool)
    belongs to that group, so a limit on our own group would not apply. With v2 a root has no limits, but writeback
    counts for the group that dirtied the page, so all runs happen in our own group.
    """

    def __init__(self) -> None:
        self.version = 0
        if (VERSION_1 / "blkio.throttle.write_bps_device").exists():
            self.version = 1
        elif "io" in _words(VERSION_2 / "cgroup.controllers"):
            self.version = 2
            (VERSION_2 / "cgroup.subtree_control").write_text("+io +memory")
            OUR_GROUP.mkdir(exist_ok=True)
            # cgroups(7): 0::/PATH
            self.home = VERSION_2 / Path("/proc/self/cgroup").read_text().strip().split(":", 2)[2].lstrip("/")
            (OUR_GROUP / "cgroup.procs").write_text(str(os.getpid()))

    def set(self, number: str, write: int, read: int) -> None:
        """Sets bytes per second for the device `number` (major:minor); 0 for no limit."""
        if self.version == 1:
            for name, rate in (("write", write), ("read", read)):
                (VERSION_1 / f"blkio.throttle.{name}_bps_device").write_text(f"{number} {rate}")
        elif self.version == 2:
            (OUR_GROUP / "io.max").write_text(f"{number} rbps={read or 'max'} wbps={write or 'max'}")

    def close(self) -> None:
        if self.version == 2:
            (self.home / "cgroup.procs").write_text(str(os.getpid()))
            OUR_GROUP.rmdir()


def _words(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


class Card:
    """A loop device over a new file of `size` bytes; `close` removes both."""

    def __init__(self, file: Path, size: int, throttle: Throttle) -> None:
        self.file, self.size, self.throttle = file, size, throttle
        self.device = ""
        try:
            with open(file, "xb") as out:
                # No holes: the card would be faster there.
                for at in range(0, size, PIECE):
                    out.write(b"\xff" * min(PIECE, size - at))
            # If the file system has no direct I/O, the file's page cache is in between.
            self.is_direct = True
            attach = ["losetup", "--find", "--show"]
            made = subprocess.run([*attach, "--direct-io=on", file], capture_output=True, text=True, check=False)
            if made.returncode != 0:
                self.is_direct = False
                made = subprocess.run([*attach, file], capture_output=True, text=True, check=True)
            self.device = made.stdout.strip()
            self.number = Path("/sys/class/block", Path(self.device).name, "dev").read_text().strip()
        except BaseException:
            self.close()
            raise

    def limit(self, write: int, read: int) -> None:
        self.throttle.set(self.number, write, read)

    def fill(self) -> None:
        """Fills the card like erased flash, so that a zero that was not written shows."""
        self._write(lambda at, size: b"\xff" * size)

    def hold(self, image: Path) -> None:
        """Writes `image`, so that the card already holds it; the rest as in `fill`."""
        with open(image, "rb") as source:
            self._write(lambda at, size: source.read(size).ljust(size, b"\xff"))

    def _write(self, content) -> None:
        with mmap.mmap(-1, PIECE) as buffer:
            device = os.open(self.device, os.O_WRONLY | os.O_DIRECT)
            try:
                for at in range(0, self.size, PIECE):
                    size = min(PIECE, self.size - at)
                    buffer[:size] = content(at, size)
                    with memoryview(buffer) as view, view[:size] as piece:
                        os.pwrite(device, piece, at)
                os.fsync(device)
            finally:
                os.close(device)
        self.drop_cache()

    def drop_cache(self) -> None:
        device = os.open(self.device, os.O_RDONLY)
        try:
            fcntl.ioctl(device, BLKFLSBUF, 0)
        finally:
            os.close(device)

    def close(self) -> None:
        if self.device:
            self.limit(0, 0)
            # Not checked: losetup reports an error itself, and the file must be removed in any case.
            subprocess.run(["losetup", "--detach", self.device], check=False)
            self.device = ""
        self.file.unlink(missing_ok=True)
