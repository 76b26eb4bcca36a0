"""The second table that ships: what a recipe alone makes of other images."""

from __future__ import annotations

from pathlib import Path

import pytest

from biglittle.bench import Benchmark
from biglittle.data_tables import table_recipe

NAME = "fbnet-fashion-mnist"
FOLDER = table_recipe(NAME).folder


@pytest.fixture(scope="module")
def bench() -> Benchmark:
    return Benchmark.load(NAME)


def test_it_takes_a_page_of_python() -> None:
    lines = [line for path in FOLDER.glob("*.py") for line in path.read_text().splitlines()]
    assert len(lines) <= 100


def test_its_weights_take_less_than_9_mib() -> None:
    size = sum(path.stat().st_size for path in FOLDER.glob("*.safetensors"))
    assert 1e6 < size < 9 * 2**20


def test_it_has_150_networks_and_exits_of_them(bench: Benchmark) -> None:
    networks, rows = bench.table.networks, bench.table.rows(exits=True)
    whole = {str(networks["architecture"][row]) for row in bench.table.rows()}
    cut = [str(networks["architecture"][row]) for row in rows if networks["exit"][row]]
    assert len(whole) >= 150
    assert len(cut) >= 20
    assert {*cut} <= whole


def test_its_best_network_on_val_has_90_percent_on_test(bench: Benchmark) -> None:
    rows = bench.table.rows()
    best = rows[bench.accuracy("val")[rows].argmax()]
    assert bench.accuracy("test")[best] >= 0.9


def test_its_front_has_pairs_of_both_kinds(bench: Benchmark) -> None:
    points = bench.front("raspberry-pi-4").points
    assert {point.coupling for point in points if point.escalation_rate > 0} >= {"prefix"}
    assert max(point.accuracy for point in points) >= 0.9


def test_its_page_says_what_it_holds() -> None:
    text = (Path(FOLDER) / "README.md").read_text(encoding="utf-8")
    assert "was not run yet" not in text
