"""Which exits a table holds: the choice as it is kept in ``working/exits.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from ...bench.documents import read_json
from ...bench.errors import TableError
from ...bench.files import replacing, why_unreadable

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


class _Choice(Struct):
    origin: str
    networks: list[str]


def chosen_exits(working: Path, origin: str) -> frozenset[str]:
    """The choice that was made for these supernet weights; empty where there is none.

    Raises:
        TableError: the file cannot be read, or is not one of networks.
    """
    path = working / FILE
    if not path.exists():
        return frozenset()
    try:
        document = read_json(path, _Choice)
    except (OSError, ValueError) as error:
        why = why_unreadable(error, f"{error}. Delete it to choose anew.")
        raise TableError(f"{path} cannot be read as a choice of networks: {why}") from error
    return frozenset(document.networks if document.origin == origin else ())
