"""Search algorithms, one file each; ``get_searcher("nsga2")`` gives one by name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ...bench.errors import BigLittleError
from ...bench.registry import Registry
from ..search import Searcher

#: Searches that train or need weights, and that no evaluator can be handed to.
COMMANDS = ("darts", "ofa")
SEARCHERS = Registry("searcher", __name__, Path(__file__).parent, "SEARCHER")


def get_searcher(name: str) -> Searcher:
    """The searcher called ``name``.

    Raises:
        UnknownNameError: no such searcher; the message names the nearest one.
        BigLittleError: one that is a command of its own; the message names it.
    """
    if name in COMMANDS:
        raise BigLittleError(
            f"{name} works with the weights of a supernet and is a command of its own: "
            f"python -m biglittle.searchers.{name} --help. Searchers that any evaluator can be "
            f"handed to: {', '.join(SEARCHERS.names())}."
        )
    return cast(Searcher, SEARCHERS.load(name))


__all__ = ["SEARCHERS", "get_searcher"]
