"""What piflash does while something goes wrong: the commands, what they start from, and what they must leave."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cards
import ledger
import plans
import sample
from trial import Fault, Outcome, Trial, copy, fill

NODES = ("red01", "red02")


@dataclass
class Stage:
    """What all trials have in common; made once."""

    path: Path
    source: Path
    olds: dict[str, Path | None] = field(default_factory=dict)
    """What a card holds before: "zeros", "other", or the golden card of a node."""
    goldens: dict[str, cards.Golden] = field(default_factory=dict)
    configured: Path | None = None
    """The card of the first node with the settings of its second recipe."""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """By scene: how often each call is made when nothing goes wrong."""


@dataclass
class Case:
    """One run of a scene."""

    number: int
    scene: "Scene"
    old: str
    user: bool
    json: bool
    fault: Fault
    twin: bool = False
    """Whether the same command runs a second time, at the same time."""

    def __str__(self) -> str:
        words = [f"{self.number}: {self.scene.name} over {self.old}", "as a user" if self.user else "as root"]
        words += ["--json"] if self.json else []
        words += ["twice at once"] if self.twin else []
        words += [f"nobody reads its {self.fault.deaf}"] if self.fault.deaf else []
        return f"{', '.join(words)}: {self.fault.rules or 'no fault'}"


Check = Callable[[Stage, Trial, Case, Outcome], list[str]]


@dataclass
class Scene:
    name: str
    weight: int
    command: Callable[[Trial], list[str]]
    targets: Callable[[Trial], list[str]]
    check: Check
    ops: list[str] = field(default_factory=lambda: plans.DEVICE)
    olds: tuple[str, ...] = ("other", "zeros", "red01")
    loops: int = 1
    cold: bool = False
    """The image is not in the cache."""
    events: bool = False
    """Whether it has --json."""
    own_source: bool = False
    recipe: int = 4
    """The end of the node's address."""
    may_refuse: bool = False
    """Whether what cannot be read makes the recipe impossible (exit status 2)."""
    again: bool = True
    """Whether the same command without a fault must end well afterwards."""

    def devices(self, trial: Trial) -> list[str]:
        return [trial.loop(number, sample.CARD) for number in range(self.loops)]

    def disks(self, trial: Trial) -> list[Path]:
        return [trial.disk(number) for number in range(self.loops)]

    def reset(self, stage: Stage, trial: Trial, old: str) -> None:
        """Makes the trial what it was before the first run."""
        rack, out = trial.path / "rack", trial.path / "out"
        for place in (rack, out):
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
        if (stage.path / "state").exists():
            shutil.copytree(stage.path / "state", rack / ".piflash")
        source, used = trial.path / "image/card.img.xz", trial.path / "image/used"
        if self.own_source or used.exists() or not source.exists():
            source.parent.mkdir(exist_ok=True)
            shutil.copy2(stage.source, source)
            used.unlink(missing_ok=True)
        if self.own_source:
            used.touch()
        for node in NODES:
            (rack / f"{node}.yaml").write_text(sample.recipe(node, self.recipe))
        trial.own(rack, *rack.rglob("*"), out, source.parent, source)
        self._cache(trial)
        for number in range(self.loops):
            trial.loop(number, sample.CARD)
            fill(trial.disk(number), stage.olds.get(old), sample.CARD)
            cards.run("blockdev", "--flushbufs", trial.loops[number])
        if not self.loops and stage.olds.get(old):
            copy(stage.olds[old], out / "card.img")
            os.truncate(out / "card.img", sample.SIZE)
            trial.own(out / "card.img")

    def _cache(self, trial: Trial) -> None:
        """Empties the cache, or fills it by a run without a fault."""
        cache = trial.path / "cache"
        is_cold = self.cold or self.own_source
        if not is_cold and (cache / "warm").exists():
            return
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir()
        trial.own(cache)
        if not is_cold:
            trial.piflash("image", "info", "image/card.img.xz")
            (cache / "warm").touch()

    def words(self, trial: Trial, case: Case) -> list[str]:
        return self.command(trial) + (["--json"] if case.json else [])


# --- what is left

