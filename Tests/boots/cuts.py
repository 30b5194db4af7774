"""Power cuts: when they are made, and what became of the node."""

import random
from collections import Counter
from dataclasses import dataclass, field

from moments import Moment


@dataclass(frozen=True)
class Cut:
    flavour: str
    number: int
    moment: Moment | float
    """What must have come, or seconds after power-on."""
    again: tuple[float, ...] = ()
    """Further cuts: seconds after each of the following power-ons."""

    @property
    def name(self) -> str:
        first = self.moment.name if isinstance(self.moment, Moment) else f"{self.moment:.2f} s"
        return " + ".join([first, *(f"{seconds:.2f} s" for seconds in self.again)])

    @property
    def kind(self) -> str:
        return "named" if isinstance(self.moment, Moment) else "random"


@dataclass
class Outcome:
    cut: Cut
    at: float = 0
    """Seconds from power-on to the first cut."""
    step: str = ""
    """What the first-boot program was doing then."""
    repaired: str = ""
    """What it says it has repaired."""
    done: float | None = None
    """Seconds from the last power-on to done."""
    problems: list[str] = field(default_factory=list)
    file_system: list[str] = field(default_factory=list)
    """What e2fsck -p could not repair."""

    def row(self) -> str:
        result = "; ".join(self.problems) or "ok"
        columns = [self.cut.flavour, str(self.cut.number), self.cut.kind, self.cut.name, f"{self.at:.2f}", self.step]
        columns += ["" if self.done is None else f"{self.done:.1f}", self.repaired, "; ".join(self.file_system), result]
        return "\t".join(" ".join(column.split()) for column in columns)


HEADER = "flavour\tnumber\tkind\tmoment\tcut at (s)\tstep\tdone after (s)\trepaired\te2fsck -p\toutcome"


@dataclass(frozen=True)
class Options:
    flavours: list[str]
    random: int
    named: bool
    seed: int
    jobs: int
    again: int


def plan(flavour: str, moments: list[Moment], done: float, options: Options) -> list[Cut]:
    """The cuts of one flavour: the same ones for the same seed, as parts of the time that its first boot takes."""
    dice = random.Random(f"{options.seed} {flavour}")
    wanted: list[Moment | float] = [*moments] if options.named else []
    # A little after done as well: what is not on the card yet could be lost.
    wanted += [dice.uniform(0, 1.1) * done for _ in range(options.random)]
    cuts = []
    for number, moment in enumerate(wanted, 1):
        again = tuple(dice.uniform(0, 1.1) * done for _ in range(options.again - 1))
        cuts.append(Cut(flavour, number, moment, again))
    return cuts


def summarize(outcomes: list[Outcome]) -> None:
    """Prints one line for each flavour, and the kinds of problems."""
    columns = f"{'cuts':>5} {'named':>6} {'ok':>5} {'lost':>5} {'repaired':>9} {'e2fsck':>7}"
    print(f"\n{'flavour':<12} {columns} {'done s (median, most)':>22}")
    for flavour in dict.fromkeys(outcome.cut.flavour for outcome in outcomes):
        mine = [outcome for outcome in outcomes if outcome.cut.flavour == flavour]
        times = sorted(outcome.done for outcome in mine if outcome.done is not None)
        took = f"{times[len(times) // 2]:.1f}, {times[-1]:.1f}" if times else "-"
        lost = sum(bool(outcome.problems) for outcome in mine)
        counts = (
            f"{len(mine):>5} {sum(outcome.cut.kind == 'named' for outcome in mine):>6} "
            f"{len(mine) - lost:>5} {lost:>5} "
            f"{sum(bool(outcome.repaired) for outcome in mine):>9} "
            f"{sum(bool(outcome.file_system) for outcome in mine):>7}")
        print(f"{flavour:<12} {counts} {took:>22}")
    kinds = Counter(problem.split(":")[0] for outcome in outcomes for problem in outcome.problems)
    for kind, number in kinds.most_common():
        print(f"  {number:>4} × {kind}")
