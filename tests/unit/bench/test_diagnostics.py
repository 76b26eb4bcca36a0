"""Diagnostics against counting image by image, and the bounds that no gate can leave."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biglittle.bench import Benchmark, Gate, Pair, Table
from biglittle.bench.codes import Codes
from biglittle.bench.diagnostics import OUTCOMES, calibration_error, diagnose, explain
from biglittle.bench.gates import get_gate, get_metric, pair_gates, stored_metrics
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_contents import Predictions
from biglittle.bench.table_writer import write_table

CUTS = np.arange(257)
ALL = pytest.mark.parametrize("gate", pair_gates())


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(), "1", "2026-01-01")
    return Table(path)


class NothingCoupled:
    """Networks that share no layer."""

    def shared_macs(self, little: np.ndarray, big: np.ndarray) -> np.ndarray:
        return np.zeros(np.broadcast_shapes(little.shape, big.shape))


@dataclass(frozen=True)
class SmallTable:
    """Just what diagnostics ask of a table, with answers made up by hypothesis."""

    val: Predictions
    test: Predictions
    n_classes: int

    def answers_word_of(self, rows: object) -> str:
        return "measured"

    def predictions(self, split: str) -> Predictions:
        return {"val": self.val, "test": self.test}[split]

    @cached_property
    def gate_codes(self) -> Codes:
        return Codes(self.predictions, self.n_classes)

    def codes_of(self, gate: str, split: str, rows: object) -> np.ndarray:
        return self.gate_codes.of(gate, split, rows)  # type: ignore[arg-type]

    @property
    def macs(self) -> np.ndarray:
        return np.array([30.0, 10.0, 20.0])

    @property
    def couplings(self) -> NothingCoupled:
        return NothingCoupled()


@st.composite
def small_tables(draw: st.DrawFn) -> SmallTable:
    """Three networks, few images, few classes and few codes, so that ties abound."""
    n_classes, levels = draw(st.integers(2, 4)), draw(st.sampled_from([1, 2, 5, 256]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    splits = []
    for n in (draw(st.integers(1, 40)), draw(st.integers(1, 40))):
        codes = {
            m: (rng.integers(0, levels, (3, n)) * (255 // max(1, levels - 1))).astype(np.uint8)
            for m in stored_metrics()
        }
        top1 = rng.integers(0, n_classes, (3, n)).astype(np.uint8)
        labels = rng.integers(0, n_classes, n).astype(np.uint8)
        splits.append(Predictions(labels, top1, codes))
    return SmallTable(*splits, n_classes)


PAIRS = st.tuples(st.integers(0, 2), st.integers(0, 2))


@settings(max_examples=60, deadline=None)
@given(small_tables(), PAIRS, st.sampled_from(pair_gates()), st.sampled_from(["val", "test"]))
def test_no_gate_beats_the_oracle_at_any_escalation_rate(small, pair, gate, split) -> None:  # type: ignore[no-untyped-def]
    bound = diagnose(small, *pair, "oracle", CUTS, split)
    report = diagnose(small, *pair, gate, CUTS, split)
    line = np.interp(report.escalation_rate, bound.escalation_rate, bound.accuracy)
    assert (report.accuracy <= line + 1e-9).all()
    assert report.oracle_accuracy == pytest.approx(line)
    assert report.oracle_best_accuracy == pytest.approx(bound.accuracy.max())
    assert (report.gap_to_oracle >= -1e-9).all()
    assert (report.random_accuracy <= report.oracle_accuracy + 1e-9).all()


@settings(max_examples=60, deadline=None)
@given(small_tables(), PAIRS, st.sampled_from(pair_gates()))
def test_parts_add_up(small, pair, gate) -> None:  # type: ignore[no-untyped-def]
    report = diagnose(small, *pair, gate, CUTS)
    parts = {outcome: getattr(report, outcome) for outcome in OUTCOMES}
    assert sum(parts.values()) == pytest.approx(1)
    gained = report.escalated_needed - report.escalated_harmed
    assert report.accuracy == pytest.approx(report.little_accuracy + gained)
    escalated = sum(parts[name] for name in OUTCOMES if name.startswith("escalated"))
    assert escalated == pytest.approx(report.escalation_rate)
    share = np.bincount(small.test.labels, minlength=small.n_classes) / len(small.test.labels)
    for each, total in (
        (report.class_accuracy, report.accuracy),
        (report.class_escalation_rate, report.escalation_rate),
    ):
        assert np.isnan(each[:, share == 0]).all()
        assert np.nansum(each * share, axis=1) == pytest.approx(total)


@ALL
def test_against_counting_image_by_image(table: Table, gate: str) -> None:
    stored, little, big, cut = table.predictions("test"), 2, 7, 150
    right = stored.correct[[little, big]]
    if gate == "post_hoc":
        codes = table.gate_codes.of_two(gate, "test", little, big).tolist()
    elif gate == "oracle":
        codes = [0 if b > a else 255 if a > b else 128 for a, b in right.T.tolist()]
    else:
        codes = table.codes_of(gate, "test", [little])[0].tolist()
    counts = dict.fromkeys(OUTCOMES, 0)
    by_class: dict[int, list[tuple[bool, bool]]] = {c: [] for c in range(10)}
    for image, (a, b) in enumerate(right.T.tolist()):
        if codes[image] < cut:
            if not a and b:
                counts["escalated_needed"] += 1
            elif a and not b:
                counts["escalated_harmed"] += 1
            else:
                counts["escalated_in_vain"] += 1
        elif a:
            counts["kept_right"] += 1
        elif b:
            counts["kept_needed"] += 1
        else:
            counts["kept_hopeless"] += 1
        escalates = codes[image] < cut
        by_class[int(stored.labels[image])].append((b if escalates else a, escalates))
    report = diagnose(table, little, big, gate, cut)
    n = len(stored.labels)
    assert len(report) == 1
    for outcome in OUTCOMES:
        assert getattr(report, outcome)[0] == counts[outcome] / n
    good = ("escalated_needed", "kept_right", "kept_hopeless")
    assert report.routing_accuracy[0] == pytest.approx(sum(counts[g] for g in good) / n)
    for c, answers in by_class.items():
        assert report.class_accuracy[0, c] == pytest.approx(np.mean([r for r, _ in answers]))
        assert report.class_escalation_rate[0, c] == pytest.approx(np.mean([e for _, e in answers]))
    macs = table.networks["macs"]
    assert report.worst_macs[0] == macs[little] + macs[big]
    assert report.macs[0] == pytest.approx(macs[little] + report.escalation_rate[0] * macs[big])


def test_macs_of_coupled_pairs_are_those_of_a_query(tmp_path: Path) -> None:
    contents = synthetic_table(n_networks=4, n_val=60, n_test=60, n_exits=3)
    write_table(tmp_path / "exits.h5", contents, "1", "2026-01-01")
    bench = Benchmark(Table(tmp_path / "exits.h5"))
    device, names, coupled = bench.devices[0], bench.table.names.tolist(), set()
    for little in names:
        for big in names:
            told = bench.explain((little, big), ("margin", 0.4))
            point = bench.query((little, big), ("margin", 0.4), device)
            assert told.macs[0] == pytest.approx(point.macs)
            whole = bench.query((little, big), ("margin", 1.0), device)
            reached = whole.escalation_rate  # ties at the top leave some inputs to little
            paid = point.macs + (reached - point.escalation_rate) * (
                told.worst_macs[0] - bench.table.macs[bench.row(little)]
            )
            assert whole.macs == pytest.approx(paid)
            coupled.add(point.coupling)
    assert coupled == {"sibling", "nested", "prefix"}


def test_many_points_at_once_are_the_points_one_by_one(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biglittle.bench.diagnostics._AT_ONCE", 1000)  # two points at a time
    rng = np.random.default_rng(0)
    little, big, cut = rng.integers(0, 12, 9), rng.integers(0, 12, 9), rng.integers(0, 257, 9)
    for gate in pair_gates():
        together = diagnose(table, little, big, gate, cut, "val")
        for i in range(9):
            alone = diagnose(table, little[i], big[i], gate, cut[i], "val")
            assert together.record(i) == alone.record(0)


def test_random_is_near_the_straight_line(table: Table) -> None:
    for little, big in ((0, 5), (3, 9), (7, 1)):
        report = diagnose(table, little, big, "random", CUTS)
        differ = report.oracle_best_escalation_rate + (
            report.oracle_best_escalation_rate - report.big_accuracy + report.little_accuracy
        )
        spread = np.sqrt(differ[0] / len(table.predictions("test").labels) / 4)
        assert np.abs(report.gain_over_random).max() < 4 * spread


def test_a_bounds_record_is_json_and_never_calls_a_bound_measured(table: Table) -> None:
    same = diagnose(table, 4, 4, "margin", 100).record(0)
    json.dumps(same, allow_nan=False)
    assert same["oracle_share"] is None  # the oracle has nothing to gain with one network twice
    words = same["provenance"]
    assert words["accuracy"] == words["escalated_needed"] == "measured"
    for name in ("random_accuracy", "oracle_accuracy", "gap_to_oracle", "macs", "worst_macs"):
        assert words[name] == "modelled"
    assert set(words) == {
        k
        for k, value in same.items()
        if k not in ("gate", "split", "cut", "threshold", "calibration_rounding", "provenance")
        and value is not None  # what is not there came about in no way
    }


@ALL
def test_same_network_twice_and_little_dearer_than_big_are_legal(table: Table, gate: str) -> None:
    most_expensive, cheapest = (int(f(table.networks["macs"])) for f in (np.argmax, np.argmin))
    same = diagnose(table, most_expensive, most_expensive, gate, CUTS)
    assert len(set(same.accuracy)) == 1
    assert (same.escalated_needed == 0).all()
    assert (same.escalated_harmed == 0).all()
    assert same.gap_to_oracle == pytest.approx(0)
    assert np.isnan(same.oracle_share).all()
    reverse = diagnose(table, most_expensive, cheapest, gate, CUTS)
    assert reverse.accuracy[-1] < reverse.accuracy[0]
    assert (reverse.gap_to_oracle >= -1e-12).all()


def test_explain_is_the_point_of_the_pair(table: Table) -> None:
    ids = [str(a) for a in table.networks["architecture"]]
    report = explain(table, Pair(ids[2], ids[7]), Gate("margin", 0.42), "val")
    assert report.record(0) == diagnose(table, 2, 7, "margin", 61, "val").record(0)
    assert report.threshold[0] == get_gate("margin").thresholds(10)[61]


def test_calibration_error_by_hand(table: Table) -> None:
    stored, metric = table.predictions("test"), get_metric("max_prob")
    confidence = metric.decode(stored.codes["max_prob"][5], 10)
    total = 0.0
    for k in range(15):
        inside = (confidence >= k / 15) & (confidence < (k + 1) / 15)
        if inside.any():
            distance = abs(stored.correct[5][inside].mean() - confidence[inside].mean())
            total += inside.mean() * distance
    assert calibration_error(table, 5) == pytest.approx(total)
    report = diagnose(table, [5, 5], 1, "entropy", [0, 9])
    assert report.calibration_error == pytest.approx([total, total])
    assert report.calibration_rounding == metric.rounding_error(10)


def test_the_one_who_is_always_right_is_seen_as_such(tmp_path: Path) -> None:
    contents = synthetic_table()
    stored = contents.predictions["test"]
    stored.top1[3] = stored.labels
    write_table(tmp_path / "t.h5", contents, "1", "2026-01-01")
    report = diagnose(Table(tmp_path / "t.h5"), 0, 3, "margin", CUTS)
    assert (report.oracle_best_accuracy == 1).all()
    assert (report.escalated_harmed == 0).all()
    assert (np.diff(report.accuracy) >= 0).all()
