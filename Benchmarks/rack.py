"""Many cards: eight readers against one, the plan of a large rack, the overlays of many nodes."""

import json
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import check
from cards import Card, Throttle
from contestants import KEY, Piflash
from inputs import Inputs
from process import Measured, run

RACK = """\
image: {{ source: {source} }}
nodes: "n[{first}-{last}]"
addresses: 10.0.0.1/16
user:
  name: pirate
  ssh_authorized_keys: [ssh-ed25519 {key} bench]
"""


@dataclass
class Readers:
    """One round: the same image to one card, and to all."""

    one: Measured
    many: Measured
    count: int


class Rack:
    """Cards that stay attached for all rounds, in readers as slow as `rates` (bytes a second: write, read; or none)."""

    def __init__(self, piflash: Piflash, throttle: Throttle, readers: int, rates: tuple[int, int]) -> None:
        self.piflash, self.rates, self.stack = piflash, rates, ExitStack()
        self.inputs: Inputs = piflash.inputs
        self.cards: list[Card] = []
        with ExitStack() as stack:
            for number in range(readers):
                card = Card(piflash.work / f"rack-{number}.card", self.inputs.size + (16 << 20), throttle)
                stack.callback(card.close)
                self.cards.append(card)
            self.stack = stack.pop_all()

    def close(self) -> None:
        self.stack.close()

    def round(self) -> Readers:
        self.piflash.fill_cache(self.inputs.zip)
        return Readers(self._write(self.cards[:1]), self._write(self.cards), len(self.cards))

    def _write(self, cards: list[Card]) -> Measured:
        home = self.piflash.work / "rack"
        shutil.rmtree(home, ignore_errors=True)
        recipe = rack(home, self.inputs.zip, len(self.cards))
        for card in cards:
            card.fill()
            card.limit(*self.rates)
        try:
            measured = run(
                [self.piflash.program, "batch", recipe, "--yes", "--json",
                 *(word for card in cards for word in ("--device", card.device))],
                environment=self.piflash.environment)
        finally:
            for card in cards:
                card.limit(0, 0)
        for number, card in enumerate(cards, 1):
            rendered = home / f"rendered-{number}"
            run([self.piflash.program, "render", "--recipe", recipe, "--node", name(number, len(self.cards)),
                 "--into", rendered], environment=self.piflash.environment)
            check.configured(card, self.inputs, rendered)
        return measured


def rack(home: Path, source: Path, nodes: int) -> Path:
    home.mkdir(parents=True)
    path = home / "rack.yaml"
    path.write_text(RACK.format(source=source, key=KEY, first=name(1, nodes)[1:], last=name(nodes, nodes)[1:]))
    return path


def name(number: int, nodes: int) -> str:
    return f"n{number:0{len(str(nodes))}}"


def plan(piflash: Piflash, nodes: int) -> Measured:
    """`piflash plan` of a rack whose image is in the cache."""
    with tempfile.TemporaryDirectory(dir=piflash.work) as home:
        recipe = rack(Path(home) / "rack", piflash.inputs.zip, nodes)
        piflash.fill_cache(piflash.inputs.zip)
        measured = run([piflash.program, "plan", "--json", recipe], environment=piflash.environment)
    told = json.loads("\n".join(line for _, line in measured.lines))
    if len(told) != nodes or any(card["state"] != "pending" for card in told):
        raise check.Wrong(f"piflash plan does not report {nodes} pending nodes")
    return measured


def overlays(piflash: Piflash, nodes: int) -> float:
    """Seconds from the start of `batch` until it begins its first card. By then validation has made each card's overlay
    (and thrown it away again). The run is stopped there."""
    # piflash treats every path below /dev as a device, also a file in /dev/shm.
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="piflash-bench-") as home:
        recipe = rack(Path(home) / "rack", piflash.inputs.zip, nodes)
        piflash.fill_cache(piflash.inputs.zip)
        started = '"event":"card-started"'
        measured = run(
            [piflash.program, "batch", recipe, "--yes", "--json",
             *(word for n in range(1, nodes + 1) for word in ("--device", Path(home) / f"{name(n, nodes)}.img"))],
            environment=piflash.environment, stop=lambda line: started in line)
    begun = [at for at, line in measured.lines if started in line]
    if not begun:
        raise check.Wrong("piflash batch began no card")
    return begun[0]
