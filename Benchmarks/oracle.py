"""What of a card image is in use, according to programs and code that are not piflash's.

ext4's free blocks come from dumpe2fs; FAT32's free clusters from the table itself (Microsoft, FAT: General Overview
of On-Disk Format, 1.03); partitions from sfdisk. Everything outside of partitions counts as used.
"""

import array
import json
import re
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Partition:
    start: int  # bytes
    size: int
    kind: str  # the type byte of its entry in the MBR, in hexadecimal


def partitions(image: Path) -> list[Partition]:
    found = subprocess.run(["sfdisk", "--json", image], check=True, capture_output=True, text=True)
    table = json.loads(found.stdout)["partitiontable"]
    unit = table.get("sectorsize", 512)
    return [Partition(p["start"] * unit, p["size"] * unit, p["type"]) for p in table["partitions"]]


def used_ranges(image: Path) -> list[tuple[int, int]]:
    """Ascending (start, end) in bytes, none touching the next."""
    free = []
    for partition in partitions(image):
        if partition.kind == "83":
            free += ext4_free(image, partition)
        elif partition.kind == "c":
            free += fat_free(image, partition)
    used, position = [], 0
    for start, end in sorted(free):
        if start > position:
            used.append((position, start))
        position = max(position, end)
    size = image.stat().st_size
    if position < size:
        used.append((position, size))
    return used


def ext4_free(image: Path, partition: Partition) -> list[tuple[int, int]]:
    told = subprocess.run(
        ["dumpe2fs", f"{image}?offset={partition.start}"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    block = int(re.search(r"^Block size: +(\d+)$", told, re.M).group(1))
    count = int(re.search(r"^Block count: +(\d+)$", told, re.M).group(1))
    free = []
    for line in re.findall(r"^  Free blocks: (.+)$", told, re.M):
        for run in line.split(", "):
            first, _, last = run.partition("-")
            free.append((int(first), int(last or first) + 1))
    # The rest of a partition after its file system counts as used.
    assert all(end <= count for _, end in free)
    return [(partition.start + first * block, partition.start + end * block) for first, end in free]


def fat_free(image: Path, partition: Partition) -> list[tuple[int, int]]:
    with open(image, "rb") as file:
        file.seek(partition.start)
        boot = file.read(512)
        sector, per_cluster, reserved, tables = struct.unpack_from("<HBHB", boot, 11)
        sectors, table_sectors = struct.unpack_from("<II", boot, 32)
        file.seek(partition.start + reserved * sector)
        table = array.array("I", file.read(table_sectors * sector))
    if sys.byteorder == "big":
        table.byteswap()
    data = reserved + tables * table_sectors
    cluster = per_cluster * sector
    begin = partition.start + data * sector
    free, run = [], None
    for number in range(2, (sectors - data) // per_cluster + 2):
        # The upper four bits of an entry are reserved.
        if table[number] & 0x0FFF_FFFF == 0:
            run = number if run is None else run
        elif run is not None:
            free.append((begin + (run - 2) * cluster, begin + (number - 2) * cluster))
            run = None
    if run is not None:
        free.append((begin + (run - 2) * cluster, begin + ((sectors - data) // per_cluster) * cluster))
    return free


def total(ranges: list[tuple[int, int]]) -> int:
    return sum(end - start for start, end in ranges)
