"""A rack to play with: its power switches, and commands on its nodes, from standard input."""

import os
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

from namespaces import ControlGroups
from node import Node
from outside import Problem
from rack import Rack
from workplace import Workplace

HELP = """\
on NAME       power on; "all" for all nodes
off NAME      orderly power-off
cut NAME      power cut, then e2fsck
in NAME CMD   run a command on the node, as root
status        status.txt of all nodes, and seconds since power-on
console NAME  the end of this boot's console
quit"""


def play(piflash: Path, flavours: list[str], place: Workplace, groups: ControlGroups) -> None:
    """Until standard input ends. The nodes are off at first."""
    rack = Rack(piflash, flavours, place, groups)
    nodes = {member.node.name: member.node for member in rack.members}
    print(f"nodes: {' '.join(nodes)}; everything is in {place.path}\n{HELP}")
    try:
        for line in _lines(nodes):
            if line.split() == ["quit"]:
                return
            try:
                _obey(line.split(maxsplit=2), nodes)
            except Problem as problem:
                print(problem)
    finally:
        rack.remove()


def _lines(nodes: dict[str, Node]) -> Iterator[str]:
    """The lines of standard input. A node that reboots is switched on again, also while nobody types."""
    text = ""
    while True:
        print("> ", end="", flush=True)
        while "\n" not in text:
            if select.select([0], [], [], 0.2)[0]:
                read = os.read(0, 4096).decode(errors="replace")
                if not read:
                    return
                text += read
            for node in nodes.values():
                node.tend()
        line, text = text.split("\n", 1)
        yield line


def _obey(words: list[str], nodes: dict[str, Node]) -> None:
    match words:
        case []:
            pass
        case ["status"]:
            for node in nodes.values():
                on = f"{node.uptime():.0f} s" if node.tend() else "off"
                print(f"{node.name} ({on}): {node.progress()}")
        case ["on" | "off" | "cut" as command, "all"]:
            for name in nodes:
                _obey([command, name], nodes)
        case ["on", name] if name in nodes:
            if not nodes[name].tend():
                nodes[name].on()
        case ["off", name] if name in nodes:
            nodes[name].off()
        case ["cut", name] if name in nodes:
            nodes[name].cut()
            for problem in nodes[name].check_file_systems():
                print(problem)
        case ["in", name, command] if name in nodes:
            subprocess.run(nodes[name].inside("sh", "-c", command), stdin=subprocess.DEVNULL, timeout=600)
        case ["console", name] if name in nodes:
            print(nodes[name].console()[-4000:])
        case _:
            print(f"{HELP}\nnodes: {' '.join(nodes)}")
