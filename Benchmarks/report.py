"""From single runs to medians, ratios, targets, a table and JSON (docs/performance.md has the JSON's fields)."""

import json
from dataclasses import asdict, dataclass
from statistics import median

HOLDS = "piflash, card holds the image"


@dataclass
class Run:
    series: str  # unthrottled, throttled
    program: str
    source: str
    verifies: bool
    is_piflash: bool
    round: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    phases: dict[str, float]  # piflash only: seconds of each


@dataclass
class Row:
    """All rounds of one contestant."""

    series: str
    program: str
    source: str
    verifies: bool
    is_piflash: bool
    seconds: float  # the median, like the next two
    cpu_seconds: float
    peak_bytes: int
    fastest: float
    slowest: float
    to_limit: float | None = None  # seconds / the limit of the series
    times_faster: float | None = None  # piflash only: the fastest verifying peer's seconds / these


@dataclass
class Target:
    name: str
    relation: str  # "at most" or "at least"; "" if it is only reported
    goal: float | None
    measured: float
    unit: str
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.measured <= self.goal if self.relation == "at most" else self.measured >= self.goal

    def line(self) -> str:
        verdict = {None: "reported", True: "met", False: "not met"}[self.is_met]
        goal = f"{self.relation} {self.goal:g}{self.unit}" if self.goal is not None else "none"
        note = f" ({self.note})" if self.note else ""
        return f"{self.name}: target {goal}, measured {self.measured:.2f}{self.unit}{note}: {verdict}"


def rows(runs: list[Run], limits: dict[str, float], reading: dict[str, float]) -> list[Row]:
    """`limits`: seconds of writing and reading the used bytes; `reading`: of reading only."""
    groups: dict[tuple, list[Run]] = {}
    for run in runs:
        groups.setdefault((run.series, run.program, run.source), []).append(run)
    found = []
    for group in groups.values():
        first, seconds = group[0], [run.seconds for run in group]
        limit = (reading if first.program == HOLDS else limits).get(first.series)
        found.append(Row(
            first.series, first.program, first.source, first.verifies, first.is_piflash, median(seconds),
            median(run.cpu_seconds for run in group), round(median(run.peak_bytes for run in group)), min(seconds),
            max(seconds), median(seconds) / limit if limit else None))
    for row in found:
        peer = fastest_peer(found, row.series, row.source)
        if row.is_piflash and peer:
            row.times_faster = peer.seconds / row.seconds
    return found


def fastest_peer(found: list[Row], series: str, source: str) -> Row | None:
    """The fastest that verifies and gets the same file; for a cached image, any packed file."""
    fitting = [row for row in found if row.series == series and row.verifies and not row.is_piflash
               and (row.source == source or source == "cache" and row.source not in ("image", "used bytes"))]
    return min(fitting, key=lambda row: row.seconds, default=None)


def card_targets(found: list[Row], runs: list[Run]) -> list[Target]:
    """The targets for one card."""
    def row(series: str, source: str, program: str = "piflash") -> Row | None:
        return next((r for r in found if (r.series, r.program, r.source) == (series, program, source)), None)

    targets = []

    def add(name: str, relation: str, goal: float | None, value: float | None, unit: str, note: str = "") -> None:
        if value is not None:
            targets.append(Target(name, relation, goal, value, unit, note))

    for source, goal, name in (("cache", 1.03, "cached image"), ("zip", 1.08, "first run from zip"),
                               ("xz, one block", None, "first run from xz of one block")):
        if one := row("throttled", source):
            add(f"throttled, {name}, × limit", "at most", goal, one.to_limit, "")
    if one := row("throttled", "cache", HOLDS):
        add("throttled, card holds the image, × reading", "at most", 1.05, one.to_limit, "")
    for source, goal in (("zip", 2), ("xz, many blocks", 2), ("cache", 4)):
        one, peer = row("unthrottled", source), fastest_peer(found, "unthrottled", source)
        if one and peer:
            add(f"unthrottled, from {source}, × faster than the fastest peer that verifies", "at least", goal,
                one.times_faster, "", f"{peer.program}, {peer.source}")
    first, further = row("unthrottled", "zip"), row("unthrottled", "cache")
    if first and further:
        add("CPU seconds of a further card / of the first", "at most", 0.25,
            further.cpu_seconds / first.cpu_seconds, "")
    most = max((run for run in runs if run.is_piflash), key=lambda run: run.peak_bytes, default=None)
    if most:
        add("peak memory, one card", "at most", 96, most.peak_bytes / 2**20, " MiB", f"the most: from {most.source}")
    return targets


