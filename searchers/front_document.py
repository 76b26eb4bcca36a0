"""What a front's JSON has to hold, and what it lacks in words."""

from __future__ import annotations

from typing import Any

from ..bench.figures import POINT_FIGURES
from ..bench.rows import COUPLINGS

NAMED = ("little", "big", "gate")
COUPLING = "coupling"  # of a pair; earlier versions did not write it, and single networks have none
LATER = ("latency_worst_ms", "params")  # figures that earlier versions did not write


def front_records(document: Any) -> list[dict[str, Any]]:
    """Records of a front's document.

    Raises:
        ValueError: it has none; the first thing that it lacks is named.
    """
    if not isinstance(document, dict):
        raise ValueError(f"it holds {_json_kind(document)}, expected an object with 'front' in it")
    for name, kind in (("front", list), ("config", dict)):
        if name not in document:
            raise ValueError(f"it has no {name!r}")
        if not isinstance(document[name], kind):
            raise ValueError(f"its {name!r} holds {_json_kind(document[name])}")
    records: list[dict[str, Any]] = document["front"]
    wanted = [*NAMED, "threshold", "provenance", *(n for n in POINT_FIGURES if n not in LATER)]
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise ValueError(f"point {number} of it is {_json_kind(record)}, expected an object")
        if missing := [name for name in wanted if name not in record]:
            raise ValueError(f"point {number} of it has no {missing[0]!r}")
        if record.get(COUPLING) not in (None, "", *COUPLINGS):
            raise ValueError(
                f"point {number} of it has {COUPLING} {str(record[COUPLING])[:40]!r}, expected one "
                f"of {', '.join(COUPLINGS)}"
            )
    return records


def _json_kind(value: Any) -> str:
    """What a value is called in JSON, with its article."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a truth value"}
    return "nothing" if value is None else kinds.get(type(value), "a number")


def reason(error: Exception) -> str:
    """What is wrong with a file, in words and not in the names of Python's errors."""
    if isinstance(error, KeyError):
        return f"it has no {error.args[0]!r}"
    if isinstance(error, TypeError | AttributeError):
        return f"a value in it is of another kind than expected ({error})"
    return str(error)
