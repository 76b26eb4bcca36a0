"""A table is what its recipe says; what builds it names none."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, get_space, load_device
from biglittle.bench.datasets import get_dataset
from biglittle.bench.errors import UnknownNameError
from biglittle.cotrain.schedule import load_schedule
from biglittle.data_tables import buildable_tables, building, table_recipe
from biglittle.data_tables.building.design import describe, sequence

SPACE = get_space("fbnet")
CHOICES = ("k3_e1", "k3_e3", "skip")
BUILDING = sorted(Path(building.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("name", buildable_tables())
def test_a_recipe_agrees_with_its_table_and_its_files(name: str) -> None:
    recipe = table_recipe(name)
    assert recipe.name == name
    schedule = load_schedule(recipe.schedule)
    assert recipe.design.n_classes == get_dataset(schedule.dataset).n_classes
    assert all(path.is_file() for path in (recipe.weights, recipe.pairs, *recipe.trust.values()))
    table = Benchmark.load(name).table
    assert (table.space.name, table.dataset) == (schedule.space, schedule.dataset)


def test_a_table_without_a_recipe_is_not_built() -> None:
    with pytest.raises(UnknownNameError, match="fbnet-cifar10"):
        table_recipe("fbnet-cifar")
    assert "building" not in buildable_tables()


@pytest.mark.parametrize("path", BUILDING, ids=lambda path: path.stem)
def test_no_table_is_named_where_tables_are_built(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    texts = {c for c in constants if isinstance(c, str) and "\n" not in c}
    for word in ("fbnet", "cifar", "raspberry"):
        assert not [text for text in texts if word in text]


def test_a_design_of_another_device_and_without_an_earlier_one(tmp_path: Path) -> None:
    quotas = (8, 6, 4)
    design = dataclasses.replace(
        table_recipe("fbnet-cifar10").design,
        device="raspberry-pi-5",
        quotas=quotas,
        macs_cells=2,
        first_quotas=(),
        pool=300,
        front_seed=tmp_path / "none.json",
    )
    ids = sequence(design, SPACE, CHOICES)
    assert len(set(ids)) == len(ids) <= sum(quotas) + len(CHOICES)
    assert set(ids[:3]) == {str(d) * 22 for d in SPACE.allowed(CHOICES)}
    latency = load_device(design.device).latency_ms(SPACE, SPACE.parse(ids))
    assert np.ptp(np.log(latency)) > 0.5
    assert "raspberry-pi-5 (ms)" in describe(design, SPACE, CHOICES)
