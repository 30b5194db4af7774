"""The file systems of a card after a power cut: what a Pi does with them when it boots again."""

import subprocess
import time
from pathlib import Path

from card import Card, Partition
from outside import Problem, run


def check_file_systems(card: Card, boot_image: Path) -> list[str]:
    """Returns what e2fsck could not repair in the root partition by itself."""
    _, root = card.partitions()
    problems = []
    result = _check(card, root, "-p")
    if result.returncode == 4:
        problems.append(result.stdout.strip()[-400:])
        _check(card, root, "-y")
    run("e2fsck", "-f", "-y", boot_image, ok=(0, 1, 2))
    return problems


def _check(card: Card, partition: Partition, mode: str) -> subprocess.CompletedProcess[str]:
    # The loop device is detached as soon as nothing has it open: that is when the shell ends, however it does.
    script = """
        device=$(losetup --find --show --offset "$1" --sizelimit "$2" "$3") || exit
        exec 9<"$device" && losetup --detach "$device"
        e2fsck "$4" "$device"
    """
    words = ("sh", "-c", script, "sh", str(partition.start), str(partition.size), card.path, mode)
    for _ in range(20):
        result = run(*words, timeout=120, check=False)
        if result.returncode in (0, 1, 2, 4):
            return result
        # 8: another program looks at all loop devices, and has this one open.
        time.sleep(0.2)
    raise Problem(f"e2fsck {mode} ended with status {result.returncode}: {(result.stdout + result.stderr)[-400:]}")
