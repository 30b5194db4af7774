"""The two file systems of a node that is on, mounted in a mount namespace of their own."""

import fcntl
import os
import select
import struct
import subprocess
import time
from pathlib import Path

from outside import PATH, Problem
from card import Card

# include/uapi/linux/ext4.h
EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH = 0x8004587D, 2

# Another program that looks at all loop devices may be in the way for a moment, so it tries again. Then it holds the
# namespace until it is killed. The loop devices detach when they are unmounted.
HOLD = """
attach() {
    tries=0
    until mount -t ext4 -o "$1" "$2" "$3" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || exec mount -t ext4 -o "$1" "$2" "$3"
        sleep 0.1
    done
}
attach "loop,offset=$1,sizelimit=$2" "$3" "$4" && attach loop "$5" "$6" && echo mounted && exec sleep infinity
"""


class Mounts:
    """A node's container keeps all mounts that it finds when it starts, and what is mounted somewhere cannot be
    detached. So it may find its own only: they are in a namespace that a process holds, and end with it."""

    def __init__(self, card: Card, boot_image: Path, directory: Path) -> None:
        _, partition = card.partitions()
        root, boot = directory / "root", directory / "boot"
        for path in (root, boot):
            path.mkdir(exist_ok=True)
        self._images = (card.path, boot_image)
        words = [str(partition.start), str(partition.size), str(card.path), str(root), str(boot_image), str(boot)]
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", HOLD, "sh", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # An interrupt from the terminal is for the harness only.
            start_new_session=True,
            env={**os.environ, "PATH": PATH},
        )
        assert self._holder.stdout is not None
        ready, _, _ = select.select([self._holder.stdout], [], [], 30)
        said = self._holder.stdout.readline().decode(errors="replace") if ready else "no answer within 30 s"
        if said != "mounted\n":
            self.end()
            raise Problem(f"cannot mount {card.path}: {said.strip()}")
        # As a process of the namespace sees them, and as the others reach them.
        self.inside = (root, boot)
        outside = Path(f"/proc/{self._holder.pid}/root")
        self.root = outside / str(root).lstrip("/")
        self.boot = outside / str(boot).lstrip("/")

    def command(self, *words: str) -> list[str]:
        """A command that runs in the namespace."""
        return ["nsenter", "--target", str(self._holder.pid), "--mount", *words]

    def shut_down(self) -> None:
        """Ends all writing to both file systems, as a power cut does; no journal is flushed."""
        for mounted in (self.root, self.boot):
            directory = os.open(mounted, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.ioctl(directory, EXT4_IOC_SHUTDOWN, struct.pack("I", EXT4_GOING_FLAGS_NOLOGFLUSH))
            finally:
                os.close(directory)

    def end(self) -> None:
        """Unmounts. No process of the node may be left."""
        self._holder.kill()
        self._holder.wait(timeout=30)
        assert self._holder.stdout is not None
        self._holder.stdout.close()
        deadline = time.monotonic() + 20
        while any(_has(device, image) for device in Path("/sys/block").glob("loop*") for image in self._images):
            if time.monotonic() > deadline:
                raise Problem(f"{self._images[0].parent}: a loop device stays attached")
            time.sleep(0.02)


def _has(device: Path, image: Path) -> bool:
    """Whether a loop device has this image. Of a file in a namespace that has ended, the kernel knows the path in its
    file system only."""
    try:
        path = (device / "loop/backing_file").read_text().strip()
    except OSError:
        return False
    return path != "" and str(image).endswith(path)