def machine_line(results: dict) -> str:
    machine, image = results["machine"], results["image"]
    size, in_use = image["bytes"] / 2**20, image["used_bytes"] / 2**20
    return (f"{results['started'][:10]}, {results['piflash']}: {machine['cpu']}, {machine['cores']} cores, Linux "
            f"{machine['kernel']}, load {machine['load_before']:.1f} before and {machine['load_after']:.1f} after. "
            f"Image of {size:.0f} MiB, {in_use:.0f} MiB of them in use; "
            f"rounds: {results['rounds']} unthrottled, {results['throttled_rounds']} throttled.")


def markdown(results: dict, found: list[Row], targets: list[Target]) -> str:
    """The tables as docs/performance.md has them."""
    out = [machine_line(results), ""]
    titles = {"unthrottled": "Unthrottled: {limit:.2f} s is what dd takes to write and read the used bytes.",
              "throttled": "Throttled like a card, {write} MB/s written, {read} MB/s read: {limit:.1f} s is the limit."}
    for series, title in titles.items():
        mine = [row for row in found if row.series == series]
        if not mine:
            continue
        write, read = (rate // 10**6 for rate in results["rates"])
        out += [title.format(limit=results["limits"][series], write=write, read=read), ""]
        out.append("| program | from | verifies | seconds (least to most) | × limit | CPU s | peak MiB | × faster |")
        out.append("|---|---|---|---|---|---|---|---|")
        for row in sorted(mine, key=lambda row: (not row.is_piflash, row.seconds)):
            limit = f"{row.to_limit:.2f}" if row.to_limit else ""
            faster = f"{row.times_faster:.2f}" if row.times_faster else ""
            out.append(
                f"| {row.program.replace('|', '&#124;')} | {row.source} | {'yes' if row.verifies else 'no'} "
                f"| {row.seconds:.2f} ({row.fastest:.2f} to {row.slowest:.2f}) | {limit} | {row.cpu_seconds:.2f} "
                f"| {row.peak_bytes / 2**20:.0f} | {faster} |")
        out.append("")
    out += ["| target | asked | measured | |", "|---|---|---|---|"]
    for target in targets:
        goal = f"{target.relation} {target.goal:g}{target.unit}" if target.goal is not None else ""
        note = f" ({target.note.replace('|', '&#124;')})" if target.note else ""
        verdict = {None: "reported", True: "met", False: "**not met**"}[target.is_met]
        out.append(f"| {target.name} | {goal} | {target.measured:.2f}{target.unit}{note} | {verdict} |")
    return "\n".join(out) + "\n"


def text(table: str) -> str:
    """A Markdown table with its columns padded, for a terminal."""
    out, block = [], []
    for line in [*table.splitlines(), ""]:
        if line.startswith("|"):
            cells = line.strip("|").split("|")
            if not set(line) <= set("|-"):
                block.append([cell.strip().replace("&#124;", "|").replace("**", "") for cell in cells])
            continue
        widths = [max(map(len, column)) for column in zip(*block)]
        out += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in block]
        out.append(line)
        block = []
    return "\n".join(out)


def as_json(results: dict, found: list[Row], targets: list[Target], runs: list[Run]) -> str:
    told = dict(results)
    told["summary"] = [asdict(row) for row in found]
    told["targets"] = [asdict(target) | {"met": target.is_met} for target in targets]
    told["runs"] = [asdict(run) for run in runs]
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def update(document: str, table: str) -> str:
    """`document` with `table` between the two markers."""
    begin, end = "<!-- make bench: begin -->\n", "<!-- make bench: end -->\n"
    if document.count(begin) != 1 or document.count(end) != 1:
        raise ValueError("the document does not have the markers of make bench once each")
    before, rest = document.split(begin)
    after = rest.split(end)[1]
    return before + begin + "\n" + table + "\n" + end + after
