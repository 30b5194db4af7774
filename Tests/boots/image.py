"""The images that cards are made of: Tests/e2e's, without kernels."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from outside import Problem, run

E2E = Path(__file__).resolve().parent.parent / "e2e"

# What can boot in a container: files of Tests/e2e/vendors.
FLAVOURS = (
    "deviceinit", "hypriot", "stretch", "firstrun", "bullseye", "customtoml", "trixiefirstrun", "trixie", "ubuntu",
    "dietpi", "debian",
    # Systems whose own first boot does not run.
    "trixie-disabled", "trixie-purged", "hypriot-purged",
)  # fmt: skip

# One of each way to configure a first boot, and of each network stack; two managers of /boot, two of /boot/firmware.
RACK = ("hypriot", "trixie", "ubuntu", "firstrun")


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "piflash/boots"


def build(flavours: list[str]) -> dict[str, Path]:
    """The image of each flavour, from the cache if it is there. Builds of one suite wait for each other."""

    def one(flavour: str) -> Path:
        if not (E2E / "vendors" / flavour).exists():
            raise Problem(f'"{flavour}" is not a flavour; there are: {" ".join(FLAVOURS)}')
        words = (str(E2E / "build-image"), flavour)
        result = run(*words, timeout=1800, env={"KERNEL": "none", "XDG_CACHE_HOME": str(cache().parent.parent)})
        return Path(result.stdout.strip().splitlines()[-1])

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(flavours, pool.map(one, flavours), strict=True))