def card_problems(stage: Stage, disk: Path, old: Path | None, goldens: list[cards.Golden]) -> tuple[str, list[str]]:
    """Whether the card is "untouched", "complete" or "unfinished"; anything else is a problem."""
    blank = stage.path / "zeros"
    if cards.same(disk, old or blank):
        complete = any(golden.is_on(disk) for golden in goldens)
        return ("complete" if complete else "untouched"), []
    if any(golden.is_on(disk) for golden in goldens):
        return "complete", []
    if not cards.has_table(disk):
        return "unfinished", []
    return "damaged", [f"{disk.name} LOOKS FINISHED AND IS NOT"]


def is_unfair(case: Case) -> bool:
    """A medium that drops what is written, and reads what would have been there, cannot be told from a good one."""
    rules = case.fault.rules
    return "stale" in rules or ("pread" in rules and "zero" in rules and ("drop" in rules or "zero" in rules.split(";")[0]))


def may_clean(case: Case, outcome: Outcome) -> bool:
    """Whether piflash could take away what it made: it was not killed, and the disk is still there."""
    rules = case.fault.rules
    return not outcome.signal and not outcome.hung and "gone" not in rules and not (
        "unlink" in rules or "any," in rules and "+" in rules)


def check_cards(stage: Stage, trial: Trial, case: Case, outcome: Outcome) -> list[str]:
    """Cards on devices, and the ledger."""
    problems = []
    old = stage.olds[case.old]
    goldens = list(stage.goldens.values()) if case.scene.loops > 1 else [stage.goldens["red01"]]
    complete, touched, spoiled = set(), False, False
    for disk in case.scene.disks(trial):
        state, found = card_problems(stage, disk, old, goldens)
        if found and is_unfair(case):
            continue
        problems += found
        touched = touched or not cards.same(disk, old or stage.path / "zeros")
        spoiled = spoiled or state == "unfinished"
        complete |= {golden.node for golden in goldens if golden.is_on(disk)}
    if outcome.status == 0 and complete != {golden.node for golden in goldens} and not is_unfair(case):
        problems.append(f"it says that it is done, and only {sorted(complete)} are")
    if outcome.status not in (0, None) and case.scene.loops == 1:
        text = outcome.errors + outcome.output
        if "was not touched" in text and touched and not complete:
            problems.append("it says that the card was not touched, and it was")
        if spoiled and case.fault.deaf != "errors" and not any(
            part in text for part in ("no partition table now", "could not be cleared", "not touched")
        ):
            problems.append("it does not say what the card is now")
    return problems + check_ledger(trial, case, outcome, touched)


def check_ledger(trial: Trial, case: Case, outcome: Outcome, touched: bool) -> list[str]:
    problems = []
    place = trial.path / "rack/.piflash/ledger"
    entries = ledger.read(place)
    problems += ["a line of the ledger is damaged"] * any(entry["result"] == "damaged" for entry in entries)
    nodes = NODES if case.scene.loops > 1 else NODES[:1]
    ends = [ledger.last(place, node) for node in nodes]
    warned = "ledger" in outcome.errors + outcome.output
    if outcome.status == 0 and not warned and not case.fault.deaf:
        good = ("verified", "configured") if case.old in NODES else ("verified",)
        problems += [f"it is done, and the ledger says {end}" for end in ends if end not in good]
    if outcome.status not in (0, None) and case.scene.loops == 1:
        if ends[0] in ("verified", "configured"):
            problems.append(f"it failed, and the ledger says {ends[0]}")
        if ends[0] in ("begun", "written") and not warned:
            problems.append(f"it failed, and the ledger still says {ends[0]}")
        if touched and ends[0] is None and not warned:
            problems.append("it touched the card, and the ledger does not know of it")
    return problems


def check_file(stage: Stage, trial: Trial, case: Case, outcome: Outcome) -> list[str]:
    """A card in an image file: the old one, or the whole new one, and nothing beside it."""
    problems = []
    card = trial.path / "out/card.img"
    left = sorted(path.name for path in card.parent.iterdir() if path != card)
    if left and may_clean(case, outcome):
        problems.append(f"left behind: {left}")
    old = stage.olds[case.old]
    complete = card.exists() and stage.goldens["red01"].is_on(card)
    is_old = not card.exists() if old is None else card.exists() and stage.goldens[case.old].is_on(card)
    if not complete and not is_old and not is_unfair(case):
        problems.append("card.img IS NEITHER THE OLD ONE NOR THE NEW ONE")
    if outcome.status == 0 and not complete and not is_unfair(case):
        problems.append("it says that it is done, and the file is not the card")
    return problems


