"""Where piflash runs: directories, loop devices and a user, and what one run of it did."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from outside import PATH, run

# In seconds: a machine that has other work needs its time.
LIMIT = 240
# The clock of every run (2027-01-15): what is written does not depend on when.
NOW = 1_800_000_000
NOBODY = 65534


@dataclass
class Outcome:
    """What one run of piflash did."""

    words: list[str]
    status: int | None = None
    """The exit status; None if a signal ended it."""
    signal: int = 0
    hung: bool = False
    output: str = ""
    errors: str = ""
    left: list[str] = field(default_factory=list)
    """The processes that were still there after it."""
    log: list[str] = field(default_factory=list)
    """The lines of the shim."""

    @property
    def fired(self) -> list[str]:
        return [line for line in self.log if line.startswith("FIRED ")]


@dataclass
class Fault:
    """What goes wrong in one run. `rules` are the shim's."""

    rules: str = ""
    targets: Sequence[str] = ()
    old: Path | None = None
    """What stale reads return."""
    seed: int = 1
    deaf: str = ""
    """"output" or "errors": whoever reads it has gone away."""
    data: Path | None = None
    """Where the shim records the written bytes."""


class Trial:
    """A place of its own. With `user`, piflash runs as an ordinary user who may write its loop devices."""

    def __init__(self, path: Path, program: Path, shim: Path, user: bool) -> None:
        self.path, self.program, self.shim, self.user = path, program, shim, user
        self.loops: list[str] = []
        for name in ("home", "cache", "rack", "out"):
            (path / name).mkdir(parents=True)
        self.own()

    def own(self, *paths: Path) -> None:
        """Makes `paths`, or all, the property of the user who runs piflash."""
        if not self.user:
            return
        for path in paths or (self.path, *self.path.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def disk(self, number: int) -> Path:
        return self.path / f"disk{number}"

    def loop(self, number: int, size: int) -> str:
        """The loop device over disk NUMBER, which is made if it is missing."""
        while len(self.loops) <= number:
            disk = self.disk(len(self.loops))
            with open(disk, "wb") as file:
                file.truncate(size)
            self.own(disk)
            device = run("losetup", "--find", "--show", disk).decode().strip()
            if self.user:
                os.chown(device, NOBODY, NOBODY)
            self.loops.append(device)
        return self.loops[number]

    def end(self) -> None:
        for device in self.loops:
            if self.user:
                os.chown(device, 0, os.stat("/dev/loop-control").st_gid)
            run("losetup", "--detach", device)
        self.loops = []
        shutil.rmtree(self.path, ignore_errors=True)

    # --- one run

    def piflash(self, *words: str, fault: Fault | None = None) -> Outcome:
        return self.finish(self.start(*words, fault=fault))

    def start(self, *words: str, fault: Fault | None = None, name: str = "run") -> "Running":
        fault = fault or Fault()
        log = self.path / f"{name}.log"
        log.unlink(missing_ok=True)
        environment = {
            "PATH": PATH, "HOME": str(self.path / "home"), "XDG_CACHE_HOME": str(self.path / "cache"),
            "LANG": "C.UTF-8", "TERM": "dumb", "LD_PRELOAD": str(self.shim),
            "FAULT_TIME": str(NOW), "FAULT_TARGET": ":".join(fault.targets), "FAULT_LOG": str(log),
            "FAULT_SEED": str(fault.seed),
        }
        if fault.rules:
            environment["FAULT_PLAN"] = fault.rules
        if fault.old:
            environment["FAULT_OLD"] = str(fault.old)
        if fault.data:
            environment["FAULT_DATA"] = str(fault.data)
        streams = []
        for stream in ("output", "errors"):
            if fault.deaf == stream:
                reader, writer = os.pipe()
                os.close(reader)
                streams.append(os.fdopen(writer, "wb"))
            else:
                streams.append(open(self.path / f"{name}.{stream}", "wb"))
        identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if self.user else {}
        process = subprocess.Popen(
            [str(self.program), *words], env=environment, cwd=self.path, stdin=subprocess.DEVNULL, stdout=streams[0],
            stderr=streams[1], start_new_session=True, **identity)
        for stream in streams:
            stream.close()
        return Running(process, list(words), name, log, fault)

    def finish(self, running: "Running") -> Outcome:
        process, outcome = running.process, Outcome(running.words)
        end = time.monotonic() + LIMIT
        while True:
            found, status = os.waitpid(process.pid, os.WNOHANG | os.WUNTRACED)
            if found and os.WIFSTOPPED(status):
                # SIGSTOP, as from Ctrl-Z; later the user continues it.
                time.sleep(0.05)
                os.killpg(process.pid, signal.SIGCONT)
            elif found:
                break
            elif time.monotonic() > end and not outcome.hung:
                outcome.hung = True
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.004)
        process.returncode = 0
        if os.WIFEXITED(status):
            outcome.status = os.WEXITSTATUS(status)
        else:
            outcome.signal = os.WTERMSIG(status)
        outcome.left = remaining(process.pid)
        for stream in ("output", "errors"):
            if running.fault.deaf != stream:
                text = (self.path / f"{running.name}.{stream}").read_text(errors="replace")
                setattr(outcome, stream, text)
        if running.log.exists():
            outcome.log = running.log.read_text(errors="replace").splitlines()
        return outcome


@dataclass
class Running:
    process: subprocess.Popen
    words: list[str]
    name: str
    log: Path
    fault: Fault


def remaining(session: int) -> list[str]:
    """The processes of a session whose leader has ended, a second later at most; they are ended then."""
    for _ in range(50):
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    text = (entry / "stat").read_text().rpartition(")")[2].split()
                    if int(text[3]) == session and text[0] not in "ZX":
                        found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                except OSError:
                    continue
        if not found:
            return []
        time.sleep(0.1)
    for process in found:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return list(found.values())


def build_shim(directory: Path) -> Path:
    shim = directory / "shim.so"
    run("gcc", "-std=gnu17", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", shim,
        Path(__file__).with_name("shim.c"))
    return shim


def copy(source: Path, place: Path) -> None:
    """A copy of its data; what is a hole stays one."""
    run("cp", "--sparse=always", source, place)


def fill(disk: Path, contents: Path | None, size: int) -> None:
    """Gives a disk, which a loop device may have open, the contents of a file, or zeros."""
    with open(disk, "r+b") as file:
        file.truncate(0)
        file.truncate(size)
        if contents:
            with open(contents, "rb") as source:
                while part := source.read(1 << 20):
                    if any(part):
                        file.write(part)
                    else:
                        file.seek(len(part), os.SEEK_CUR)


def release_loops(directory: Path) -> None:
    """Detaches what a run that was stopped has left of its loop devices, each by its name."""
    for line in run("losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE").decode().splitlines():
        device, _, file = line.partition(" ")
        if file.strip().startswith(f"{directory}/"):
            os.chown(device, 0, os.stat("/dev/loop-control").st_gid)
            run("losetup", "--detach", device)
