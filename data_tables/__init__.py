"""Data that ships: benchmark tables, device profiles, and the scripts that made them."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

from ..bench.errors import UnknownNameError


def buildable_tables() -> tuple[str, ...]:
    """Names of the tables whose build script ships, sorted."""
    scripts = Path(__file__).parent.glob("*/build.py")
    return tuple(sorted(script.parent.name.replace("_", "-") for script in scripts))


def table_module(name: str, module: str) -> ModuleType:
    """A module of the scripts of a table, for example its ``build``; imported here.

    Raises:
        UnknownNameError: no such table is built by this package.
        MissingExtraError: the extra ``train`` is not installed.
    """
    if name not in buildable_tables():
        raise UnknownNameError("table with a build script", name, buildable_tables())
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}.{module}")
