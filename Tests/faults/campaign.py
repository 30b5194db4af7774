"""Thousands of runs, each with a fault of its own, and what every one of them must keep."""

import multiprocessing
import os
import random
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cards
import plans
import sample
import scenes
from outside import Problem, run
from scenes import Case, Scene, Stage
from trial import Fault, Outcome, Trial

CHANCES = [scene for scene in scenes.SCENES for _ in range(scene.weight)]


@dataclass
class Report:
    case: str
    number: int
    fired: bool
    ending: str
    problems: list[str]
    words: str = ""


# --- what is prepared once

def prepare(path: Path, program: Path, shim: Path) -> Stage:
    """Makes the image, and the cards that faultless runs make of it."""
    path.mkdir(parents=True)
    stage = Stage(path, sample.make(path))
    for name in ("zeros", "other"):
        with open(path / name, "wb") as file:
            file.truncate(sample.CARD)
    _foreign_card(path / "other")
    stage.olds = {"zeros": None, "other": path / "other"}
    trial = Trial(path / "first", program, shim, user=False)
    try:
        for node in scenes.NODES:
            _golden(stage, trial, node)
        edit = next(scene for scene in scenes.SCENES if scene.name == "configure")
        edit.reset(stage, trial, "red01")
        _must(trial.piflash(*edit.words(trial, _faultless(edit))))
        stage.configured = path / "configured"
        cards.copy(trial.disk(0), stage.configured)
    finally:
        trial.end()
    return stage


def _golden(stage: Stage, trial: Trial, node: str) -> None:
    write = scenes.SCENES[0]
    write.reset(stage, trial, "zeros")
    fault = Fault(targets=[trial.loops[0]])
    words = ["write", "--yes", "--recipe", f"rack/{node}.yaml", "--compare", "never", trial.loops[0]]
    outcome = _must(trial.piflash(*words, fault=fault))
    place = stage.path / f"card-{node}"
    cards.copy(trial.disk(0), place)
    ranges = []
    for line in outcome.log:
        parts = line.split()
        if parts[0] == "W" and parts[4] == trial.loops[0]:
            start, end = int(parts[2]), int(parts[2]) + int(parts[3])
            if start < sample.SIZE:
                ranges.append((start, min(end, sample.SIZE)))
    stage.goldens[node] = cards.Golden(node, place, cards.merged(ranges))
    stage.olds[node] = place
    if not (stage.path / "state").exists():
        shutil.copytree(trial.path / "rack/.piflash", stage.path / "state")
        (stage.path / "state/ledger").unlink()
    problems = cards.check_boot(place, stage.path) + cards.repair_root(cards.copied(place, stage.path / "repaired"))
    if problems:
        raise Problem(f"the card of a faultless run is damaged: {problems}")


def _faultless(scene: Scene, old: str = "zeros") -> Case:
    return Case(0, scene, old, False, False, Fault())


def _must(outcome: Outcome) -> Outcome:
    if outcome.status != 0:
        raise Problem(f"{outcome.words} without a fault ended with {outcome.status}: {outcome.errors}")
    return outcome


