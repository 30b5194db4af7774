"""What every setting of a recipe did on the node: one card of Tests/e2e/recipes/effects.yaml for each flavour."""

import hashlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import card
import image
import scan
from namespaces import ControlGroups
from node import Node
from outside import Problem, run
from repository import Proxy
from wire import Wire
from workplace import Workplace

ADDRESS = "192.168.50.11"
USER = "pirate"
# Characters that a shell, YAML, TOML, sed and an INI file treat in their own ways.
PASSWORD = "it's \"50 $ü\\n\" `id` #1"
STACK = """\
version: "3.7"
services:
  web:
    image: effects:saved
    environment: { SIZE: "${SIZE}" }
    configs: [page]
    secrets: [key]
configs: { page: { file: ./page.txt } }
secrets: { key: { file: ./key.txt } }
"""
# It switches the cable off if it has Wi-Fi, and a container has only a cable.
WITHOUT_WIFI = ("dietpi",)
# It installs the packages by its own program, which is not in the container.
OWN_PACKAGES = ("dietpi",)
PHRASE = "it's \"quoted\" $HOME \\ 1"
# IEEE 802.11i, annex H.4.1: PBKDF2 with HMAC-SHA1, 4096 times.
KEY1 = hashlib.pbkdf2_hmac("sha1", PHRASE.encode(), "Café 'Größe' \"$1\"".encode(), 4096, 32).hex()
KEY2 = "5b9d1c0f" * 8
# Not a setting of a recipe.
SCANS = ("bootPartitionSecrets", "rootPartitionSecrets")
# What was seen last on each flavour; docs/settings.md is made from it.
RECORD = Path(__file__).with_name("effects.tsv")


def run_effects(
    piflash: Path, flavours: list[str], place: Workplace, groups: ControlGroups, limit: float,
    say: Callable[[str], None], record: bool,
) -> int:
    """Returns the number of failures."""
    failures = 0
    seen: dict[str, list[str]] = {}
    for flavour in flavours:
        say(f"{flavour}: image and card")
        try:
            lines = _see(piflash, flavour, place, groups, limit, say)
        except (Problem, subprocess.SubprocessError) as problem:
            lines = [f"FAIL boot: {problem}"]
        bad = [line for line in lines if not line.startswith("ok ")]
        say(f"{flavour}: {len(lines) - len(bad)} of {len(lines)} effects")
        for line in bad:
            print(f"{flavour}: {line}")
        failures += len(bad)
        names = [line.removeprefix("ok ") for line in lines if line.startswith("ok ")]
        seen[flavour] = [name for name in names if name not in SCANS]
    if record:
        _record(seen)
    return failures


def _record(seen: dict[str, list[str]]) -> None:
    lines = RECORD.read_text().splitlines() if RECORD.exists() else []
    kept = [line for line in lines if line.split("\t")[0] not in seen]
    kept += [f"{flavour}\t{name}" for flavour, names in seen.items() for name in names]
    RECORD.write_text("".join(f"{line}\n" for line in sorted(kept)))


def _see(
    piflash: Path, flavour: str, place: Workplace, groups: ControlGroups, limit: float, say: Callable[[str], None]
) -> list[str]:
    directory = place.path / f"effects-{flavour}"
    recipes = directory / "recipes"
    recipes.mkdir(parents=True)
    recipe = _write_recipe(flavour, place, recipes)
    wire = Wire()
    proxy = Proxy(wire, directory)
    node = None
    try:
        environment = {"E2E_PASSWORD": PASSWORD}
        written = card.write(piflash, recipe, directory / "card.img", environment)
        node = Node("effects", written, directory, wire, groups)
        # Otherwise it would wait two minutes for a time server.
        node.has_time = True
        node.on()
        while node.status().get("state") not in ("done", "failed"):
            if not node.tend():
                raise Problem("the node has switched itself off")
            if node.uptime() > limit:
                raise Problem(f"not done within {limit:.0f} s: {node.progress()}")
            time.sleep(0.1)
        say(f"{flavour}: {node.progress()} after {node.uptime():.0f} s")
        lines = _check(node, wire, place, flavour)
        lines += _scan(node, say, flavour)
        if not all(line.startswith("ok ") for line in lines):
            (directory / "journal").write_text(node.sh("journalctl --no-pager -o short-monotonic", timeout=60))
            (directory / "settings").write_text(node.sh("cat /etc/piflash/settings", timeout=20))
        return lines
    finally:
        if node is not None:
            node.cut()
        proxy.end()
        wire.remove()


def _scan(node: Node, say: Callable[[str], None], flavour: str) -> list[str]:
    """Whether the recipe's secrets are only where root alone can read them."""
    secrets = {"password": PASSWORD, "hash": node.sh("getent shadow pirate | cut -d: -f2").strip(),
               "variable of a stack": "SIZE='it'\\''s $9'", "secret of a stack": "a key of the shop",
               "file of the user": "a plan of the user 4711", "command": "printf '%s' \"it's $((1+1))"}
    if flavour not in WITHOUT_WIFI:
        secrets |= {"passphrase": PHRASE, "first key": KEY1, "second key": KEY2}
    node.sh("sync")
    assert node.mounts is not None
    found = scan.boot_partition(node.card, node.boot_image, secrets)
    lines = [f"FAIL bootPartitionSecrets: {'; '.join(found)}" if found else "ok bootPartitionSecrets"]
    files = scan.root_partition(node.mounts.root, secrets)
    for file in files:
        say(f"{flavour}: {file}")
    # A recipe may give its own files any mode; the effects' own are for their users.
    problems = [file.problem for file in files if file.problem]
    missing = {"hash"} - {name for file in files for name in file.secrets}
    problems += [f"the {name} is nowhere: the scan sees nothing" for name in missing]
    lines.append(f"FAIL rootPartitionSecrets: {'; '.join(problems)}" if problems else "ok rootPartitionSecrets")
    return lines


