"""Racks of cold cards, from power-on to Ready in the swarm that they form by themselves."""

import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import card
import image
from checks import Expected, check_node
from moments import FATAL, HOST_KEY
from namespaces import ControlGroups
from node import Node
from outside import Problem
from wire import Wire
from workplace import Workplace

NETWORK = "192.168.50"


@dataclass
class Member:
    """A node of the rack, and when it got how far: seconds from its power-on."""

    flavour: str
    node: Node
    address: str
    written: float = 0
    cut_at: float | None = None
    done: float | None = None
    ready: float | None = None
    steps: list[tuple[float, str]] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)

    def note(self) -> None:
        line = self.node.progress()
        if not self.steps or self.steps[-1][1] != line:
            self.steps.append((self.node.uptime(), line))
        status = self.node.status()
        if self.done is None and status.get("state") == "done":
            self.done = self.node.uptime()
        if status.get("state") == "failed":
            raise Problem(f"{self.node.name}: {line}")


class Rack:
    """Cards of several flavours for one swarm. The first one's node is its manager."""

    def __init__(self, piflash: Path, flavours: list[str], place: Workplace, groups: ControlGroups) -> None:
        self.place = place
        self.members: list[Member] = []
        # The cards as piflash wrote them.
        self.cold: list[card.Card] = []
        self.wire = Wire()
        images = image.build(flavours)
        # One directory is one rack: with its own keys, and its own list of nodes.
        recipes = place.path / "recipes" / "-".join(flavours)
        recipes.mkdir(parents=True)
        shutil.copy(image.E2E / "recipes/base.yaml", recipes)
        shutil.copy(place.key.with_suffix(".pub"), recipes)
        for number, flavour in enumerate(flavours):
            (recipes / f"{flavour}.img").symlink_to(images[flavour])
            (recipes / f"{flavour}.yaml").write_text(_recipe(flavour, f"{NETWORK}.{11 + number}", flavours[0], number))
        for number, flavour in enumerate(flavours):
            name = f"boots-{flavour}"
            directory = place.path / name
            directory.mkdir()
            began = time.monotonic()
            environment = {"E2E_PASSWORD": place.password}
            written = card.write(piflash, recipes / f"{flavour}.yaml", directory / "card.img", environment)
            seconds = time.monotonic() - began
            self.cold.append(written.copy(directory / "cold.img"))
            node = Node(name, written, directory, self.wire, groups)
            self.members.append(Member(flavour, node, f"{NETWORK}.{11 + number}", seconds))

    @property
    def manager(self) -> Node:
        return self.members[0].node

    def on(self) -> None:
        for member in self.members:
            member.node.on()

    def renew(self) -> None:
        """Cold cards again, for nodes that are off."""
        for member, cold in zip(self.members, self.cold, strict=True):
            node = member.node
            directory = node.directory / "again"
            directory.mkdir()
            member.node = Node(node.name, cold, directory, self.wire, node.groups)
            member.done = member.ready = None
            member.steps, member.checks = [], []

    def cut(self, limit: float) -> None:
        """Cuts the power of each node once, at the worst moment of its flavour, and switches it on again."""
        self.on()
        waiting = list(self.members)
        while waiting:
            for member in list(waiting):
                node, moment = member.node, FATAL.get(member.flavour, HOST_KEY)
                if not node.tend():
                    raise Problem(f"{node.name} has switched itself off")
                if moment.has_come(node):
                    member.cut_at = node.uptime()
                    node.cut()
                    node.check_file_systems()
                    node.on()
                    waiting.remove(member)
                elif node.status().get("state") == "done" or node.uptime() > limit:
                    raise Problem(f"{node.name}: {moment.name} has not come: {node.progress()}")
            time.sleep(0.002)

    def wait(self, limit: float) -> None:
        """Until all nodes are done, and Ready in the swarm."""
        asked = 0.0
        while not all(member.done and member.ready for member in self.members):
            for member in self.members:
                if not member.node.tend():
                    raise Problem(f"{member.node.name} has switched itself off")
                member.note()
            if time.monotonic() - asked > 0.5:
                asked = time.monotonic()
                self._note_ready()
            late = [m.node for m in self.members if not (m.done and m.ready) and m.node.uptime() > limit]
            if late:
                raise Problem(f"not done and Ready within {limit:.0f} s: {' '.join(node.name for node in late)}")
            time.sleep(0.05)

    def _note_ready(self) -> None:
        entries = self.manager.engine("/nodes")
        if not isinstance(entries, list):
            return
        ready = {entry["Description"]["Hostname"] for entry in entries if entry["Status"]["State"] == "ready"}
        for member in self.members:
            if member.ready is None and member.node.name in ready:
                member.ready = member.node.uptime()

    def check(self) -> None:
        """Runs Tests/e2e/check-node on every node over ssh, and looks at the swarm."""
        with ThreadPoolExecutor(4) as pool:
            for member, lines in zip(self.members, pool.map(self._check_node, self.members), strict=True):
                member.checks += lines
        for member in self.members:
            member.checks.append(member.node.check_certificate())
        entries = self.manager.engine("/nodes")
        entries = entries if isinstance(entries, list) else []
        for number, member in enumerate(self.members):
            found = [entry for entry in entries if entry["Description"]["Hostname"] == member.node.name]
            seen = [(entry["Status"]["State"], entry["Spec"]["Role"], entry["Spec"].get("Labels")) for entry in found]
            role = "manager" if number == 0 else "worker"
            wanted = [("ready", role, {"rack": "boots", "slot": str(number)})]
            member.checks.append("ok swarm" if seen == wanted else f"FAIL swarm: {seen}, not {wanted}")

    def _check_node(self, member: Member) -> list[str]:
        number = self.members.index(member)
        peer = self.members[number - 1]
        # A rack of one has no other node; its own name is in its own hosts.
        peer_entry = f"{peer.node.name} {peer.address if peer is not member else '127.0.1.1'}"
        expected = Expected(member.node.name, member.address, peer_entry, number, member.cut_at is not None)
        return check_node(expected, self.wire, self.place)

    def off(self) -> None:
        for member in self.members:
            member.node.off()

    def remove(self) -> None:
        for member in self.members:
            try:
                member.node.cut()
            except Problem as problem:
                print(problem)
        self.wire.remove()

    def logs(self) -> None:
        """What the nodes can say about a failure, into the run's directory."""
        commands = {
            "journal": "journalctl --no-pager -o short-monotonic",
            "first-boot": "journalctl --no-pager -o short-monotonic -u piflash-first-boot",
            "blame": "systemd-analyze blame; systemctl --failed; systemctl list-jobs",
        }
        for member in self.members:
            for name, command in commands.items():
                try:
                    (member.node.directory / name).write_text(member.node.sh(command, timeout=20))
                except Problem:
                    pass


