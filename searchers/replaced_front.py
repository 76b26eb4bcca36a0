"""Says before a search when it takes the place of a front of another question in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from ..bench.documents import Line, read_json, typed
from ..bench.errors import BigLittleError
from ..bench.figures import get_figure
from .front_document import Cost, FrontConfig
from .settings import SearchSettings

_OF_SOURCES = {"device": "device", "table": "table", "evaluator": "evaluator"}


class _Asked(FrontConfig, kw_only=True):
    """A config that says what was asked."""

    objectives: list[Line]
    limits: dict[Line, Cost]


class _Front(Struct):
    config: _Asked


def replaced_front(
    folder: Path, sources: Mapping[str, Any], settings: SearchSettings
) -> tuple[str, ...]:
    """One sentence on the front in ``folder`` where it is of another or a longer search.

    Another budget, seed or searcher is the same question.

    Args:
        folder: where the search is to write its front.
        sources: the sources of the search, as in its config.
        settings: its objectives and limits.
    """
    try:
        document = read_json(folder / "front.json", dict[str, Any])
        typed(document, _Front)
        config = document["config"]
        before = _question(config.get("sources") or config, config)
    except (OSError, BigLittleError, ValueError):
        return ()  # there is none, or none that a search wrote
    now = _question(sources, vars(settings))
    differences = [
        f"{name} {before[name]}, not {now[name]}" for name in now if before[name] != now[name]
    ]
    spent = config.get("budget")
    if not differences and isinstance(spent, int) and spent > settings.budget:
        return (
            f"{folder} holds a front of {spent:,} evaluations, which this search of "
            f"{settings.budget:,} replaces. To keep both, stop it and name another folder with "
            "--out.",
        )
    if not differences:
        return ()
    return (
        f"{folder} holds the front of another question ({'; '.join(differences)}), which this "
        "search replaces. To keep both, stop it and name another folder with --out.",
    )


def _question(sources: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str]:
    question = {name: str(sources.get(key, "unknown")) for name, key in _OF_SOURCES.items()}
    files = dict(sources.get("device_files") or {})
    if files:
        question["device"] = " and ".join(map(str, files.values()))
    if file := sources.get("table_file"):
        question["table"] = str(file)
    question["objectives"] = ", ".join(options["objectives"])
    limits = [f"{get_figure(n).limit} {v:g}" for n, v in sorted(dict(options["limits"]).items())]
    question["limits"] = ", ".join(limits) or "none"
    question["score"] = str(options.get("soft") or "none")
    return question