def _write_recipe(flavour: str, place: Workplace, recipes: Path) -> Path:
    text = (image.E2E / "recipes/effects.yaml").read_text()
    if flavour in WITHOUT_WIFI:
        text = re.sub(r"^wifi:\n(  .*\n)+|^  interface: .*\n", "", text, flags=re.MULTILINE)
    (recipes / "effects.yaml").write_text(text)
    shutil.copy(place.key.with_suffix(".pub"), recipes)
    (recipes / "image.img").symlink_to(image.build([flavour])[flavour])
    _save_image(recipes / "saved.tar")
    (recipes / "shop.yaml.txt").write_text(STACK)
    (recipes / "page.txt").write_text("a page\n")
    (recipes / "key.txt").write_text("a key of the shop\n")
    recipe = recipes / "own" / "node.yaml"
    recipe.parent.mkdir()
    # A node whose name the other one has to know.
    (recipe.parent / "peer.yaml").write_text(
        "hostname: peer\naddress: 192.168.50.12/24\nuser: { name: pirate, password: !env E2E_PASSWORD }\n")
    recipe.write_text(f"""\
extends: ../effects.yaml
first_boot:
  "+files": [{{ path: {_boot_mount(flavour)}/effects.txt, content: "of the boot partition\\n" }}]
""")
    return recipe


def _boot_mount(flavour: str) -> str:
    # Some vendors' files only change another one's.
    vendor = flavour.partition("-")[0]
    found = re.search(r"\bboot_mount=(\S+)", (image.E2E / "vendors" / vendor).read_text())
    return found[1] if found else "/boot"


def _save_image(path: Path) -> None:
    """An archive as `docker save` writes it, of an image for any processor with one file."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        _add(tar, "hello", b"hello\n")
    digest = hashlib.sha256(layer.getvalue()).hexdigest()
    architecture = run("dpkg", "--print-architecture").stdout.strip()
    config = json.dumps(
        {"architecture": architecture, "os": "linux", "config": {"Cmd": ["/hello"]},
         "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}).encode()
    manifest = json.dumps([{"Config": "config.json", "RepoTags": ["effects:saved"], "Layers": ["layer.tar"]}])
    with tarfile.open(path, "w") as tar:
        _add(tar, "config.json", config)
        _add(tar, "layer.tar", layer.getvalue())
        _add(tar, "manifest.json", manifest.encode())


def _add(tar: tarfile.TarFile, name: str, contents: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(contents)
    tar.addfile(entry, io.BytesIO(contents))


def _check(node: Node, wire: Wire, place: Workplace, flavour: str) -> list[str]:
    wanted = {"password": PASSWORD, "key1": KEY1, "key2": KEY2, "boot": node.mount_point,
              "flashed": str(int(time.time() - 3600)), "wifi": "no" if flavour in WITHOUT_WIFI else "yes"}
    script = "".join(f"{name}={shlex.quote(value)}\n" for name, value in wanted.items())
    script += (image.E2E / "check-effects").read_text()
    result = run(*node.inside("env", "LC_ALL=C.UTF-8", "sh"), input=script, timeout=180, check=False)
    lines = [line for line in result.stdout.splitlines() if line.startswith(("ok ", "FAIL "))]
    if flavour in OWN_PACKAGES:
        lines = [line for line in lines if line.split(":")[0].split()[-1] != "packages"]
    lines += [_login(wire, place, with_key=True), _login(wire, place, with_key=False)]
    return lines


def _login(wire: Wire, place: Workplace, with_key: bool) -> str:
    """Whether the user gets in from outside, with the key or with the password."""
    options = ["-F", "none", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=5", "-o", "ConnectionAttempts=20"]
    options += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    if with_key:
        options += ["-i", str(place.key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"]
    else:
        options += ["-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1"]
    answer = place.path / "askpass"
    answer.write_text(f"#!/bin/sh\nprintf '%s\\n' {shlex.quote(PASSWORD)}\n")
    answer.chmod(0o700)
    name = "remoteSSH" if with_key else "loginByPassword"
    environment = {**os.environ, "SSH_ASKPASS": str(answer), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
    # As `docker -H ssh://` would: the user reaches the engine without sudo.
    command = "id -un; docker info -f '{{.Name}}'"
    result = run(*wire.command("ssh", *options, f"{USER}@{ADDRESS}", command), timeout=120, check=False, env=environment)
    said = result.stdout.split()
    return f"ok {name}" if said == [USER, "effects"] else f"FAIL {name}: {said} {result.stderr.strip()[-200:]}"
