"""Programs of this machine, and the paths that Debian keeps them in."""

import os
import shutil
import subprocess
from pathlib import Path

PATH = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"
ROOT = Path(__file__).resolve().parents[2]

# Every program that is called, and the Debian package that it comes with.
PACKAGES = {
    "gcc": "gcc",
    "losetup": "mount",
    "blockdev": "util-linux",
    "sfdisk": "fdisk",
    "mcopy": "mtools",
    "mkfs.fat": "dosfstools",
    "fsck.fat": "dosfstools",
    "mkfs.ext4": "e2fsprogs",
    "e2fsck": "e2fsprogs",
    "debugfs": "e2fsprogs",
    "xz": "xz-utils",
}


class Problem(Exception):
    """What went wrong, for people."""


def require_programs() -> None:
    missing = sorted({package for name, package in PACKAGES.items() if shutil.which(name, path=PATH) is None})
    if missing:
        raise Problem(f"missing packages: {' '.join(missing)}; as root, scripts/bootstrap faults installs them")


def run(*words: str | Path, ok: tuple[int, ...] = (0,), input: bytes | None = None) -> bytes:
    """Runs a program and returns what it printed; a Problem if its status is not one of `ok`."""
    done = answer(*words, input=input)
    if done.returncode not in ok:
        said = done.stdout.decode(errors="replace")[-600:]
        raise Problem(f"`{' '.join(map(str, words))}` ended with {done.returncode}: {said}")
    return done.stdout


def answer(*words: str | Path, input: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": PATH, "LC_ALL": "C", "TZ": "UTC", "E2FSPROGS_FAKE_TIME": "1700000000"}
    return subprocess.run(
        [str(word) for word in words], input=input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
        timeout=120, stdin=None if input is not None else subprocess.DEVNULL, check=False)
