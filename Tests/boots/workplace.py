"""The directory that a run works in: cards, boot partitions, consoles, keys."""

import fcntl
import os
import secrets
import shutil
import time
from pathlib import Path

from image import cache
from outside import run

# What is large, or secret, and not needed to understand a failure.
BULKY = ("*.img", "*.ext4", "boot.files", "cards/*", "recipes", "key*")
KEPT_DAYS = 7


class Workplace:
    """A directory in the cache's `runs`."""

    def __init__(self, kind: str) -> None:
        runs = cache() / "runs"
        runs.mkdir(parents=True, exist_ok=True)
        for old in runs.iterdir():
            _clean(old)
        self.path = runs / f"{kind}-{time.strftime('%m%d-%H%M%S')}-{secrets.token_hex(2)}"
        self.path.mkdir(mode=0o700)
        self._lock = _lock(self.path)
        self.key = self.path / "key"
        self.password = f"correct-horse-{secrets.token_hex(6)}"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "boots", "-f", self.key)

    def end(self, keep: bool) -> None:
        """With `keep`, all but cards and secrets stays."""
        if keep:
            _strip(self.path)
        else:
            shutil.rmtree(self.path, ignore_errors=True)


def _lock(path: Path) -> int | None:
    """Held as long as the run lives; None if another one holds it."""
    descriptor = os.open(path / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _strip(path: Path) -> None:
    for pattern in BULKY:
        # As a list: a directory that is gone cannot be searched further.
        for found in list(path.rglob(pattern)):
            if found.is_dir():
                shutil.rmtree(found, ignore_errors=True)
            else:
                found.unlink(missing_ok=True)


def _clean(path: Path) -> None:
    """Removes what a run that was killed has left."""
    lock = _lock(path)
    if lock is None:
        return
    if time.time() - path.stat().st_mtime > KEPT_DAYS * 86400:
        shutil.rmtree(path, ignore_errors=True)
    else:
        _strip(path)
    os.close(lock)
