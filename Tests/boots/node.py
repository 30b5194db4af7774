"""A node: the userland of a card, in systemd-nspawn on this machine's kernel."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from adaptation import adapt, fill_boot_image
from card import Card
from mounts import Mounts
from namespaces import ControlGroups
from outside import PATH, Problem, run
from repair import check_file_systems
from wire import Wire

# Its exit status if the container has rebooted (systemd, src/nspawn/nspawn.c: EXIT_FORCE_RESTART).
REBOOTED = 133
# systemd(1): SIGRTMIN+4 starts poweroff.target.
POWER_OFF = signal.SIGRTMIN + 4


class Node:
    """Plays the Pi: its power switch, its firmware, and its kernel's part of a boot.

    The root partition is a loop mount. The kernel here may have no FAT, so the boot partition's files are in an ext4
    image without a journal, which comes closest to a FAT if the power is cut; it is filled from the card when the node
    is first switched on, and not written back."""

    def __init__(
        self, name: str, card: Card, directory: Path, wire: Wire, groups: ControlGroups, place: str = ""
    ) -> None:
        """`place` is a short name for what this machine has of the node, if several nodes have the same name."""
        self.name = name
        self.card = card
        self.directory = directory
        self.wire = wire
        self.groups = groups
        self.boots = 0
        self.mounts: Mounts | None = None
        self.boot_image = directory / "boot.ext4"
        self.mount_point = "/boot"
        # Whether its systemd says that a time server has set the clock. A container cannot have one.
        self.has_time = False
        self.switched_on = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self._place = place or name
        self._namespace = f"node-{self._place}"
        directory.mkdir(parents=True, exist_ok=True)

    # --- power

    def on(self) -> None:
        if not self.boot_image.exists():
            self.prepare()
        self.switched_on = time.monotonic()
        self._start()

    def off(self, timeout: float = 120) -> None:
        """An orderly end."""
        deadline = time.monotonic() + timeout
        asked = 0.0
        while self.tend() and time.monotonic() < deadline:
            init = self.init()
            # In its first moment, systemd does not hear it.
            if init is not None and time.monotonic() - asked > 5:
                asked = time.monotonic()
                os.kill(init, POWER_OFF)
            time.sleep(0.1)
        if self.process is not None:
            self.cut()
            raise Problem(f"{self.name} does not power off within {timeout:.0f} s")

    def cut(self) -> None:
        """Cuts the power: nothing that is written from now on reaches the card."""
        if self.process is None:
            return
        assert self.mounts is not None
        init = self.init()
        # First the processes, all at once with the first one: one that lives could see that one file system has ended,
        # and write to the other.
        for pid in (init, self.process.pid):
            if pid is not None:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.mounts.shut_down()
        self.process.wait(timeout=30)
        if init is not None:
            _reap(init)
        self._release()

    def tend(self) -> bool:
        """Switches the node on again if it has rebooted. Returns whether it is on."""
        if self.process is None:
            return False
        status = self.process.poll()
        if status is None:
            return True
        self._release()
        if status == REBOOTED:
            if self.boots >= 8:
                raise Problem(f"{self.name} has rebooted {self.boots} times")
            self._start()
            return True
        if status != 0:
            raise Problem(f"{self.name}: systemd-nspawn ended with status {status}: {self.console()[-800:]}")
        return False

    def copy(self, directory: Path, wire: Wire, place: str) -> "Node":
        """A node like this one, with a copy of its card. Both are off."""
        directory.mkdir(parents=True)
        node = Node(self.name, self.card.copy(directory / "card.img"), directory, wire, self.groups, place)
        node.has_time, node.mount_point = self.has_time, self.mount_point
        run("cp", "--sparse=always", self.boot_image, node.boot_image)
        return node

    # --- what firmware and kernel do

    def prepare(self) -> None:
        """Fills the image of the boot partition, and removes settings that need a device or udev."""
        fill_boot_image(self.card, self.boot_image)
        mounts = Mounts(self.card, self.boot_image, self.directory)
        try:
            self.mount_point = adapt(mounts.root, self.has_time)
        finally:
            mounts.end()

    def _start(self) -> None:
        # The namespace of the mounts is a copy that sees no later network.
        self.wire.plug_in(self._namespace)
        self.mounts = Mounts(self.card, self.boot_image, self.directory)
        root, boot = self.mounts.inside
        self.boots += 1
        lines = (self.mounts.boot / "cmdline.txt").read_text().splitlines()
        if len(lines) != 1:
            raise Problem(f"{self.name}: cmdline.txt is not one line")
        words = lines[0].split()
        command = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", f"--directory={root}"]
        command += [f"--bind={boot}:{self.mount_point}", f"--network-namespace-path=/run/netns/{self._namespace}"]
        # Nodes share this machine's clock: none may set it.
        command += ["--capability=all", "--drop-capability=CAP_SYS_TIME", f"--machine={self._place}", "--console=pipe"]
        command += ["--resolv-conf=off", "--timezone=off", "--link-journal=no", "--kill-signal=SIGRTMIN+3"]
        programs = [word.removeprefix("init=") for word in words if word.startswith("init=")]
        if programs and (self.mounts.root / programs[-1].lstrip("/")).exists():
            command += [programs[-1]]
        else:
            # In a container, systemd reads its arguments instead of the kernel's command line.
            command += ["--boot", *words]
        groups = self.groups.make(self._place)
        join = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit; shift; done; shift; exec "$@"'
        with open(self.directory / f"console.{self.boots}", "wb") as console:
            self.process = subprocess.Popen(
                ["sh", "-c", join, "sh", *map(str, groups), "--", *self.mounts.command(*command)],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                env={**_environment(), "PATH": PATH},
            )

    def _release(self) -> None:
        self.process = None
        self.wire.pull_out(self._namespace)
        if self.mounts is not None:
            self.mounts.end()
            self.mounts = None
        self.groups.remove(self._place)

    def check_file_systems(self) -> list[str]:
        """Does what a Pi does at a boot after a power cut, and returns what e2fsck could not repair by itself."""
        return check_file_systems(self.card, self.boot_image)

    # --- what can be seen

    def init(self) -> int | None:
        """The process that is the node's first one, if the node has got that far."""
        if self.process is None:
            return None
        try:
            children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        except OSError:
            return None
        for child in children:
            try:
                status = Path(f"/proc/{child}/status").read_text()
            except OSError:
                continue
            for line in status.splitlines():
                if line.startswith("NSpid:") and len(line.split()) > 2 and line.split()[-1] == "1":
                    return int(child)
        return None

    def inside(self, *words: str) -> list[str]:
        """A command that runs on the node."""
        init = self.init()
        if init is None:
            raise Problem(f"{self.name} is off")
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return ["nsenter", "-t", str(init), "-m", "-u", "-i", "-n", "-p", "-C", "env", "-i", path, "HOME=/root", *words]

    def sh(self, script: str, timeout: float = 60) -> str:
        return run(*self.inside("sh", "-c", script), timeout=timeout, check=False).stdout

    def uptime(self) -> float:
        """Seconds since it was switched on; reboots are part of it."""
        return time.monotonic() - self.switched_on

    def status(self) -> dict[str, str]:
        """status.txt, by its words."""
        if self.mounts is None:
            return {}
        return _fields(self.mounts.boot / "piflash/status.txt")

    def progress(self) -> str:
        """What the first-boot program does, in one line. It writes to the card less often."""
        init = self.init()
        status = _fields(Path(f"/proc/{init}/root/run/piflash/status")) if init is not None else {}
        status = status or self.status()
        line = f"{status.get('state', 'not started')}: {status.get('step', '')}"
        if "waiting for" in status:
            line += f", waiting for {status['waiting for']}"
        if "last error" in status:
            line += f" ({status['last error']})"
        return line

    def console(self) -> str:
        try:
            return (self.directory / f"console.{self.boots}").read_text(errors="replace")
        except OSError:
            return ""

    def check_certificate(self) -> str:
        """Whether its certificate in the swarm outlasts a time server that is found months later."""
        assert self.mounts is not None
        file = self.mounts.root / "var/lib/docker/swarm/certificates/swarm-node.crt"
        days = 300
        words = ("openssl", "x509", "-noout", "-enddate", "-checkend", str(days * 86400), "-in", file)
        result = run(*words, check=False)
        return "ok certificate" if result.returncode == 0 else f"FAIL certificate: {result.stdout} {result.stderr}"

    def engine(self, path: str) -> object | None:
        """What the node's Docker engine answers to GET `path`, or None if it does not answer."""
        init = self.init()
        if init is None:
            return None
        try:
            connection = http.client.HTTPConnection("localhost", timeout=5)
            connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.sock.settimeout(5)
            connection.sock.connect(f"/proc/{init}/root/run/docker.sock")
            connection.request("GET", path)
            answer = connection.getresponse()
            return json.load(answer) if answer.status == 200 else None
        except (OSError, ValueError, http.client.HTTPException):
            return None


def _reap(init: int) -> None:
    """The first process of a container whose systemd-nspawn is gone is a child of this harness, the first process of
    its own namespace. It ends after all others of the container."""
    for _ in range(200):
        try:
            if os.waitpid(init, os.WNOHANG)[0] != 0:
                return
        except ChildProcessError:
            return
        time.sleep(0.02)


def _fields(file: Path) -> dict[str, str]:
    try:
        text = file.read_text(errors="replace")
    except OSError:
        return {}
    return dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)


def _environment() -> dict[str, str]:
    """For systemd-nspawn: no seccomp filter, since a Pi has none; /proc/sys/net can be written, as dockerd does; cgroup
    v2 on the node, whatever this machine has: with v1 nobody tells a container's systemd that the last process of a
    service has ended."""
    return {
        "SYSTEMD_SECCOMP": "0",
        "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
        "SYSTEMD_NSPAWN_LOCK": "0",
        "SYSTEMD_NSPAWN_USE_CGNS": "1",
        "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
    }
