"""What goes wrong: rules for the shim, drawn at random."""

import random
from collections.abc import Mapping

from sample import CARD, MIB

ERRORS = ["EIO", "EIO", "EIO", "ENOSPC", "ENXIO", "ENODEV", "ENOMEDIUM", "EROFS", "EAGAIN", "ENOMEM", "EREMOTEIO",
          "ETIMEDOUT", "EILSEQ", "EPERM", "EBUSY", "EINVAL"]
# SIGINT, SIGTERM, SIGHUP; SIGPIPE, SIGTSTP and SIGSTOP must change nothing.
STOPS = (2, 15, 1)
HARMLESS_SIGNALS = (13, 20, 19)
GONE = (6, 5, 19, 123)

# What a device or a file is asked for, by how often a fault in it is worth trying.
DEVICE = ["pwrite"] * 6 + ["pread"] * 4 + ["fsync"] * 3 + ["flush"] * 2 + ["rrpart", "size", "open"] + ["any"] * 3 + ["call"] * 4
DEVICE += ["wrap", "beyond"]
NEW_FILE = ["pwrite"] * 4 + ["pread"] * 3 + ["fsync"] * 3 + ["open", "rename", "truncate", "punch"] * 2 + ["any"] * 2 + ["call"] * 3
FILES = ["write"] * 3 + ["pwrite"] * 2 + ["read"] * 2 + ["pread"] * 2 + ["fsync"] * 3 + ["open"] * 2
FILES += ["rename", "link", "unlink", "truncate", "mkdir"] + ["any"] * 3 + ["call"] * 3
SOURCE = ["read"] * 4 + ["pread"] * 4 + ["open"] + ["any"] * 2 + ["call"] * 2


def _number(chance: random.Random, most: int) -> int:
    return chance.randrange(most)


def _when(chance: random.Random, count: int) -> str:
    """The number of a call; the last ones, where a card is finished, more often."""
    place = chance.randint(1, max(1, count))
    if chance.random() < 0.25:
        place = max(1, count - chance.randrange(4))
    return f"{place}{chance.choice(('', '', '+'))}"


def _transfer(chance: random.Random, writes: bool) -> str:
    lengths = [0, 1, 512, 513, 4096, 512 * chance.randrange(1, 4000)]
    actions = [*ERRORS, "EINTR", *(f"short,{length}" for length in lengths), f"flip,{_number(chance, 1 << 24)}", "drop",
               "zero", *(f"gone,{error}" for error in GONE), *(f"sig,{number}" for number in (*STOPS, *HARMLESS_SIGNALS)),
               "kill", "kill"]
    actions += [f"torn,{length}" for length in lengths] + ["drop"] if writes else ["stale"]
    return chance.choice(actions)


def _action(chance: random.Random, op: str, changes: bool) -> str:
    signals = [f"{how},{number}" for number in STOPS for how in ("sig", "twice")]
    errors = chance.choice(ERRORS)
    if op in ("pwrite", "write"):
        return _transfer(chance, True)
    if op in ("pread", "read"):
        return "change" if changes and chance.random() < 0.2 else _transfer(chance, False)
    if op in ("fsync", "flush"):
        return chance.choice([errors, errors, "EINTR", "EOPNOTSUPP", "ENOTTY", "lie", "kill", *signals, "gone,6", "gone,5"])
    if op == "rrpart":
        return chance.choice(["EBUSY", "EIO", "EINVAL", "EPERM", "EACCES", "ENXIO", "kill", "gone,6", "sig,2"])
    if op == "size":
        return chance.choice(["EIO", "gone,6", "ENXIO", "kill"])
    if op == "open":
        return chance.choice(["EBUSY", "EACCES", "EROFS", "ENOMEDIUM", "EIO", "ENOENT", "EMFILE", "ENOSPC", "gone,6"])
    if op == "call":
        return chance.choice([*signals, *signals, "kill", *(f"sig,{number}" for number in HARMLESS_SIGNALS)])
    if op == "any":
        return chance.choice(["kill", "kill", "gone,6", "gone,5", "EIO", "ENOMEM", "ENOSPC", *signals, "sig,13", "sig,19"])
    if op in ("truncate", "punch"):
        return chance.choice(["EIO", "ENOSPC", "EFBIG", "EDQUOT", "EOPNOTSUPP", "EINTR", "kill"])
    return chance.choice(["EIO", "ENOSPC", "EACCES", "EROFS", "EBUSY", "EPERM", "kill"])


def _rule(chance: random.Random, ops: list[str], counts: Mapping[str, int], changes: bool) -> str:
    op = chance.choice(ops)
    if op == "wrap":
        size = chance.choice([MIB, 2 * MIB, 4 * MIB, 8 * MIB, 12 * MIB, CARD - 4096, CARD - 512,
                              512 * chance.randrange(1, CARD // 512), MIB * chance.randrange(1, CARD // MIB)])
        return f"pwrite,0,wrap,{size}"
    if op == "beyond":
        place = MIB * chance.randrange(1, CARD // MIB)
        return f"pwrite,>{place},{chance.choice(('drop', 'zero', 'flip,12345'))}"
    action = _action(chance, op, changes)
    if op in ("pwrite", "pread", "read", "write") and chance.random() < 0.1 and not action.startswith(("sig", "kill")):
        return f"{op},%{chance.choice((5, 50, 200, 500))},{action}"
    when = _when(chance, counts.get(op, 1))
    if action.startswith(("sig", "twice")):
        # A storm of SIGINT is a second request to stop; one of others must change nothing.
        when = when.rstrip("+") if chance.random() < 0.7 or op == "call" else when
    return f"{op},{when},{action}"


def draw(chance: random.Random, ops: list[str], counts: Mapping[str, int], changes: bool = False) -> str:
    """The rules of one run. One in eight has two."""
    rules = [_rule(chance, ops, counts, changes)]
    if chance.random() < 0.12:
        rules.append(_rule(chance, ops, counts, changes))
    return ";".join(rules)


def signals(rules: str) -> set[int]:
    """The signals that the rules send."""
    found = set()
    for rule in rules.split(";"):
        parts = rule.split(",")
        if len(parts) > 3 and parts[2] in ("sig", "twice"):
            found.add(int(parts[3]))
    return found


def kills(rules: str) -> bool:
    return any(rule.split(",")[2] in ("kill", "torn") for rule in rules.split(";") if rule)
