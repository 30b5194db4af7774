"""Namespaces of this machine that end with this program: whatever ends it, the kernel then ends its nodes and removes
their mounts, their loop devices (which detach by themselves) and their networks."""

import ctypes
import os
import signal
import sys
from pathlib import Path

from outside import Problem, run

# linux/sched.h, linux/prctl.h
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID = 0x00020000, 0x04000000, 0x08000000, 0x20000000
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)


def enter() -> "ControlGroups":
    """Goes on in a child that is the first process of new namespaces; the caller waits for it and takes over its exit
    status. Returns in the child only, with the control groups of this run."""
    groups = ControlGroups(os.getpid())
    groups.remove_old()
    _unshare(CLONE_NEWPID)
    child = os.fork()
    if child == 0:
        # The kernel kills this process, and with it all processes of its namespace, if the outer one dies.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        groups.join()
        _unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC)
        _furnish()
        return groups

    def pass_on(number: int, _: object) -> None:
        os.kill(child, number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    _, status = os.waitpid(child, 0)
    groups.remove()
    sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))


def _unshare(flags: int) -> None:
    if libc.unshare(flags) != 0:
        raise Problem(f"cannot make namespaces: {os.strerror(ctypes.get_errno())} (root is needed)")


def _furnish() -> None:
    # The first process of a PID namespace gets only signals that it handles. A second one ends it, whatever it does.
    def interrupt(number: int, _: object) -> None:
        signal.signal(number, lambda *_: os._exit(130))
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "proc", "proc", "/proc")
    for directory in ("/run/netns", "/run/systemd/nspawn"):
        Path(directory).mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", directory)


class ControlGroups:
    """A control group of this run in every hierarchy of this machine, with one in it for each node: systemd on a node
    takes its group for the root of all, and nothing of it stays on this machine."""

    PREFIX = "piflash-boots-"

    def __init__(self, pid: int) -> None:
        self.name = f"{self.PREFIX}{pid}"

    @staticmethod
    def hierarchies() -> list[Path]:
        with open("/proc/mounts") as table:
            mounts = [line.split() for line in table]
        return [Path(fields[1]) for fields in mounts if fields[2] in ("cgroup", "cgroup2")]

    def join(self) -> None:
        self.make("harness", join=True)

    def make(self, node: str, join: bool = False) -> list[Path]:
        """The groups of a node, one in each hierarchy."""
        groups = []
        for hierarchy in self.hierarchies():
            top = hierarchy / self.name
            group = top / node
            try:
                for parent, directory in ((hierarchy, top), (top, group)):
                    directory.mkdir(exist_ok=True)
                    # cgroup v1: without processors and memory nobody can join.
                    for setting in ("cpuset.cpus", "cpuset.mems"):
                        if (directory / setting).exists() and not (directory / setting).read_text().strip():
                            (directory / setting).write_text((parent / setting).read_text())
                    self._pass_on(parent)
                if join:
                    (group / "cgroup.procs").write_text("0")
            except OSError as error:
                raise Problem(f"cannot make a control group in {hierarchy}: {error}") from None
            groups.append(group)
        return groups

    @staticmethod
    def _pass_on(parent: Path) -> None:
        """cgroup v2: a group has the controllers that its parent passes on. Some cannot be passed on everywhere."""
        controllers = parent / "cgroup.controllers"
        if controllers.exists():
            for controller in controllers.read_text().split():
                try:
                    (parent / "cgroup.subtree_control").write_text(f"+{controller}")
                except OSError:
                    pass

    def remove(self, node: str = "") -> None:
        for hierarchy in self.hierarchies():
            for directory, _, _ in os.walk(hierarchy / self.name / node, topdown=False):
                try:
                    os.rmdir(directory)
                except OSError:
                    pass

    @classmethod
    def remove_old(cls) -> None:
        """Those of runs that were killed: of a run that lives, the harness is in its group."""
        for hierarchy in cls.hierarchies():
            for group in hierarchy.glob(f"{cls.PREFIX}*"):
                try:
                    alive = (group / "harness/cgroup.procs").read_text().strip() != ""
                except OSError:
                    continue
                if not alive:
                    cls(int(group.name.removeprefix(cls.PREFIX))).remove()
