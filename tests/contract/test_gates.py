"""What every gate of the registry has to keep; a new file is picked up by itself."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from biglittle.bench import GATES, Gate, Table
from biglittle.bench.diagnostics import OUTCOMES, diagnose
from biglittle.bench.errors import GateError
from biglittle.bench.gates import N_CODES, get_gate, pair_codes
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table

ALL = pytest.mark.parametrize("name", GATES.names())


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(6), "1", "2026-01-01")
    return Table(path)


@ALL
def test_it_says_what_it_is(name: str) -> None:
    gate = get_gate(name)
    assert gate.name == name
    assert gate.kind in ("stored", "derived", "pairwise")
    assert gate.unit
    assert gate.source
    assert isinstance(gate.deployable, bool)
    documentation = importlib.import_module(f"biglittle.bench.gates.{name}").__doc__
    assert documentation is not None
    assert f"``{name}``" in documentation


@ALL
@pytest.mark.parametrize("n_classes", [2, 10, 100])
def test_each_threshold_means_its_own_cut(name: str, n_classes: int) -> None:
    gate = get_gate(name)
    thresholds = gate.thresholds(n_classes)
    assert thresholds.shape == (N_CODES + 1,)
    assert gate.cut(thresholds, n_classes).tolist() == list(range(N_CODES + 1))
    steps = np.diff(thresholds)
    assert (steps > 0).all() or (steps < 0).all()
    assert Gate(name, float(thresholds[7])).cut(n_classes) == 7


@ALL
@pytest.mark.parametrize("bad", [-0.01, 9.0, float("nan")])
def test_a_threshold_out_of_range_is_refused(name: str, bad: float) -> None:
    with pytest.raises(GateError, match=f"'{name}'.*from 0 to"):
        Gate(name, bad).cut(10)


@ALL
@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize(("little", "big"), [(0, 5), (5, 0), (3, 3)])
def test_the_ends_are_little_alone_and_big_alone(
    table: Table, name: str, split: str, little: int, big: int
) -> None:
    found = diagnose(table, little, big, name, [0, N_CODES], split)
    alone = table.predictions(split).correct[[little, big]].mean(axis=1)
    assert found.accuracy.tolist() == alone.tolist()
    assert found.escalation_rate.tolist() == [0.0, 1.0]
    assert found.gain_over_random == pytest.approx([0, 0])
    assert found.gap_to_oracle == pytest.approx([0, 0])


@ALL
def test_more_is_escalated_at_a_higher_cut(table: Table, name: str) -> None:
    found = diagnose(table, 1, 4, name, np.arange(N_CODES + 1))
    assert (np.diff(found.escalation_rate) >= 0).all()
    assert sum(getattr(found, outcome) for outcome in OUTCOMES) == pytest.approx(1.0)


@ALL
def test_codes_are_bytes_of_the_right_shape_and_stay_the_same(table: Table, name: str) -> None:
    correct = table.predictions("test").correct
    for _ in range(2):
        if get_gate(name).kind == "pairwise":
            codes = pair_codes(name, correct[[2]], correct[[4, 1]])
            with pytest.raises(GateError, match="big network"):
                table.codes_of(name, "test", [4, 1])
        else:
            codes = table.codes_of(name, "test", [4, 1])
            assert np.array_equal(codes, table.codes(name, "test")[[4, 1]])
            with pytest.raises(GateError, match="codes_of"):
                pair_codes(name, correct[2], correct[4])
        assert codes.dtype == np.uint8
        assert codes.shape == (2, correct.shape[1])
