"""What the step says of weights in training, and that those here are what it looked at."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")

from biglittle.bench import Benchmark
from biglittle.cotrain.weights import kept_facts
from biglittle.data_tables.building.recipe import WEIGHTS_NAME
from biglittle.data_tables.evidence import _page, milestone
from biglittle.data_tables.flagship import RECIPE

FIGURES = json.loads((_page.FIGURES / "milestone.json").read_text(encoding="utf-8"))


def test_the_figures_are_of_the_weights_that_lie_there() -> None:
    assert kept_facts(milestone.MILESTONES / WEIGHTS_NAME).epochs == FIGURES["epochs"]
    bench = Benchmark.load(RECIPE.table)
    rows = milestone.rows_of(bench)
    assert [row["network"] for row in FIGURES["networks"]] == bench.table.names[rows].tolist()
    stored = bench.accuracy("val")[rows].tolist()
    assert [row["shipped"] for row in FIGURES["networks"]] == pytest.approx(stored)


def test_cheap_and_expensive_networks_are_told_apart() -> None:
    rows = [
        {"network": "a", "macs": 5_000_000, "shipped": 0.5, "now": 0.52},
        {"network": "b", "macs": 50_000_000, "shipped": 0.8, "now": 0.79},
    ]
    text = milestone.section({**FIGURES, "networks": rows})
    assert "| `a` | 5.0 | 50.00 % | 52.00 % | +2.00 |" in text
    assert "Below 12 M MACs +2.00 points on average, above -1.00." in text
