"""The power-cut campaign: cuts the power in first boots, and looks at what the next boot makes of the card."""

import queue
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import card
import image
from checks import Expected, check_node
from cuts import HEADER, Cut, Options, Outcome, plan, summarize
from moments import Moment, watch
from namespaces import ControlGroups
from node import Node
from outside import Problem, run
from wire import Wire
from workplace import Workplace

ADDRESS = "192.168.50.11"
PEER = "boots-peer 192.168.50.12"
# Seconds that a boot may take: the one that is watched, and the one after a cut.
WATCH_LIMIT, LIMIT = 150, 90

# What a node that has not recovered can say.
EVIDENCE = {
    "journal": "journalctl --no-pager -o short-monotonic",
    "cloud-init.log": "cat /var/log/cloud-init.log",
    "state": "cd /boot; [ ! -d firmware ] || cd firmware; head piflash/* cmdline.txt; ls -l . piflash; "
    "ls -lR /var/lib/piflash /etc/piflash /usr/local/lib/piflash /etc/ssh; systemctl --failed; systemctl list-jobs",
}


class Campaign:
    def __init__(self, piflash: Path, place: Workplace, groups: ControlGroups, say: Callable[[str], None]) -> None:
        self.piflash = piflash
        self.place = place
        self.groups = groups
        self.say = say
        self.outcomes: list[Outcome] = []
        self.table = place.path / "cuts.tsv"
        self.table.write_text(HEADER + "\n")
        self._lock = threading.Lock()
        # Cards are copied for each cut: in memory that is quick. It ends with this run's namespaces.
        self.cards = place.path / "cards"
        self.cards.mkdir()
        run("mount", "-t", "tmpfs", "-o", "size=80%,mode=700", "tmpfs", self.cards)

    def write(self, flavour: str) -> Node:
        """A node with the card that piflash has written; each cut is made on a copy."""
        recipes = self.place.path / "recipes"
        recipes.mkdir(exist_ok=True)
        shutil.copy(image.E2E / "recipes/base.yaml", recipes)
        shutil.copy(self.place.key.with_suffix(".pub"), recipes)
        built = recipes / f"{flavour}.img"
        built.unlink(missing_ok=True)
        built.symlink_to(image.build([flavour])[flavour])
        name, address = PEER.split()
        (recipes / "peer.yaml").write_text(f"extends: base.yaml\nhostname: {name}\naddress: {address}/24\n")
        recipe = recipes / f"{flavour}.yaml"
        recipe.write_text(
            f"extends: base.yaml\nimage: {{ source: {flavour}.img }}\nhostname: boots-{flavour}\n"
            f'docker: {{ daemon: {{ "+labels": [slot=1] }} }}\n')
        written = card.write(
            self.piflash, recipe, self.cards / f"{flavour}.img", {"E2E_PASSWORD": self.place.password})
        node = Node(f"boots-{flavour}", written, self.cards / flavour, Wire(), self.groups)
        node.has_time = True
        node.prepare()
        return node

    def _copy(self, cold: Node, worker: str) -> Node:
        # The run's name makes it the only such place on this machine (see Mounts.end).
        directory = self.cards / f"{self.place.path.name}-{worker}"
        shutil.rmtree(directory, ignore_errors=True)
        return cold.copy(directory, Wire(), worker)

    def watch(self, cold: Node, flavour: str) -> tuple[list[Moment], float]:
        """A first boot without a cut: its moments, and the seconds that it takes."""
        node = self._copy(cold, "watched")
        try:
            moments, done = watch(node, WATCH_LIMIT)
            if done is None:
                raise Problem(f"{flavour}: not done within {WATCH_LIMIT} s even without a cut: {node.progress()}")
            bad = self._check(node, cut=False)
            if bad:
                raise Problem(f"{flavour}: its checks fail even without a cut: {'; '.join(bad)}")
            return moments, done
        finally:
            node.cut()
            node.wire.remove()
            shutil.rmtree(node.directory, ignore_errors=True)

    def _check(self, node: Node, cut: bool) -> list[str]:
        lines = check_node(Expected(node.name, ADDRESS, PEER, 1, cut), node.wire, self.place)
        return [line.removeprefix("FAIL ") for line in lines if not line.startswith("ok ")]

    def try_cut(self, cold: Node, cut: Cut, worker: str) -> Outcome:
        outcome = Outcome(cut)
        node = self._copy(cold, worker)
        try:
            node.on()
            self._wait_for(node, cut.moment)
            outcome.at, outcome.step = node.uptime(), node.progress()
            node.cut()
            outcome.file_system += node.check_file_systems()
            for seconds in cut.again:
                node.on()
                self._wait_for(node, seconds)
                node.cut()
                outcome.file_system += node.check_file_systems()
            node.on()
            while node.uptime() < LIMIT and node.tend() and node.status().get("state") not in ("done", "failed"):
                time.sleep(0.05)
            status = node.status()
            outcome.repaired = status.get("repaired", "")
            if status.get("state") == "done":
                outcome.done = node.uptime()
            else:
                outcome.problems.append(f"not done after {node.uptime():.0f} s: {node.progress()}")
            outcome.problems += self._check(node, cut=True)
            if outcome.problems:
                self._keep(node, cut, outcome)
        except Problem as problem:
            outcome.problems.append(str(problem))
        finally:
            node.cut()
            node.wire.remove()
        return outcome

    def _wait_for(self, node: Node, moment: Moment | float) -> None:
        """If a moment does not come, the power is cut when the first boot is done."""
        while node.tend():
            if isinstance(moment, Moment):
                if moment.has_come(node) or node.status().get("state") == "done" or node.uptime() > LIMIT:
                    return
                time.sleep(0.005)
            else:
                if node.uptime() >= moment:
                    return
                time.sleep(min(0.1, max(0.0, moment - node.uptime())))

    def _keep(self, node: Node, cut: Cut, outcome: Outcome) -> None:
        """What the node can say, in the directory of the run."""
        directory = self.place.path / f"{cut.flavour}-{cut.number}"
        directory.mkdir(exist_ok=True)
        (directory / "outcome").write_text(outcome.row().replace("\t", "\n") + "\n")
        for file in node.directory.glob("console.*"):
            shutil.copy(file, directory)
        for name, command in EVIDENCE.items():
            try:
                (directory / name).write_text(node.sh(command, timeout=20))
            except Problem:
                pass

    def run(self, cold: Node, cuts: list[Cut], jobs: int) -> None:
        """Tries all cuts, `jobs` at a time."""
        waiting: queue.SimpleQueue[Cut] = queue.SimpleQueue()
        for cut in cuts:
            waiting.put(cut)

        def work(worker: str) -> None:
            while True:
                try:
                    cut = waiting.get_nowait()
                except queue.Empty:
                    return
                outcome = Outcome(cut)
                try:
                    outcome = self.try_cut(cold, cut, worker)
                except Exception as error:  # a fault of this harness is an outcome, too
                    outcome.problems.append(f"{type(error).__name__}: {error}")
                self._note(outcome)

        workers = [threading.Thread(target=work, args=(f"worker{number}",), daemon=True) for number in range(jobs)]
        for worker in workers:
            worker.start()
        for worker in workers:
            # In pieces, so that a signal gets through.
            while worker.is_alive():
                worker.join(0.5)

    def _note(self, outcome: Outcome) -> None:
        with self._lock:
            self.outcomes.append(outcome)
            with open(self.table, "a") as table:
                table.write(outcome.row() + "\n")
            if outcome.problems:
                cut = outcome.cut
                self.say(f"{cut.flavour} {cut.number}, cut at {cut.name}: {'; '.join(outcome.problems)}")
            elif len(self.outcomes) % 10 == 0:
                self.say(f"{len(self.outcomes)} cuts")


def run_campaign(
    piflash: Path, options: Options, place: Workplace, groups: ControlGroups, say: Callable[[str], None]
) -> int:
    """Returns the number of cuts that cost something."""
    campaign = Campaign(piflash, place, groups, say)
    lost = 0
    for flavour in options.flavours:
        try:
            cold = campaign.write(flavour)
            moments, done = campaign.watch(cold, flavour)
        except Problem as problem:
            say(f"{flavour}: {problem}")
            lost += 1
            continue
        cuts = plan(flavour, moments, done, options)
        say(f"{flavour}: done after {done:.1f} s without a cut, {len(moments)} moments; {len(cuts)} cuts")
        campaign.run(cold, cuts, options.jobs)
        cold.card.path.unlink()
    lost += sum(bool(outcome.problems) for outcome in campaign.outcomes)
    summarize(campaign.outcomes)
    print(f"all outcomes are in {campaign.table}")
    return lost