def _recipe(flavour: str, address: str, manager: str, slot: int) -> str:
    return f"""\
extends: base.yaml
image: {{ source: {flavour}.img }}
hostname: boots-{flavour}
address: {address}/24
docker: {{ daemon: {{ "+labels": [slot={slot}] }} }}
swarm:
  managers: [boots-{manager}]
  labels: {{ rack: boots, slot: "{slot}" }}
"""


def report(members: list[Member]) -> int:
    """Prints what became of the nodes, and returns the number of failures."""
    print(f"\n{'flavour':<12} {'write s':>8} {'boots':>6} {'cut at s':>9} {'done s':>8} {'Ready s':>8} {'checks':>8}")
    failures = 0
    for member in members:
        ok = sum(line.startswith("ok ") for line in member.checks)

        def seconds(value: float | None) -> str:
            return "-" if value is None else f"{value:.1f}"

        print(
            f"{member.flavour:<12} {member.written:>8.1f} {member.node.boots:>6} {seconds(member.cut_at):>9} "
            f"{seconds(member.done):>8} {seconds(member.ready):>8} {f'{ok}/{len(member.checks)}':>8}")
    for member in members:
        for line in member.checks:
            if not line.startswith("ok "):
                failures += 1
                print(f"{member.flavour}: {line}")
    return failures


def run_rack(
    piflash: Path,
    flavours: list[str],
    place: Workplace,
    groups: ControlGroups,
    limit: float,
    say: Callable[[str], None],
    cuts: bool = False,
) -> int:
    """Writes the cards, switches all on at once, waits and checks; with `cuts` once more, with a power cut for each
    node. Returns the number of failures."""
    say(f"images and cards: {' '.join(flavours)}")
    rack = Rack(piflash, flavours, place, groups)
    try:
        say("power on")
        rack.on()
        failures = _see_through(rack, limit, say)
        if cuts and not failures:
            say("cold cards again, and a power cut at the worst moment of each")
            rack.renew()
            failures = _see_through(rack, limit, say, rack.cut)
        return failures
    finally:
        rack.remove()


def _see_through(
    rack: Rack, limit: float, say: Callable[[str], None], first: Callable[[float], None] | None = None
) -> int:
    """Waits for the rack, checks it, reports, and switches it off if all is well. Returns the number of failures."""
    try:
        if first is not None:
            first(limit)
        rack.wait(limit)
        say("checks")
        rack.check()
    except (Problem, subprocess.SubprocessError) as problem:
        rack.logs()
        report(rack.members)
        for member in rack.members:
            print(f"\n{member.node.name}:")
            for at, line in member.steps[-8:]:
                print(f"  {at:6.1f} s  {line}")
        raise Problem(str(problem)) from None
    failures = report(rack.members)
    if failures:
        rack.logs()
    else:
        say("power off")
        rack.off()
    return failures
