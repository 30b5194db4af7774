"""The moments of a first boot at which the power can fail: what can be seen on the card while it happens."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from node import Node

# Files whose appearance is a moment, in the root partition and in the boot partition. What a first boot really makes is
# found out by watching one.
ROOT_FILES = (
    "var/lib/cloud/instance",
    # Not by the link `instance`, which leads to this machine's own.
    "var/lib/cloud/instances/*/sem/config_*",
    "var/lib/cloud/instances/*/boot-finished",
    "var/lib/cloud/data/instance-id",
    "var/lib/piflash",
    "var/lib/piflash/*",
    "var/lib/piflash/done/*",
    "var/lib/e2e-marker",
    "usr/local/lib/piflash/*",
    "etc/piflash",
    "etc/piflash/*",
    "etc/e2e/file",
    "etc/ssh/ssh_host_*_key",
    "etc/ssh/ssh_host_*_key.pub",
    "etc/sudoers.d/*",
    "etc/systemd/system/piflash-first-boot.service",
    "etc/systemd/system/multi-user.target.wants/*",
    "etc/docker/daemon.json",
    "etc/netplan/*",
    "etc/network/interfaces.d/*",
    "etc/NetworkManager/system-connections/*",
    "home/pirate",
    "home/pirate/.ssh/authorized_keys",
    "var/lib/docker/engine-id",
    "var/lib/docker/network/files/local-kv.db",
    "usr/lib/locale/locale-archive",
)
BOOT_FILES = ("*", "piflash/*")
# Files that are there for a moment only, which is never the same one.
PASSING = re.compile(r"\.new$|piflash-new$|\.tmp|tmp[0-9a-zA-Z_]{6,}|\+$|/sed|\.swp$|lost\+found")


def _contains(file: str, pattern: str, boot: bool = False) -> Callable[[Node], bool]:
    expression = re.compile(pattern, re.MULTILINE)

    def holds(node: Node) -> bool:
        if node.mounts is None:
            return False
        try:
            text = ((node.mounts.boot if boot else node.mounts.root) / file).read_text(errors="replace")
        except OSError:
            return False
        return expression.search(text) is not None

    return holds


def _lacks(file: str, pattern: str) -> Callable[[Node], bool]:
    """Of a file of the boot partition that is there."""
    there, contains = _contains(file, "", boot=True), _contains(file, pattern, boot=True)
    return lambda node: there(node) and not contains(node)


# What a file says, by name.
CONDITIONS: dict[str, Callable[[Node], bool]] = {
    "user in passwd": _contains("etc/passwd", "^pirate:"),
    "password in shadow": _contains("etc/shadow", r"^pirate:\$6\$"),
    "group docker": _contains("etc/group", r"^docker:.*\bpirate"),
    "locked login": _contains("etc/shadow", "^pi:!"),
    "host name": _contains("etc/hostname", "^boots-"),
    "sshd_config": _contains("etc/ssh/sshd_config", "^# piflash"),
    "init= gone": _lacks("cmdline.txt", r"\binit="),
    "systemd.run= gone": _lacks("cmdline.txt", r"\bsystemd\.run="),
    "status: working": _contains("piflash/status.txt", "^state: working", boot=True),
    "status: done": _contains("piflash/status.txt", "^state: done", boot=True),
    "boot 2": lambda node: node.boots == 2,
    "boot 3": lambda node: node.boots == 3,
}


def _files(node: Node) -> set[str]:
    if node.mounts is None:
        return set()
    found = set()
    for base, patterns, prefix in ((node.mounts.root, ROOT_FILES, "/"), (node.mounts.boot, BOOT_FILES, "boot:")):
        for pattern in patterns:
            try:
                names = [str(path.relative_to(base)) for path in base.glob(pattern)] if "*" in pattern else [pattern]
                # Also a link that leads nowhere from here.
                found |= {prefix + name for name in names if (base / name).exists() or (base / name).is_symlink()}
            except OSError:
                pass
    # The instance's name is a digest of its settings.
    names = (re.sub("/cloud/instances/[^/]+/", "/cloud/instances/*/", name) for name in found)
    return {name for name in names if not PASSING.search(name)}


@dataclass(frozen=True)
class Moment:
    name: str
    """A file, in which "*" stands for anything, or one of the conditions."""
    seconds: float = 0
    """After power-on, in the boot that was watched."""

    def has_come(self, node: Node) -> bool:
        if self.name in CONDITIONS:
            return CONDITIONS[self.name](node)
        if node.mounts is None:
            return False
        name = self.name.removesuffix(" gone")
        base = node.mounts.boot if name.startswith("boot:") else node.mounts.root
        name = name.removeprefix("boot:").lstrip("/")
        try:
            there = any(base.glob(name)) if "*" in name else (base / name).exists() or (base / name).is_symlink()
        except OSError:
            # The power has just been cut.
            return False
        return there != self.name.endswith(" gone")


# Of each flavour in the rack, a moment at which one power cut has once cost the node: cloud-init does not repeat what
# it has begun, and the vendor's login was open while firstrun.sh worked.
FATAL = {
    "hypriot": Moment("/var/lib/cloud/instances/*/sem/config_ssh"),
    "trixie": Moment("/var/lib/cloud/instances/*/sem/config_users_groups"),
    "ubuntu": Moment("/var/lib/cloud/instances/*/sem/config_scripts_user"),
    "firstrun": Moment("boot:piflash/firstrun.log"),
}
# Of the other flavours: sshd needs a key that is not on the card yet.
HOST_KEY = Moment("/etc/ssh/ssh_host_ed25519_key")


def watch(node: Node, limit: float) -> tuple[list[Moment], float | None]:
    """Watches a first boot until its status says that it is done. Returns its moments in order, and the seconds."""
    node.on()
    before = _files(node)
    # What holds from the start is not a moment.
    seen = {name for name, holds in CONDITIONS.items() if holds(node)}
    moments: list[Moment] = []
    there = set(before)
    while node.uptime() < limit:
        if not node.tend():
            break
        now = node.uptime()
        files = _files(node)
        appeared = [name for name in files - there if name not in before]
        gone = [f"{name} gone" for name in before - files if name.startswith("boot:")]
        for name in sorted(appeared) + sorted(gone):
            if name not in seen:
                seen.add(name)
                moments.append(Moment(name, now))
        there |= files
        for name, holds in CONDITIONS.items():
            if name not in seen and holds(node):
                seen.add(name)
                moments.append(Moment(name, now))
        if "status: done" in seen:
            return moments, now
        time.sleep(0.01)
    return moments, None
