"""Data that ships: benchmark tables, device profiles, and what builds and judges them."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..bench.errors import UnknownNameError
from ..bench.shipped_tables import recipe_names

if TYPE_CHECKING:
    from .building.recipe import TableRecipe


def buildable_tables() -> tuple[str, ...]:
    """Names of the tables whose recipe ships, sorted."""
    return recipe_names()


def table_recipe(name: str, schedule: Path | None = None) -> TableRecipe:
    """What is true of one table alone, as ``building`` takes it.

    Args:
        name: name of the table.
        schedule: file of another schedule of the supernet; None: the one that ships.

    Raises:
        UnknownNameError: no recipe of such a table ships.
    """
    if name not in buildable_tables():
        raise UnknownNameError("table with a recipe", name, buildable_tables())
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}.recipe")
    recipe: TableRecipe = module.RECIPE
    if schedule is None:
        return recipe
    return replace(recipe, schedule_name=str(schedule.resolve()))
