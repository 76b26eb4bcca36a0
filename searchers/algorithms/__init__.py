"""Search algorithms, one file each; ``get_searcher("nsga2")`` gives one by name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ...bench.errors import BigLittleError, UnknownNameError
from ...bench.registry import Registry, instance_of
from ..search import Searcher

#: Searches that need weights, and that not every evaluator can be handed to.
COMMANDS = ("darts", "ofa")
SEARCHERS = Registry(
    "searcher",
    __name__,
    Path(__file__).parent,
    "SEARCHER",
    "biglittle.searchers",
    instance_of(Searcher),
)


def checked_name(name: str) -> None:
    """Refuses a name that no searcher has, before anything is loaded.

    Raises:
        UnknownNameError: names the nearest one.
    """
    names = (*SEARCHERS.names(), *COMMANDS)
    if name.replace("-", "_") not in names:
        raise UnknownNameError("searcher", name, names)


def get_searcher(name: str) -> Searcher:
    """The searcher called ``name``.

    Raises:
        UnknownNameError: no such searcher; the message names the nearest one.
        BigLittleError: one that is a command of its own; the message names it.
    """
    if name in COMMANDS:
        raise BigLittleError(
            f"{name} searches in the weights of a supernet: biglittle search --searcher {name} "
            f"--on live, or biglittle {name} --help for all its settings. Searchers that can be "
            f"handed any evaluator: {', '.join(SEARCHERS.names())}."
        )
    return cast(Searcher, SEARCHERS.load(name))


__all__ = ["COMMANDS", "SEARCHERS", "checked_name", "get_searcher"]