def _foreign_card(path: Path) -> None:
    table = "label: gpt\nsize=6M,type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7\nsize=7M,type=0FC63DAF-8483-4772-8E79-3D69D8477DE4\n"
    run("sfdisk", "--quiet", path, input=table.encode())
    chance = random.Random(5)
    with open(path, "r+b") as file:
        for place in range(2, 14, 3):
            file.seek(place * sample.MIB)
            file.write(chance.randbytes(sample.MIB // 2))


def counts(stage: Stage, trial: Trial, scene: Scene) -> dict[str, int]:
    """How often a faultless run of the scene makes each call."""
    case = _faultless(scene, scene.olds[0])
    scene.reset(stage, trial, case.old)
    outcome = _must(trial.piflash(*scene.words(trial, case), fault=Fault(targets=scene.targets(trial))))
    problems = scene.check(stage, trial, case, outcome)
    if problems:
        raise Problem(f"{scene.name}, without a fault: {problems}")
    return {line.split()[1]: int(line.split()[2]) for line in outcome.log if line.startswith("COUNT ")}


# --- one case

def draw(number: int, seed: int, stage: Stage) -> Case:
    chance = random.Random(f"{seed}:{number}")
    scene = chance.choice(CHANCES)
    old = chance.choice(scene.olds)
    known = stage.counts.get(scene.name, {})
    rules = plans.draw(chance, scene.ops, known, changes=scene.own_source)
    twin = chance.random() < 0.06
    if twin and chance.random() < 0.5:
        rules = ""
    deaf = chance.choice(("output", "errors")) if chance.random() < 0.05 else ""
    json = scene.events and chance.random() < 0.25
    old_contents = stage.olds[old] or stage.path / "zeros"
    fault = Fault(rules, old=old_contents, seed=chance.randrange(1 << 30), deaf=deaf)
    return Case(number, scene, old, chance.random() < 0.5, json, fault, twin)


def try_case(case: Case, stage: Stage, trial: Trial) -> Report:
    scene = case.scene
    scene.reset(stage, trial, case.old)
    case.fault.targets = scene.targets(trial)
    if case.twin:
        outcome, problems = twins(case, stage, trial)
    else:
        outcome = trial.piflash(*scene.words(trial, case), fault=case.fault)
        problems = general_problems(case, trial, outcome)
        problems += scene.check(stage, trial, case, outcome)
    chance = random.Random(case.fault.seed)
    killed = outcome.signal != 0
    if scene.again and chance.random() < (0.4 if killed else 0.1):
        problems += again(case, stage, trial)
    ending = f"signal {outcome.signal}" if killed else f"exit {outcome.status}"
    met = bool(outcome.fired) or "wrap" in case.fault.rules or case.twin
    return Report(str(case), case.number, met, ending, problems, outcome.errors if problems else "")


def twins(case: Case, stage: Stage, trial: Trial) -> tuple[Outcome, list[str]]:
    """Two runs of one command. Both may end well, one after the other, or one of them is refused."""
    words = case.scene.words(trial, case)
    first, second = trial.start(*words, fault=case.fault), trial.start(*words, name="twin")
    outcomes = [trial.finish(first), trial.finish(second)]
    problems = []
    for outcome in outcomes:
        if outcome.hung:
            problems.append("IT HANGS")
        if outcome.left or "Fatal error" in outcome.errors:
            problems.append(f"it crashed, or processes are left: {outcome.left}")
        if outcome.status is not None and outcome.status not in (0, 1, 2, 3, 4, 130, 143):
            problems.append(f"exit status {outcome.status}")
    if not case.fault.rules and not any(outcome.status == 0 for outcome in outcomes):
        problems.append("neither of the two ended well")
    # Whichever came last decides what is there; it must be one of the two, and nothing between.
    found = case.scene.check(stage, trial, case, outcomes[0])
    problems += [problem for problem in found if "FINISHED" in problem or "NEITHER" in problem or "damaged" in problem]
    return outcomes[0], problems


def again(case: Case, stage: Stage, trial: Trial) -> list[str]:
    """The next run, without a fault, must find what this one left, and end well."""
    good = Case(case.number, case.scene, case.old, case.user, False, Fault())
    outcome = trial.piflash(*case.scene.words(trial, good), fault=Fault(targets=case.scene.targets(trial)))
    if outcome.status != 0:
        return [f"the same command without a fault then ended with {outcome.status}: {outcome.errors[-400:]}"]
    problems = case.scene.check(stage, trial, good, outcome)
    return [f"after the same command without a fault: {problem}" for problem in problems
            if "damaged" not in problem or "FINISHED" in problem]


def general_problems(case: Case, trial: Trial, outcome: Outcome) -> list[str]:
    """What holds for every command."""
    rules, text = case.fault.rules, outcome.errors
    fired = [line.split()[2] for line in outcome.fired]
    problems = []
    if outcome.hung:
        return ["IT HANGS"]
    if outcome.left:
        problems.append(f"processes are left: {outcome.left}")
    if "Fatal error" in text or "faults: " in text:
        problems.append("it crashed")
    if outcome.signal and not (outcome.signal == 9 and plans.kills(rules)):
        problems.append(f"signal {outcome.signal} ended it")
    if outcome.signal:
        return problems
    stops = plans.signals(rules) & set(plans.STOPS)
    allowed = {0, 1, 3} | ({4} if case.scene.loops > 1 else set()) | ({2} if case.scene.may_refuse else set())
    # A second request to stop, a second later.
    allowed |= {128 + number for number in stops & {2, 15}}
    if outcome.status not in allowed:
        problems.append(f"exit status {outcome.status}")
    if outcome.status == 0:
        return problems
    harmless = {"13", "19", "20"}
    only_harmless = all(
        line.split()[2] == "sig" and rule_number(rules, line) in harmless for line in outcome.fired)
    if fired and only_harmless:
        problems.append("it failed, and nothing was wrong")
    if case.fault.deaf != "errors" and outcome.status < 128:
        problems += message_problems(case, trial, outcome)
    return problems


def rule_number(rules: str, line: str) -> str:
    """The number of the first rule with the action of a FIRED line."""
    op, action = line.split()[1:3]
    for rule in rules.split(";"):
        parts = rule.split(",")
        if parts[2] == action and parts[0] in (op, "any", "call"):
            return parts[3] if len(parts) > 3 else ""
    return ""


# After these, the reason says what to do (Host/SystemFailure.swift).
ENOUGH = ("no such file or directory", "not a directory", "is a directory", "file exists", "file name too long")


def message_problems(case: Case, trial: Trial, outcome: Outcome) -> list[str]:
    """A message names the card or the file, the reason and the next step."""
    text, problems = outcome.errors, []
    if "piflash: " not in text and "error" not in text and not (outcome.status == 2 and ".yaml:" in text):
        return [f"no message: {text[-200:]!r}"]
    if plans.signals(case.fault.rules) & set(plans.STOPS) and "stopped" in text:
        return [] if "hint: " in text else ["the message says nothing of a next step"]
    names = [trial.path.name + "/", "out/card.img", "out/made", "rack", "red01", *trial.loops]
    if not any(name in text for name in names):
        problems.append("the message names neither the card nor the file")
    if "hint: " not in text and outcome.status != 2 and not any(reason in text for reason in ENOUGH):
        problems.append("the message says nothing of a next step")
    if case.json and case.fault.deaf != "output":
        events = scenes.events(outcome)
        if events is None:
            problems.append("a line of the output is not JSON")
        elif not events or events[-1].get("event") != "failed" or not events[-1].get("message"):
            problems.append("the last event does not say that it failed")
    return problems


# --- many cases

_stage: Stage
_trials: dict[bool, Trial]
_seed: int
_place: tuple[Path, Path, Path]


def _begin(stage: Stage, program: Path, shim: Path, seed: int) -> None:
    global _stage, _trials, _seed, _place
    _stage, _trials, _seed = stage, {}, seed
    _place = (stage.path / f"trials-{os.getpid()}", program, shim)


def trial_of(user: bool) -> Trial:
    if user not in _trials:
        path, program, shim = _place
        path.mkdir(exist_ok=True)
        _trials[user] = Trial(path / ("user" if user else "root"), program, shim, user)
    return _trials[user]


def _work(number: int) -> Report:
    case = draw(number, _seed, _stage)
    try:
        return try_case(case, _stage, trial_of(case.user))
    except Problem as problem:
        return Report(str(case), number, False, "-", [f"it could not be examined: {problem}"])


def _count(index: int) -> tuple[str, dict[str, int]]:
    scene = scenes.SCENES[index]
    return scene.name, counts(_stage, trial_of(False), scene)


def _finish(_: int) -> None:
    for trial in _trials.values():
        trial.end()
    _trials.clear()


class Campaign:
    def __init__(self, stage: Stage, program: Path, shim: Path, seed: int, jobs: int) -> None:
        self.stage, self.program, self.shim, self.seed, self.jobs = stage, program, shim, seed, jobs

    def run(self, numbers: list[int], show) -> list[Report]:
        """Runs the cases, and returns the reports of those that have problems."""
        arguments = (self.stage, self.program, self.shim, self.seed)
        with self._pool(arguments) as pool:
            self.stage.counts = dict(pool.map(_count, range(len(scenes.SCENES)), chunksize=1))
            self._end(pool)
        bad, endings, fired = [], Counter(), 0
        with self._pool((self.stage, *arguments[1:])) as pool:
            for report in pool.imap_unordered(_work, numbers, chunksize=1):
                fired += report.fired
                endings[report.ending] += 1
                if report.problems:
                    bad.append(report)
                show(report, sum(endings.values()), fired)
            self._end(pool)
        self.fired, self.endings = fired, endings
        return bad

    def _pool(self, arguments: tuple):
        return multiprocessing.get_context("fork").Pool(self.jobs, _begin, arguments)

    def _end(self, pool) -> None:
        """Each worker gives back its loop devices."""
        for result in [pool.apply_async(_finish_slowly, (number,)) for number in range(self.jobs * 4)]:
            result.get()


def _finish_slowly(number: int) -> None:
    # Slow enough that each worker gets one of them.
    _finish(number)
    time.sleep(0.1)
