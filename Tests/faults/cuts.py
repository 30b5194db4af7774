"""The power fails while piflash writes a card, its settings or its own files: every state that this can leave."""

import multiprocessing
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cards
import sample
import scenes
from outside import Problem
from recording import Tree, device_changes, device_states, lines
from scenes import Case, Scene, Stage
from trial import Fault, Trial, fill

# Cards: each state is compared here; of every so many, sfdisk and the next run say what they find.
DEVICE_SCENES = ("write", "compare", "wipe", "first run", "batch")
EDIT_SCENES = ("configure",)
# Files, and the directory that they are in.
FILE_SCENES = {"file": "out", "cold cache": "cache", "image info": "cache", "ledger": "rack", "first state": "rack",
               "ledger of a batch": "rack", "redo": "rack", "new": "out"}


@dataclass
class Result:
    name: str
    states: int = 0
    runs: int = 0
    problems: list[str] = None

    def __post_init__(self) -> None:
        self.problems = self.problems or []


def scene_named(name: str) -> Scene:
    # The first run of a rack makes its salt.
    name = "ledger" if name == "first state" else name
    return next(scene for scene in scenes.SCENES if scene.name == name)


class Cutter:
    def __init__(self, stage: Stage, trial: Trial, seed: int, count: int) -> None:
        self.stage, self.trial, self.count = stage, trial, count
        self.seed = seed
        self.made: set[str] = set()
        """What is in the directory that `new` makes."""

    def record(self, scene: Scene, old: str, targets: list[str]) -> tuple[list[str], Path]:
        """A run without a fault; returns its record."""
        data = self.trial.path / "data"
        case = Case(0, scene, old, self.trial.user, False, Fault())
        outcome = self.trial.piflash(*scene.words(self.trial, case), fault=Fault(targets=targets, data=data))
        if outcome.status != 0:
            raise Problem(f"{scene.name} without a fault ended with {outcome.status}: {outcome.errors}")
        return outcome.log, data

    def again(self, scene: Scene, old: str, result: Result, where: str) -> None:
        """The next run must go on with what is there, and end well."""
        result.runs += 1
        case = Case(0, scene, old, self.trial.user, False, Fault())
        complete = self.has_everything()
        outcome = self.trial.piflash(*scene.words(self.trial, case))
        if result.name == "new" and outcome.status == 2 and "exists already" in outcome.errors and complete:
            return
        if outcome.status != 0:
            result.problems.append(f"{where}: the next run ended with {outcome.status}: {outcome.errors[-300:]}")
            return
        if result.name == "first state":
            # The rack has another salt now, and its cards other bytes.
            problems = [problem for disk in scene.disks(self.trial) for problem in self.card_problems(disk)]
        else:
            problems = scene.check(self.stage, self.trial, case, outcome)
        # This ledger knows nothing of the run that was cut.
        problems = [problem for problem in problems if "the ledger says configured" not in problem]
        # What a power cut leaves beside is no run's to explain.
        result.problems += [f"{where}: after the next run: {problem}" for problem in problems if "left" not in problem]

    def card_problems(self, disk: Path) -> list[str]:
        """What is wrong with a card, whichever salt its hashes have."""
        if not cards.has_table(disk):
            return ["the card has no partition table"]
        work = self.trial.path / "work"
        work.mkdir(exist_ok=True)
        image = cards.copied(disk, work / "card")
        return cards.check_boot(image, work) + cards.repair_root(image)

    def has_everything(self) -> bool:
        """Whether what `new` makes is there already."""
        made = self.trial.path / "out/made"
        return bool(self.made) and {str(path.relative_to(made)) for path in made.rglob("*")} == self.made

    # --- cards

    def cut_devices(self, name: str) -> Result:
        scene, result = scene_named(name), Result(name)
        old = "red01" if name == "compare" else "other"
        chance = random.Random(f"{self.seed}:{name}")
        scene.reset(self.stage, self.trial, old)
        if name == "compare":
            self.disturb(scene)
        before = [disk.read_bytes() for disk in scene.disks(self.trial)]
        log, data = self.record(scene, old, self.trial.loops[:scene.loops])
        goldens = list(self.stage.goldens.values())
        for number, disk in enumerate(scene.disks(self.trial)):
            changes = device_changes(log, data, self.trial.loops[number])
            total = sum(change is None for change in changes) * self.count + len(changes)
            looked = set(chance.sample(range(total), min(total, max(2, self.count // 2))))
            for index, (where, state) in enumerate(device_states(changes, before[number], chance, self.count)):
                result.states += 1
                problem = card_problem(state, before[number], goldens)
                if problem:
                    result.problems.append(f"{where}: {problem}")
                if index in looked:
                    self.restore(scene, state, number, old)
                    if self.looks_finished(disk, before[number], goldens):
                        result.problems.append(f"{where}: sfdisk finds a partition table")
                    self.again(scene, old, result, where)
        return result

    def disturb(self, scene: Scene) -> None:
        """A card that holds most of the image."""
        with open(self.trial.disk(0), "r+b") as file:
            for place in range(6 * sample.MIB, 9 * sample.MIB, sample.MIB // 2):
                file.seek(place)
                file.write(b"different" * 100)
        cards.run("blockdev", "--flushbufs", self.trial.loops[0])

    def restore(self, scene: Scene, state: bytearray, number: int, old: str) -> None:
        scene.reset(self.stage, self.trial, old)
        image = self.trial.path / "state"
        image.write_bytes(state)
        fill(self.trial.disk(number), image, sample.CARD)
        cards.run("blockdev", "--flushbufs", self.trial.loops[number])

    def looks_finished(self, disk: Path, before: bytes, goldens: list[cards.Golden]) -> bool:
        contents = disk.read_bytes()
        return contents[:512] != before[:512] and cards.has_table(disk) and not any(
            golden.is_on(disk) for golden in goldens)

    # --- settings

    def cut_settings(self, name: str) -> Result:
        scene, result = scene_named(name), Result(name)
        chance = random.Random(f"{self.seed}:{name}")
        scene.reset(self.stage, self.trial, "red01")
        before = self.trial.disk(0).read_bytes()
        log, data = self.record(scene, "red01", self.trial.loops[:1])
        changes = device_changes(log, data, self.trial.loops[0])
        oracle, seen = scenes.edit_oracle(self.stage), set()
        image = self.trial.path / "state"
        for index, (where, state) in enumerate(device_states(changes, before, chance, self.count)):
            key = hash(bytes(state))
            if key in seen:
                continue
            seen.add(key)
            result.states += 1
            image.write_bytes(state)
            verdict = oracle.examine(image)
            result.problems += [f"{where}: {problem}" for problem in verdict.problems]
            if index % 12 == 5:
                self.restore(scene, state, 0, "red01")
                self.again(scene, "red01", result, where)
        return result

    # --- files

    def cut_files(self, name: str) -> Result:
        scene, result = scene_named(name), Result(name)
        place = self.trial.path / FILE_SCENES[name]
        old = "zeros"
        self.reset(name, scene, old)
        tree = Tree(place)
        log, data = self.record(scene, old, [f"{place}*"])
        steps = list(lines(log, data))
        if name == "new":
            made = self.trial.path / "out/made"
            self.made = {str(path.relative_to(made)) for path in made.rglob("*")}
        # A line of the ledger follows the flush of what it says of a card, so the cards are as they were then.
        finished = [disk.read_bytes() for disk in scene.disks(self.trial)] if name == "ledger of a batch" else []
        chance = random.Random(f"{self.seed}:{name}")
        # What is between two writes to the same file is not worth more than one state.
        points = [number for number, (parts, _) in enumerate(steps) if parts[0] != "W"]
        chosen = set(chance.sample(points, min(len(points), 3 * self.count)))
        for number, (parts, contents) in enumerate(steps):
            tree.happen(parts, contents)
            if number in chosen:
                for how in (chance, None) if chance.random() < 0.3 else (chance,):
                    self.reset(name, scene, old)
                    shutil.rmtree(place)
                    tree.write(place, how)
                    self.trial.own(place, *place.rglob("*"))
                    for disk, contents, loop in zip(scene.disks(self.trial), finished, self.trial.loops):
                        with open(disk, "r+b") as file:
                            file.write(contents)
                        cards.run("blockdev", "--flushbufs", loop)
                    result.states += 1
                    self.again(scene, old, result, f"after step {number} ({' '.join(parts[:3])})")
        return result

    def reset(self, name: str, scene: Scene, old: str) -> None:
        scene.reset(self.stage, self.trial, old)
        if name == "first state":
            shutil.rmtree(self.trial.path / "rack/.piflash")
        if name == "new":
            shutil.rmtree(self.trial.path / "out/made", ignore_errors=True)


def card_problem(state: bytearray, before: bytes, goldens: list[cards.Golden]) -> str | None:
    """A card is unfinished, the new one, or the old one whose first block is being cleared."""
    head = state[:1024]
    if not (head[510:512] == b"\x55\xaa" and any(head[446:510]) or head[512:520] == b"EFI PART"):
        return None
    if any(is_golden(state, golden) for golden in goldens):
        return None
    body = slice(sample.MIB, sample.SIZE)
    if head[:512] == before[:512] and state[body] == before[body]:
        return None
    return "THE CARD LOOKS FINISHED AND IS NOT"


_contents: dict[Path, bytes] = {}


def is_golden(state: bytearray, golden: cards.Golden) -> bool:
    if golden.path not in _contents:
        _contents[golden.path] = golden.path.read_bytes()
    wanted = _contents[golden.path]
    return all(state[start:end] == wanted[start:end] for start, end in golden.ranges)


_begun: tuple


def _begin(*arguments) -> None:
    global _begun
    _begun = arguments


def _work(job: tuple[str, str]) -> Result:
    kind, name = job
    stage, program, shim, seed, count = _begun
    # What a confined process writes would not be in the record: there is none if an ordinary user calls.
    trial = Trial(stage.path / f"cut-{kind}-{name.replace(' ', '-')}", program, shim, user=kind == "files")
    try:
        cutter = Cutter(stage, trial, seed, count)
        method = {"devices": cutter.cut_devices, "settings": cutter.cut_settings, "files": cutter.cut_files}[kind]
        return method(name)
    except Problem as problem:
        return Result(name, problems=[f"it could not be examined: {problem}"])
    finally:
        trial.end()


def cut_everything(
    stage: Stage, program: Path, shim: Path, seed: int, count: int, workers: int, say: Callable[[str], None]
) -> tuple[int, int]:
    """Returns how many states there were, and how many broke a promise."""
    jobs = [("settings", name) for name in EDIT_SCENES] + [("devices", name) for name in DEVICE_SCENES]
    jobs += [("files", name) for name in FILE_SCENES]
    states = problems = 0
    with multiprocessing.get_context("fork").Pool(workers, _begin, (stage, program, shim, seed, count)) as pool:
        for result in pool.imap_unordered(_work, jobs, chunksize=1):
            states += result.states
            problems += len(result.problems)
            say(f"{result.name}: {result.states} states, {result.runs} runs after them, {len(result.problems)} bad")
            for problem in result.problems[:6]:
                print(f"      {problem}")
    return states, problems
