"""What every gate has to keep: ``class TestMine(GateContract): entry = METRIC``."""

from __future__ import annotations

import numpy as np
import pytest

from ..bench import GATES, Benchmark, Cascade, Gate, Table
from ..bench.diagnostics import OUTCOMES, diagnose
from ..bench.errors import GateError
from ..bench.gates import (
    N_CODES,
    Answers,
    DerivedGate,
    PairedGate,
    StageGate,
    get_gate,
    pair_codes,
    pair_gates,
)
from ..bench.synthetic import DEVICE, synthetic_table
from ..bench.table_writer import write_table
from ._contract import Contract, only


class GateContract(Contract):
    """What every gate has to keep, whatever it looks at."""

    registry = GATES

    @classmethod
    def of_kind(cls, kind: str) -> tuple[str, ...]:
        """Gates of pairs, or those of a second stage."""
        if kind == "pairs":
            return tuple(name for name in cls.keys() if name in pair_gates())
        return tuple(name for name in cls.keys() if get_gate(name).kind == kind)

    @pytest.fixture(scope="class")
    @classmethod
    def table(cls, tmp_path_factory: pytest.TempPathFactory) -> Table:
        """A made-up table of six networks."""
        path = tmp_path_factory.mktemp("table") / "table.h5"
        write_table(path, synthetic_table(6), "1", "2026-01-01")
        return Table(path)

    def test_it_says_what_it_is(self, name: str) -> None:
        gate = get_gate(name)
        assert gate.name == name
        assert gate.kind in ("stored", "derived", "paired", "stage", "pairwise")
        assert gate.unit
        assert gate.source
        assert isinstance(gate.deployable, bool)
        assert isinstance(gate.probability, bool)

    @pytest.mark.parametrize("n_classes", [2, 10, 100])
    def test_each_threshold_means_its_own_cut(self, name: str, n_classes: int) -> None:
        gate = get_gate(name)
        thresholds = gate.thresholds(n_classes)
        assert thresholds.shape == (N_CODES + 1,)
        assert gate.cut(thresholds, n_classes).tolist() == list(range(N_CODES + 1))
        steps = np.diff(thresholds)
        assert (steps > 0).all() or (steps < 0).all()
        assert Gate(name, float(thresholds[7])).cut(n_classes) == 7

    @pytest.mark.parametrize("bad", [-0.01, 9.0, float("nan")])
    def test_a_threshold_out_of_range_is_refused(self, name: str, bad: float) -> None:
        with pytest.raises(GateError, match=f"'{name}'.*from 0 to"):
            Gate(name, bad).cut(10)

    @only("pairs")
    @pytest.mark.parametrize("split", ["val", "test"])
    @pytest.mark.parametrize(("little", "big"), [(0, 5), (5, 0), (3, 3)])
    def test_the_ends_are_little_alone_and_big_alone(
        self, table: Table, name: str, split: str, little: int, big: int
    ) -> None:
        report = diagnose(table, little, big, name, [0, N_CODES], split)
        alone = table.predictions(split).correct[[little, big]].mean(axis=1)
        assert report.accuracy.tolist() == alone.tolist()
        assert report.escalation_rate.tolist() == [0.0, 1.0]
        assert report.gain_over_random == pytest.approx([0, 0])
        assert report.gap_to_oracle == pytest.approx([0, 0])

    @only("pairs")
    def test_more_is_escalated_at_a_higher_cut(self, table: Table, name: str) -> None:
        report = diagnose(table, 1, 4, name, np.arange(N_CODES + 1))
        assert (np.diff(report.escalation_rate) >= 0).all()
        assert sum(getattr(report, outcome) for outcome in OUTCOMES) == pytest.approx(1.0)

    @only("pairs")
    def test_codes_are_bytes_of_the_right_shape_and_stay_the_same(
        self, table: Table, name: str
    ) -> None:
        correct = table.predictions("test").correct
        for _ in range(2):
            if get_gate(name).kind == "pairwise":
                codes = pair_codes(name, correct[[2]], correct[[4, 1]])
                with pytest.raises(GateError, match="big network"):
                    table.codes_of(name, "test", [4, 1])
            elif get_gate(name).kind == "paired":
                two = [table.gate_codes.of_two(name, "test", 2, big) for big in (4, 1)]
                codes = np.stack(two)
                with pytest.raises(GateError, match="fitted to each pair"):
                    table.codes_of(name, "test", [4, 1])
            else:
                codes = table.codes_of(name, "test", [4, 1])
                assert np.array_equal(codes, table.codes(name, "test")[[4, 1]])
                with pytest.raises(GateError, match="codes_of"):
                    pair_codes(name, correct[2], correct[4])
                with pytest.raises(GateError, match="does not look at two"):
                    table.gate_codes.of_two(name, "test", 2, 4)
            assert codes.dtype == np.uint8
            assert codes.shape == (2, correct.shape[1])

    def test_scores_are_numbers(self, table: Table, name: str) -> None:
        gate, stored = get_gate(name), table.predictions("val")
        if getattr(gate, "needs", ()):
            pytest.skip("it needs values that made-up answers lack")
        first, second = (
            Answers(stored.top1[row], {m: c[row] for m, c in stored.codes.items()}, table.n_classes)
            for row in (1, 4)
        )
        right = stored.correct[[1, 4]]
        if isinstance(gate, DerivedGate):
            scores = gate.fit(first, right[0]).scores(first)
        elif isinstance(gate, PairedGate):
            scores = gate.fit(first, right[0], right[1]).scores(first)
        elif isinstance(gate, StageGate):
            scores = gate.compare(first, second)
        else:
            pytest.skip("it is worked out by us")
        assert scores.shape == first.top1.shape
        assert ((scores >= 0) & (scores <= 1)).all()

    @only("pairs")
    def test_a_probability_can_be_read_off_its_codes(self, table: Table, name: str) -> None:
        gate = get_gate(name)
        values, edges = gate.decode(np.arange(N_CODES), 10), gate.thresholds(10)
        low, high = np.minimum(edges[:-1], edges[1:]), np.maximum(edges[:-1], edges[1:])
        assert ((low < values) & (values < high)).all()
        error = diagnose(table, 1, 4, name, 9).gate_calibration_error[0]
        assert np.isnan(error) == (not gate.probability)
        assert np.isnan(error) or 0 <= error <= 1

    @only("stage")
    def test_a_stage_gate_decides_behind_the_second_network(self, table: Table, name: str) -> None:
        bench = Benchmark(table)
        first, second, big = (bench.architectures[i] for i in (1, 3, 5))
        curve = [
            bench.query_cascade(
                Cascade((first, second, big), (Gate("max_prob", 1.0), Gate(name, t))), DEVICE
            )
            for t in (0.0, 0.5, 1.0)
        ]
        assert [point.reach[:2] for point in curve] == [(1.0, 1.0)] * 3
        assert [curve[0].reach[2], curve[2].reach[2]] == [0.0, 1.0]
        assert 0 < curve[1].reach[2] < 1
        alone = table.predictions("test").correct.mean(axis=1)
        assert [curve[0].accuracy, curve[2].accuracy] == [alone[3], alone[5]]
        with pytest.raises(GateError, match="second stage of a cascade"):
            bench.query((first, big), (name, 0.5), DEVICE)
        with pytest.raises(GateError, match="second stage of a cascade"):
            bench.front(DEVICE, gates=[name])
