"""Where the secrets of a recipe are on a card: in every byte of its boot partition, and in the files of its root
partition."""

import base64
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from card import Card
from outside import Problem, run

# Debian's own: programs that check passwords run in the group shadow (base-passwd).
SHADOW = ("etc/shadow", "etc/shadow-", "etc/gshadow", "etc/gshadow-")


@dataclass(frozen=True)
class Finding:
    """A file of the root partition that holds secrets."""

    path: str
    mode: int
    user: int
    secrets: tuple[str, ...]

    @property
    def problem(self) -> str | None:
        if self.path in SHADOW and self.mode & 0o037 == 0:
            return None
        return f"{self} can be read by others" if self.mode & 0o077 else None

    def __str__(self) -> str:
        return f"/{self.path} {self.mode:04o} user {self.user} ({', '.join(self.secrets)})"


def boot_partition(card: Card, boot_image: Path, secrets: dict[str, str]) -> list[str]:
    """The secrets in the boot partition as it was written, and in the one that the node has used; files that are deleted
    count, too."""
    boot, _ = card.partitions()
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "boot"
        with open(card.path, "rb") as source, open(copy, "wb") as target:
            source.seek(boot.start)
            target.write(source.read(boot.size))
        return [
            f"{where}: {name}"
            for where, file in (("the card's boot partition", copy), ("the node's boot partition", boot_image))
            for name in _secrets_in(file, secrets)
        ]


def root_partition(root: Path, secrets: dict[str, str]) -> list[Finding]:
    """The files with secrets in the root partition that is mounted at `root`."""
    with _patterns(secrets) as patterns:
        words = ("grep", "-rlaF", "--devices=skip", f"--file={patterns.name}", str(root))
        names = run(*words, timeout=300, ok=(0, 1, 2), env={"LC_ALL": "C"}).stdout.splitlines()
    return [_finding(root, Path(name), secrets) for name in sorted(names)]


def _finding(root: Path, file: Path, secrets: dict[str, str]) -> Finding:
    info = file.lstat()
    mode = stat.S_IMODE(info.st_mode)
    # A directory that others cannot enter closes what is below.
    parent = file.parent
    while parent != root:
        if not stat.S_IMODE(parent.lstat().st_mode) & 0o011:
            mode &= ~0o077
        parent = parent.parent
    return Finding(str(file.relative_to(root)), mode, info.st_uid, tuple(_secrets_in(file, secrets)))


def _secrets_in(file: Path, secrets: dict[str, str]) -> list[str]:
    return [name for name, text in secrets.items() if _holds(file, {name: text})]


def _holds(file: Path, secrets: dict[str, str]) -> bool:
    with _patterns(secrets) as patterns:
        words = ("grep", "-qaF", f"--file={patterns.name}", str(file))
        result = run(*words, timeout=120, check=False, env={"LC_ALL": "C"})
    if result.returncode > 1:
        raise Problem(f"cannot search {file}: {result.stderr.strip()}")
    return result.returncode == 0


def _patterns(secrets: dict[str, str]) -> "tempfile._TemporaryFileWrapper[bytes]":
    """A file for grep of all forms in which files hold the secrets."""
    file = tempfile.NamedTemporaryFile(prefix="piflash-scan-")
    for text in secrets.values():
        file.write(b"".join(form + b"\n" for form in _forms(text.encode())))
    file.flush()
    os.chmod(file.name, 0o600)
    return file


def _forms(secret: bytes) -> list[bytes]:
    """The text itself and, in base64, what does not depend on the bytes around it, at each of three places."""
    if b"\n" in secret:
        raise Problem("a secret of more than one line cannot be searched for")
    forms = [secret]
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret)
        # The first characters hold bytes that come before, the last ones bits that come after.
        first = -(-before * 8 // 6)
        last = (before + len(secret)) * 8 // 6
        if last - first >= 10:
            forms.append(encoded[first:last])
    return forms
