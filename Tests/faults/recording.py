"""What one run wrote to cards and files, in order, and what a power cut can leave of it.

A medium keeps what was written before the last flush. Of what was written since, it may have any part: a write may be
missing, or torn between two sectors, and later ones may be there. In a directory, a name that was given or taken away since
the last flush of the directory may be the old one or the new one.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512


@dataclass(frozen=True)
class Write:
    place: int
    bytes: bytes


@dataclass(frozen=True)
class Resize:
    size: int


Change = Write | Resize


def some(chance: random.Random, changes: list[Change]) -> list[Change]:
    """A part of `changes`, in their order."""
    share, result = chance.choice((0.1, 0.3, 0.5, 0.7, 0.9)), []
    for change in changes:
        if chance.random() >= share:
            continue
        if isinstance(change, Write) and len(change.bytes) > SECTOR and chance.random() < 0.4:
            sectors = len(change.bytes) // SECTOR
            if chance.random() < 0.5:
                result.append(Write(change.place, change.bytes[:chance.randrange(1, sectors + 1) * SECTOR]))
            else:
                for start in range(0, len(change.bytes), SECTOR):
                    if chance.random() < 0.5:
                        result.append(Write(change.place + start, change.bytes[start:start + SECTOR]))
        else:
            result.append(change)
    return result


def put(change: Change, contents: bytearray) -> None:
    if isinstance(change, Resize):
        if change.size <= len(contents):
            del contents[change.size:]
        else:
            contents.extend(bytes(change.size - len(contents)))
        return
    end = change.place + len(change.bytes)
    if end > len(contents):
        contents.extend(bytes(end - len(contents)))
    contents[change.place:end] = change.bytes


def lines(log: list[str], data: Path) -> Iterator[tuple[list[str], bytes]]:
    """The record's lines, each with the bytes that were written."""
    with open(data, "rb") as file:
        for line in log:
            parts = line.split()
            if parts[0] in ("W", "Z", "F", "T", "C", "R", "L", "U", "D"):
                yield parts, file.read(max(0, int(parts[3]))) if parts[0] == "W" else b""


def device_changes(log: list[str], data: Path, device: str) -> list[Write | None]:
    """The writes to a device; None is a flush."""
    found: list[Write | None] = []
    for parts, contents in lines(log, data):
        if parts[-1] != device:
            continue
        if parts[0] == "W" and contents:
            found.append(Write(int(parts[2]), contents))
        elif parts[0] == "Z":
            found.append(Write(int(parts[2]), bytes(int(parts[3]))))
        elif parts[0] == "F":
            found.append(None)
    return found


def device_states(
    changes: list[Write | None], old: bytes, chance: random.Random, count: int
) -> Iterator[tuple[str, bytearray]]:
    """Every prefix, and `count` random states before each flush. The next state may use the same memory."""
    durable, current = bytearray(old), bytearray(old)
    pending: list[Change] = []
    yield "before the first write", current
    for number, change in enumerate(changes):
        if change is None:
            for _ in range(count if pending else 0):
                state = bytearray(durable)
                chosen = some(chance, pending)
                if chance.random() < 0.5:
                    chance.shuffle(chosen)
                for part in chosen:
                    put(part, state)
                yield f"a part of the writes before flush {number}", state
            durable, pending = bytearray(current), []
        else:
            pending.append(change)
            put(change, current)
            yield f"after write {number}", current


# --- directories

@dataclass
class Node:
    """A file or a directory."""

    is_directory: bool
    mode: int
    contents: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)
    names: dict[str, "Node"] = field(default_factory=dict)
    lost: list[tuple[str, "Node | None"]] = field(default_factory=list)
    """Names that were given (or with None taken away) since the last flush."""


class Tree:
    """A directory as the medium has it, and what was done since."""

    def __init__(self, top: Path) -> None:
        self.nodes: dict[int, Node] = {}
        self.top = self._read(top)

    def _read(self, path: Path) -> Node:
        status = os.lstat(path)
        node = Node(path.is_dir(), status.st_mode & 0o7777)
        self.nodes[status.st_ino] = node
        if node.is_directory:
            node.names = {child.name: self._read(child) for child in path.iterdir()}
        else:
            node.contents = bytearray(path.read_bytes())
        return node

    def happen(self, parts: list[str], contents: bytes) -> None:
        kind, first = parts[0], self.nodes.get(int(parts[1]))
        if first is None:
            return
        if kind in ("C", "D"):
            node = Node(kind == "D", 0o700 if kind == "D" else 0o600)
            self.nodes[int(parts[3])] = node
            first.lost.append((parts[2], node))
        elif kind == "L":
            first.lost.append((parts[2], self.nodes[int(parts[3])]))
        elif kind == "U":
            first.lost.append((parts[2], None))
        elif kind == "R":
            node, place = self.nodes[int(parts[5])], self.nodes[int(parts[3])]
            # One step of the file system: never both names, never none.
            first.lost.append((f"{parts[2]}>{parts[4]}" if first is place else parts[2], node if first is place else None))
            if first is not place:
                place.lost.append((parts[4], node))
        elif kind == "W":
            first.pending.append(Write(int(parts[2]), contents))
        elif kind == "Z":
            first.pending.append(Write(int(parts[2]), bytes(int(parts[3]))))
        elif kind == "T":
            first.pending.append(Resize(int(parts[2])))
        elif kind == "F":
            for change in first.pending:
                put(change, first.contents)
            first.pending = []
            first.names = after(first.names, first.lost)
            first.lost = []

    def write(self, place: Path, chance: random.Random | None) -> None:
        """Makes the directory that a power cut leaves now; without `chance` with all that was done."""
        self._write(self.top, place, chance)

    def _write(self, node: Node, place: Path, chance: random.Random | None) -> None:
        if not node.is_directory:
            contents = bytearray(node.contents)
            for change in node.pending if chance is None else some(chance, node.pending):
                put(change, contents)
            place.write_bytes(contents)
            place.chmod(node.mode)
            return
        place.mkdir()
        kept = node.lost if chance is None else [change for change in node.lost if chance.random() < 0.5]
        for name, child in after(node.names, kept).items():
            self._write(child, place / name, chance)
        place.chmod(node.mode)


def after(names: dict[str, Node], changes: list[tuple[str, Node | None]]) -> dict[str, Node]:
    names = dict(names)
    for name, node in changes:
        old, _, new = name.partition(">")
        if new and node is not None:
            names.pop(old, None)
            names[new] = node
        elif node is None:
            names.pop(name, None)
        else:
            names[name] = node
    return names
