"""Programs of this machine: each call has a timeout, and a failure says what the program said."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

# Debian keeps some of them where an ordinary user's PATH does not look.
PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"

# Every program that is called, and the Debian package that it comes with.
PACKAGES = {
    "systemd-nspawn": "systemd-container",
    "nsenter": "util-linux",
    "losetup": "mount",
    "mount": "mount",
    "sfdisk": "fdisk",
    "mcopy": "mtools",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.fat": "dosfstools",
    "e2fsck": "e2fsprogs",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "mmdebstrap": "mmdebstrap",
    "zstd": "zstd",
    "openssl": "openssl",
}


class Problem(Exception):
    """What went wrong, for people."""


# What engines on the nodes would load by themselves, if they were not in containers.
MODULES = ("loop", "overlay", "bridge", "br_netfilter", "veth", "vxlan", "ip_vs", "ip_tables", "iptable_nat")
MODULES += ("iptable_filter", "nf_tables", "nft_compat", "nf_nat", "xt_conntrack", "xt_MASQUERADE", "xt_addrtype")


def load_modules() -> None:
    """Where they are part of the kernel, and where there is no modprobe, nothing happens."""
    if shutil.which("modprobe", path=PATH) is not None:
        for module in MODULES:
            run("modprobe", "-q", module, check=False)


def require_programs() -> None:
    missing = sorted({package for name, package in PACKAGES.items() if shutil.which(name, path=PATH) is None})
    if missing:
        raise Problem(f"missing packages: {' '.join(missing)}; as root, scripts/bootstrap boots installs them")


def run(
    *words: str | Path,
    timeout: float = 60,
    check: bool = True,
    input: str | None = None,
    env: dict[str, str] | None = None,
    ok: Sequence[int] = (0,),
) -> subprocess.CompletedProcess[str]:
    """Runs a program and returns what it printed. Raises Problem if it takes longer than `timeout` seconds or, with
    `check`, if its exit status is not one of `ok`."""
    name = Path(words[0]).name
    try:
        result = subprocess.run(
            [str(word) for word in words],
            stdin=subprocess.DEVNULL if input is None else None,
            input=input,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env={**os.environ, "PATH": PATH, "MTOOLS_SKIP_CHECK": "1", **(env or {})},
        )
    except FileNotFoundError:
        raise Problem(f"{name} is not installed (package {PACKAGES.get(name, name)})") from None
    except subprocess.TimeoutExpired:
        raise Problem(f"`{' '.join(map(str, words))}` did not end within {timeout:.0f} s") from None
    if check and result.returncode not in ok:
        said = (result.stderr.strip() or result.stdout.strip())[-600:]
        raise Problem(f"`{' '.join(map(str, words))}` ended with status {result.returncode}: {said}")
    return result