def check_edit(stage: Stage, trial: Trial, case: Case, outcome: Outcome) -> list[str]:
    """A card whose settings were changed: old or new, and mountable."""
    card = case.scene.disks(trial)[0] if case.scene.loops else trial.path / "out/card.img"
    work = trial.path / "examined"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    verdict = edit_oracle(stage).examine(cards.copied(card, work / "card"))
    if is_unfair(case) or "drop" in case.fault.rules or "flip" in case.fault.rules or "wrap" in case.fault.rules:
        # The medium is not what was written to it; all that can be asked is that nobody says it is done.
        return ["it says that it is done, and the card is not new"] * (
            outcome.status == 0 and verdict.state != "new" and not is_unfair(case))
    problems = list(verdict.problems)
    if outcome.status == 0 and verdict.state != "new":
        problems.append(f"it says that it is done, and the card is {verdict.state}")
    end = ledger.last(trial.path / "rack/.piflash/ledger", NODES[0])
    if outcome.status == 0 and end != "configured" and "ledger" not in outcome.errors and not case.fault.deaf:
        problems.append(f"it is done, and the ledger says {end}")
    if outcome.status not in (0, None) and end == "configured":
        problems.append("it failed, and the ledger says configured")
    return problems


_oracles: dict[Path, cards.EditOracle] = {}


def edit_oracle(stage: Stage) -> cards.EditOracle:
    if stage.path not in _oracles:
        work = stage.path / f"oracle-{os.getpid()}"
        work.mkdir()
        old = cards.copied(stage.goldens["red01"].path, work / "old")
        new = cards.copied(stage.configured, work / "new")
        _oracles[stage.path] = cards.EditOracle(old, new, work)
    return _oracles[stage.path]


def check_cache(stage: Stage, trial: Trial, case: Case, outcome: Outcome) -> list[str]:
    """What is in the cache is the image, or is found to be wrong by the next run, which is faultless."""
    problems = check_cards(stage, trial, case, outcome) if case.scene.loops else []
    if not may_clean(case, outcome):
        return problems
    for path in (trial.path / "cache").rglob("*"):
        if path.is_file() and not path.name.endswith((".lock", ".json", ".img")) and path.name != "warm":
            problems.append(f"left in the cache: {path.name}")
    return problems


def check_ledger_files(stage: Stage, trial: Trial, case: Case, outcome: Outcome) -> list[str]:
    """The rack's state: nothing temporary, and a ledger that can be read."""
    problems = check_cards(stage, trial, case, outcome) if case.scene.loops else []
    rules = case.fault.rules
    if "flip" in rules or "zero" in rules or "drop" in rules or "torn" in rules or outcome.signal or outcome.hung:
        # A disk that keeps something else than it was given: a line is damaged, which the next run says.
        problems = [problem for problem in problems if "ledger" not in problem]
    if may_clean(case, outcome):
        problems += [f"left in .piflash: {path.name}" for path in (trial.path / "rack/.piflash").glob(".*.tmp")]
    return problems


def check_new(stage: Stage, trial: Trial, case: Case, outcome: Outcome) -> list[str]:
    """The files of a template, all of them if it says that it is done."""
    made = trial.path / "out/made"
    temporary = [path.name for path in (trial.path / "out").rglob(".*") if path.name != ".gitignore"]
    problems = [f"left behind: {temporary}"] * bool(temporary and may_clean(case, outcome))
    if outcome.status == 0:
        checked = trial.piflash("check", str(made / "red.yaml"), str(made)) if made.exists() else None
        if checked is None or "cannot" in checked.errors:
            problems.append("it says that it is done, and its recipes cannot be read")
    return problems


