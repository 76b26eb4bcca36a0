"""What a name or a path of a table stands for."""

from __future__ import annotations

from pathlib import Path

import pytest

from biglittle.bench import shipped_tables as tables
from biglittle.bench.errors import TableError, UnknownNameError
from biglittle.bench.shipped_tables import find_table, shipped_tables


def test_a_name_or_a_path_is_a_table(tmp_path: Path) -> None:
    assert find_table("fbnet-cifar10") == shipped_tables()["fbnet-cifar10"]
    own = tmp_path / "mine.h5"
    own.touch()
    assert find_table(own) == own


def test_what_is_neither_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="fbnet-cifar10"):
        find_table("fbnet-cifar")
    with pytest.raises(TableError, match=r"give the path of a \.h5 file"):
        find_table(tmp_path / "absent.h5")


def test_a_recipe_whose_table_is_not_built_says_how_to_build_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "SHIPPED", tmp_path)
    folder = tmp_path / "fbnet_mine"
    folder.mkdir()
    (folder / "recipe.py").touch()
    with pytest.raises(UnknownNameError):  # a recipe without the schedule of a training is none
        find_table("fbnet-mine")
    (folder / "supernet.toml").touch()
    with pytest.raises(TableError, match="not built yet; build it: biglittle table build fbnet-m"):
        find_table("fbnet-mine")
    (folder / "table.h5").touch()
    assert find_table("fbnet-mine") == folder / "table.h5"
