"""A package repository of one package, and the proxy that serves it."""

import hashlib
import subprocess
import time
from email.utils import formatdate
from pathlib import Path

from outside import Problem, run
from wire import Wire

PACKAGE = "piflash-effect"
# The node sees that the package is there by this file.
EFFECT = "/usr/share/piflash-effect/installed"
ADDRESS, PORT = "192.168.50.2", 3128

CONTROL = f"""\
Package: {PACKAGE}
Version: 1.0
Architecture: all
Maintainer: piflash <piflash@localhost>
Description: shows that a package was installed
"""


def make(directory: Path) -> None:
    """A flat repository: https://wiki.debian.org/DebianRepository/Format#Flat_Repository_Format."""
    tree = directory / "tree"
    installed = tree / EFFECT.lstrip("/")
    installed.parent.mkdir(parents=True)
    installed.write_text("yes\n")
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN/control").write_text(CONTROL)
    package = directory / f"{PACKAGE}_1.0_all.deb"
    run("dpkg-deb", "--root-owner-group", "--build", tree, package)
    contents = package.read_bytes()
    index = f"{CONTROL}Filename: ./{package.name}\nSize: {len(contents)}\nSHA256: {_sha256(contents)}\n"
    (directory / "Packages").write_text(index)
    dates = f"Date: {formatdate(time.time() - 60, usegmt=True)}\n"
    sums = f"SHA256:\n {_sha256(index.encode())} {len(index)} Packages\n"
    (directory / "Release").write_text(f"Origin: piflash\nSuite: test\n{dates}{sums}")


def _sha256(contents: bytes) -> str:
    return hashlib.sha256(contents).hexdigest()


class Proxy:
    """Serves the repository in a rack's network, where no name of a host is known."""

    def __init__(self, wire: Wire, directory: Path) -> None:
        self.log = directory / "proxy.log"
        self.log.touch()
        repository = directory / "repository"
        repository.mkdir()
        make(repository)
        program = Path(__file__).with_name("services.py")
        words = ("python3", str(program), ADDRESS, str(PORT), str(repository), str(self.log))
        self._process = subprocess.Popen(wire.command(*words), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            raise Problem("the proxy does not start")

    def end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