def check_redo(stage: Stage, trial: Trial, case: Case, outcome: Outcome) -> list[str]:
    end = ledger.last(trial.path / "rack/.piflash/ledger", NODES[0])
    problems = check_ledger_files(stage, trial, case, outcome)
    rules = case.fault.rules
    if outcome.status == 0 and end != "redo" and not any(word in rules for word in ("flip", "zero", "drop")):
        problems.append(f"it says that it is done, and the ledger says {end}")
    return problems


# --- the scenes

def _device(trial: Trial) -> list[str]:
    return trial.loops[:1]


def _write(*options: str) -> Callable[[Trial], list[str]]:
    return lambda trial: ["write", "--yes", "--recipe", "rack/red01.yaml", *options, trial.loops[0]]


def _file(trial: Trial) -> list[str]:
    return [str(trial.path / "out/.card.img*"), str(trial.path / "out/card.img*")]


def _state(trial: Trial) -> list[str]:
    return [str(trial.path / "rack/.piflash*")]


def _batch(trial: Trial) -> list[str]:
    return ["batch", "--yes", "rack", *(word for loop in trial.loops[:3] for word in ("--device", loop))]


def _cache(trial: Trial) -> list[str]:
    return [str(trial.path / "cache*")]


SCENES = [
    Scene("write", 10, _write("--compare", "never"), _device, check_cards, events=True),
    Scene("compare", 8, _write(), _device, check_cards, events=True),
    Scene("wipe", 4, _write("--wipe", "--compare", "never"), _device, check_cards, ops=plans.DEVICE + ["zeroout"] * 3),
    Scene("whole", 2, _write("--whole"), _device, check_cards),
    Scene("first run", 6, _write("--compare", "never"), _device, check_cards, cold=True, events=True),
    Scene("file", 7, lambda trial: ["write", "--yes", "--recipe", "rack/red01.yaml", "out/card.img"], _file, check_file,
          ops=plans.NEW_FILE, olds=("zeros", "red01"), loops=0, events=True),
    Scene("cold cache", 6, _write("--compare", "never"), _cache, check_cache, ops=plans.FILES, olds=("zeros",), cold=True),
    Scene("warm cache", 4, _write("--compare", "never"), _cache, check_cache, ops=plans.FILES, olds=("zeros",)),
    Scene("image info", 3, lambda trial: ["image", "info", str(trial.path / "image/card.img.xz")], _cache, check_cache,
          ops=plans.FILES, olds=("zeros",), loops=0, own_source=True, may_refuse=True),
    Scene("source", 5, _write("--compare", "never"), lambda trial: [str(trial.path / "image/card.img.xz")], check_cache,
          ops=plans.SOURCE, olds=("zeros",), own_source=True, may_refuse=True, again=False),
    Scene("configure", 6, lambda trial: ["configure", "--yes", "--recipe", "rack/red01.yaml", trial.loops[0]], _device,
          check_edit, olds=("red01",), recipe=5, may_refuse=True),
    Scene("configure a file", 4, lambda trial: ["configure", "--yes", "--recipe", "rack/red01.yaml", "out/card.img"],
          _file, check_edit, ops=plans.NEW_FILE, olds=("red01",), loops=0, recipe=5, may_refuse=True),
    # Cards that piflash made before would only get new settings.
    Scene("batch", 6, _batch, lambda trial: trial.loops[:3], check_cards, olds=("other", "zeros"), loops=3, events=True),
    Scene("ledger", 6, _write("--compare", "never"), _state, check_ledger_files, ops=plans.FILES, olds=("zeros",)),
    Scene("ledger of a batch", 3, _batch, _state, check_ledger_files, ops=plans.FILES, olds=("zeros",), loops=3),
    Scene("redo", 3, lambda trial: ["redo", "red01", "rack"], _state, check_redo, ops=plans.FILES, olds=("zeros",),
          loops=0),
    Scene("new", 3, lambda trial: ["new", "rack", "out/made", "--name", "red", "--count", "2"],
          lambda trial: [str(trial.path / "out/made*"), str(trial.path / "out/.made*")], check_new, ops=plans.FILES, olds=("zeros",), loops=0, may_refuse=True,
          again=False),
]


def events(outcome: Outcome) -> list[dict] | None:
    """The JSON events; None if a line is not one."""
    try:
        return [json.loads(line) for line in outcome.output.splitlines()]
    except ValueError:
        return None
