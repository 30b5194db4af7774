"""Runs programs, and reports their time, their cost, and their output with times."""

import ctypes
import os
import resource
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path


PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h: children that a program leaves behind become ours
ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Failed(Exception):
    """A program failed that should have succeeded; holds its output."""


@dataclass
class Measured:
    seconds: float = 0.0
    cpu: float = 0.0  # user and system, of all programs; the kernel's own threads are not in it
    peak: int = 0  # bytes: the sum for programs joined by pipes, the largest for programs in sequence
    lines: list[tuple[float, str]] = field(default_factory=list)  # seconds since the start, a line of output

    def then(self, next: "Measured") -> "Measured":
        lines = self.lines + [(self.seconds + at, line) for at, line in next.lines]
        return Measured(self.seconds + next.seconds, self.cpu + next.cpu, max(self.peak, next.peak), lines)


def run(*stages: list, environment: dict | None = None, stop=lambda line: False) -> Measured:
    """Runs `stages` joined by pipes. Keeps the output of the last one; interrupts it at a line for which `stop`
    is true, and then lets it fail."""
    environment = {**os.environ, "LC_ALL": "C", **(environment or {})}
    running: list[subprocess.Popen] = []
    errors = os.memfd_create("errors")
    peaks: dict[int, int] = {}
    over = threading.Event()
    measured = Measured()
    is_stopped = False
    begin = time.monotonic()
    try:
        for stage in stages:
            previous = running[-1].stdout if running else None
            process = subprocess.Popen(
                [str(word) for word in stage], stdin=previous or subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=errors, env=environment)
            if previous:
                previous.close()
            running.append(process)
        watcher = threading.Thread(target=_watch, args=([p.pid for p in running], peaks, over))
        watcher.start()
        for line in running[-1].stdout:
            measured.lines.append((time.monotonic() - begin, line.decode(errors="replace").rstrip("\n")))
            if not is_stopped and stop(measured.lines[-1][1]):
                is_stopped = True
                running[-1].send_signal(signal.SIGINT)
        for process in running:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            measured.cpu += usage.ru_utime + usage.ru_stime
            # Memory that a child inherits at its start counts, too (getrusage(2)); for smaller programs see _watch.
            own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            if usage.ru_maxrss > own:
                peaks[process.pid] = usage.ru_maxrss << 10
        measured.seconds = time.monotonic() - begin
        measured.cpu += _left_behind()
    finally:
        over.set()
        for process in running:
            if process.returncode is None:
                process.kill()
                process.wait()
            process.stdout.close()
        os.lseek(errors, 0, os.SEEK_SET)
        said = os.read(errors, 1 << 16).decode(errors="replace")
        os.close(errors)
    watcher.join()
    measured.peak = sum(peaks.values())
    if any(process.returncode for process in running) and not is_stopped:
        raise Failed(f"{[' '.join(map(str, stage)) for stage in stages]} failed:\n{said}")
    return measured


def _left_behind() -> float:
    """CPU seconds of children that a program did not wait for (bmaptool sometimes leaves its decoder). A child that
    does not end soon is a service that was started meanwhile; leave it alone."""
    cpu, last = 0.0, time.monotonic() + 1
    while time.monotonic() < last:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if pid:
            cpu += usage.ru_utime + usage.ru_stime
        else:
            time.sleep(0.01)
    return cpu


def _watch(pids: list[int], peaks: dict[int, int], over: threading.Event) -> None:
    """Keeps the VmHWM (proc(5)) of programs smaller than this one up to date."""
    while not over.wait(0.02):
        for pid in pids:
            try:
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        peaks[pid] = max(peaks.get(pid, 0), int(line.split()[1]) << 10)
            except OSError:
                pass  # ended
