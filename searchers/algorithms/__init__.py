"""Search algorithms, one file each; ``get_searcher("nsga2")`` gives one by name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ...bench.registry import Registry
from ..search import Searcher

SEARCHERS = Registry("searcher", __name__, Path(__file__).parent, "SEARCHER")


def get_searcher(name: str) -> Searcher:
    """The searcher called ``name``.

    Raises:
        UnknownNameError: no such searcher; the message names the nearest one.
    """
    return cast(Searcher, SEARCHERS.load(name))


__all__ = ["SEARCHERS", "get_searcher"]
