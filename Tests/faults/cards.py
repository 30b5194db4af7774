"""What a card is, by other people's programs: sfdisk, fsck.fat, e2fsck, mtools, debugfs."""

import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import sample
from outside import Problem, answer, run
from trial import copy

PIECE = 1 << 20
# What fsck.fat says of a volume that loses nothing: lost clusters, a stale count of free ones, copies of the FAT that differ
# because one of them was written first.
HARMLESS = ("Reclaimed", "Free cluster summary", "FATs differ", "Using first FAT", "Using second FAT", "Auto-correct",
            "Leaving filesystem", "Free cluster", "fsck.fat ", " files, ", "1) ", "2) ", "? ", "Dirty bit")

Ranges = list[tuple[int, int]]


@dataclass(frozen=True)
class Golden:
    """A card that was written without a fault."""

    node: str
    path: Path
    ranges: Ranges
    """The bytes that must be right: start and end."""

    def is_on(self, disk: Path) -> bool:
        with open(self.path, "rb") as wanted, open(disk, "rb") as found:
            for start, end in self.ranges:
                for place in range(start, end, PIECE):
                    length = min(PIECE, end - place)
                    wanted.seek(place)
                    found.seek(place)
                    if wanted.read(length) != found.read(length):
                        return False
        return True


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    result: Ranges = []
    for start, end in sorted(ranges):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def has_table(disk: Path) -> bool:
    """Whether sfdisk finds a partition table with a partition in it, or the first sector says that there is one."""
    with open(disk, "rb") as file:
        head = file.read(1024)
    if head[510:512] == b"\x55\xaa" and any(head[446:510]) or head[512:520] == b"EFI PART":
        return True
    return answer("sfdisk", "--dump", disk).returncode == 0


def same(first: Path, second: Path) -> bool:
    if first.stat().st_size != second.stat().st_size:
        return False
    with open(first, "rb") as one, open(second, "rb") as other:
        while part := one.read(PIECE):
            if part != other.read(PIECE):
                return False
    return True


# --- file systems

Tree = dict[str, tuple]


def boot_tree(image: Path, work: Path) -> Tree:
    """The files of the boot partition."""
    place = _empty(work / "boot")
    done = answer("mcopy", "-s", "-n", "-m", "-i", f"{image}@@{sample.BOOT[0]}", "::*", place)
    if done.returncode != 0:
        raise Problem(f"mcopy: {done.stdout.decode(errors='replace')[-300:]}")
    return _tree(place, modes=False)


def root_tree(image: Path, work: Path) -> Tree:
    """The files of the root partition, with their owners and modes."""
    place = _empty(work / "root")
    run("debugfs", "-R", f"rdump / {place}", f"{image}?offset={sample.SYSTEM[0]}")
    return _tree(place, modes=True)


def _empty(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def _tree(top: Path, modes: bool) -> Tree:
    tree: Tree = {}
    for directory, names, files in os.walk(top):
        for name in [*names, *files]:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            key = path[len(str(top)):]
            rights = (status.st_mode, status.st_uid, status.st_gid) if modes else ()
            if os.path.islink(path):
                tree[key] = ("link", os.readlink(path))
            elif os.path.isdir(path):
                tree[key] = ("directory", *rights)
            else:
                with open(path, "rb") as file:
                    tree[key] = ("file", *rights, hashlib.sha256(file.read()).hexdigest())
    return tree


@dataclass
class Verdict:
    """What became of a card whose settings were changed."""

    state: str
    """"old", "new" or "mixed"."""
    problems: list[str]


class EditOracle:
    """Examines a card whose settings were being changed from those of `old` to those of `new`."""

    RECORD = "/piflash/card.json"
    # It says that an edit has begun (docs/reliability.md).
    NOTE = "/piflash/card-unfinished.json"

    def __init__(self, old: Path, new: Path, work: Path) -> None:
        self.work = work
        self.boots = [boot_tree(image, work) for image in (old, new)]
        self.roots = [root_tree(image, work) for image in (old, new)]
        if self.boots[0] == self.boots[1] or self.roots[0] == self.roots[1]:
            raise Problem("the two recipes must change both partitions")

    def examine(self, image: Path) -> Verdict:
        """`image` may be changed: its journal is replayed."""
        problems = check_boot(image, self.work) + repair_root(image)
        try:
            boot, root = boot_tree(image, self.work), root_tree(image, self.work)
        except Problem as problem:
            return Verdict("mixed", [*problems, str(problem)])
        # What e2fsck puts there was a file that was being made.
        root = {path: value for path, value in root.items() if not path.startswith("/lost+found/")}
        note = boot.pop(self.NOTE, None)
        states: dict[str, set[str]] = {"boot": set(), "root": set()}
        for name, tree, (old, new) in (("boot", boot, self.boots), ("root", root, self.roots)):
            for path in sorted({*tree, *old, *new}):
                value = tree.get(path)
                if value not in (old.get(path), new.get(path)):
                    problems.append(f"{name} partition: {path} is neither the old nor the new one")
                elif old.get(path) != new.get(path):
                    states[name].add("old" if value == old.get(path) else "new")
        both = states["boot"] | states["root"]
        if len(states["root"]) > 1:
            problems.append("old settings beside new ones in the root partition")
        if len(both) > 1 and note is None:
            problems.append("old settings beside new ones, and no note says that the edit is not finished")
        if boot.get(self.RECORD) == self.boots[1].get(self.RECORD) and "old" in both:
            problems.append("the record describes the new card, and the card is not new")
        return Verdict("mixed" if len(both) > 1 or note else both.pop(), problems)


def check_boot(image: Path, work: Path) -> list[str]:
    part = work / "part.fat"
    with open(image, "rb") as source, open(part, "wb") as place:
        source.seek(sample.BOOT[0])
        place.write(source.read(sample.BOOT[1]))
    done = answer("fsck.fat", "-n", part)
    lines = [line for line in done.stdout.decode(errors="replace").splitlines() if line.strip()]
    serious = [line for line in lines if not any(word in line for word in HARMLESS)]
    return [f"fsck.fat: {' / '.join(serious)}"] if done.returncode != 0 and serious else []


def repair_root(image: Path) -> list[str]:
    """Replays the journal, as a boot does, and checks what is then there."""
    # A file of its own: after it has replayed a journal, e2fsck opens the file system again, and forgets an offset.
    place = image.with_suffix(".ext4")
    start, size = sample.SYSTEM
    with open(image, "rb") as file:
        file.seek(start)
        place.write_bytes(file.read(size))
    done = answer("e2fsck", "-fp", place)
    if done.returncode not in (0, 1):
        return [f"e2fsck -p: {done.stdout.decode(errors='replace')[-300:]}"]
    with open(image, "r+b") as file:
        file.seek(start)
        file.write(place.read_bytes())
    done = answer("e2fsck", "-fn", place)
    return [] if done.returncode == 0 else [f"e2fsck -n: {done.stdout.decode(errors='replace')[-300:]}"]


def copied(image: Path, place: Path) -> Path:
    copy(image, place)
    return place
