"""Data that ships: benchmark tables, device profiles, and the scripts that made them."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from ..bench.errors import UnknownNameError


def buildable_tables() -> tuple[str, ...]:
    """Names of the tables whose recipe ships, sorted."""
    schedules = Path(__file__).parent.glob("*/supernet.toml")
    return tuple(sorted(schedule.parent.name.replace("_", "-") for schedule in schedules))


def table_module(name: str, module: str) -> ModuleType:
    """A module that builds a table, for example ``stages``; imported here.

    Raises:
        UnknownNameError: no such table is built by this package.
        MissingExtraError: the extra ``train`` is not installed.
    """
    if name not in buildable_tables():
        raise UnknownNameError("table with a build script", name, buildable_tables())
    return importlib.import_module(f"{__name__}.building.{module}")
