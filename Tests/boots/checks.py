"""Checks of a node that is on: Tests/e2e/check-node over ssh, with the expected values of this run."""

import shlex
import time
from dataclasses import dataclass
from pathlib import Path

import image
from outside import run
from wire import Wire
from workplace import Workplace

# Of Tests/e2e/recipes/base.yaml, which all recipes here extend.
USER = "pirate"


@dataclass(frozen=True)
class Expected:
    name: str
    address: str
    peer: str
    """Name and address of another node of the rack."""
    slot: int
    cut: bool = False
    """Whether the power was cut in its first boot."""


def check_node(expected: Expected, wire: Wire, place: Workplace) -> list[str]:
    """One line for each check: "ok NAME" or "FAIL NAME: why"."""
    wanted = {
        "name": expected.name,
        "address": expected.address,
        "password": place.password,
        "driver": "overlay2",
        "labels": f"rack=e2e slot={expected.slot}",
        # Nodes have this machine's clock.
        "flashed": str(int(time.time() - 3600)),
        "peer": expected.peer,
        "cut": "yes" if expected.cut else "no",
    }
    script = "".join(f"{key}={shlex.quote(value)}\n" for key, value in wanted.items())
    script += (image.E2E / "check-node").read_text()
    words = _ssh(wire, place.key, expected.address)
    result = run(*words, "bash -s", input=script, timeout=200, check=False)
    lines = [line for line in result.stdout.splitlines() if line.startswith(("ok ", "FAIL "))]
    return lines or [f"FAIL ssh: {result.stderr.strip()[-300:]}"]


def _ssh(wire: Wire, key: Path, address: str) -> list[str]:
    """A command of this machine that runs another one on the node, as the recipe's user."""
    options = ["-F", "none", "-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR"]
    # A node whose status has not changed since its last boot may not be that far yet.
    options += ["-o", "ConnectTimeout=5", "-o", "ConnectionAttempts=20", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    return wire.command("ssh", *options, f"{USER}@{address}")
