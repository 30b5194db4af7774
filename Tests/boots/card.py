"""Card images: writing them with piflash, and reaching their partitions."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from outside import run

SECTOR = 512


@dataclass(frozen=True)
class Partition:
    start: int  # bytes
    size: int  # bytes


@dataclass(frozen=True)
class Card:
    path: Path

    def partitions(self) -> tuple[Partition, Partition]:
        """The boot partition and the root partition."""
        table = json.loads(run("sfdisk", "-J", self.path).stdout)["partitiontable"]["partitions"]
        boot, root = (Partition(entry["start"] * SECTOR, entry["size"] * SECTOR) for entry in table[:2])
        return boot, root

    def copy(self, path: Path) -> "Card":
        """Holes stay holes; on file systems that can, nothing is copied at all."""
        run("cp", "--sparse=always", "--reflink=auto", self.path, path, timeout=300)
        return Card(path)


def write(piflash: Path, recipe: Path, path: Path, environment: dict[str, str]) -> Card:
    """Has piflash write the card of `recipe`."""
    cache = path.parent / "cache"
    try:
        words = (piflash, "write", "--recipe", recipe, "--yes", path)
        run(*words, timeout=300, env={**environment, "XDG_CACHE_HOME": str(cache)})
    finally:
        shutil.rmtree(cache, ignore_errors=True)
    return Card(path)
