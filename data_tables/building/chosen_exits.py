"""Which exits a table holds: the choice as it is kept in ``working/exits.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ...bench.files import replacing

FILE = "exits.json"


def write_chosen_exits(working: Path, names: Iterable[str], origin: str) -> None:
    """Keeps the choice, whole or not at all.

    Args:
        working: folder that the build works in.
        names: names of the networks, ``ARCHITECTURE@EXIT``.
        origin: SHA-256 of the supernet whose weights they have.
    """
    working.mkdir(parents=True, exist_ok=True)
    with replacing(working / FILE) as partial:
        document = {"origin": origin, "networks": sorted(names)}
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def chosen_exits(working: Path, origin: str) -> frozenset[str]:
    """The choice that was made for these supernet weights; empty where there is none."""
    path = working / FILE
    if not path.exists():
        return frozenset()
    document = json.loads(path.read_text(encoding="utf-8"))
    return frozenset(document["networks"] if document["origin"] == origin else ())
