"""The ledger of a rack, read as docs/batch.md describes it."""

import hashlib
import json
from pathlib import Path


def read(path: Path) -> list[dict]:
    """The entries; a damaged one has the result "damaged". An incomplete last line does not count."""
    if not path.exists():
        return []
    entries = []
    for line in path.read_bytes().split(b"\n")[:-1]:
        head, middle = b'{"sum":"', b'","entry":'
        total, body = line[len(head):len(head) + 16], line[len(head) + 16 + len(middle):-1]
        if line.startswith(head) and hashlib.sha256(body).hexdigest()[:16].encode() == total:
            entries.append(json.loads(body))
        else:
            entries.append({"result": "damaged", "node": "", "line": line.decode(errors="replace")})
    return entries


def last(path: Path, node: str) -> str | None:
    """The result of the last entry of a node."""
    return next((entry["result"] for entry in reversed(read(path)) if entry["node"] == node), None)
