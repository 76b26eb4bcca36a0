"""The controller holds its rate whatever comes, and answers to corrupted images are made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

from biglittle.bench import Benchmark
from biglittle.bench.errors import TableError
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.evidence import _shifted_answers, shift
from biglittle.data_tables.evidence._corruptions import corrupted
from biglittle.data_tables.evidence._routing import cut_at, interval, splits_of


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 255), min_size=50, max_size=400),
    st.floats(0.0, 256.0),
    st.floats(0.05, 0.95),
    st.sampled_from([1.0, 4.0, 16.0]),
)
def test_the_rate_is_held_whatever_comes(
    codes: list[int], cut: float, rate: float, step: float
) -> None:
    escalated = shift.held_rate(np.array(codes, np.uint8), cut, rate, step)
    bound = (256 + 2 * step) / (step * len(codes))
    assert abs(escalated.mean() - rate) <= bound + 1e-9


def test_a_controller_that_is_where_it_should_be_stays_there() -> None:
    codes = np.random.default_rng(0).integers(0, 256, 4000).astype(np.uint8)
    escalated = shift.held_rate(codes, 64.0, 0.25, 0.5)
    assert abs(escalated[2000:].mean() - 0.25) < 0.03
    unsure = shift.held_rate(codes // 4, 64.0, 0.25, 4.0)  # a fixed cut would escalate all
    assert abs(unsure[2000:].mean() - 0.25) < 0.03


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(n_val=600, n_test=1200), "1", "2026-01-01")
    return Benchmark.load(path)


def test_answers_are_read_where_they_are_and_damaged_ones_are_named(
    bench: Benchmark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shifted_answers, "N_IMAGES", 200)
    made: list[list[str]] = []

    def make(bench: Benchmark, names: list[str], index: np.ndarray, working: Path, *_: object):  # type: ignore[no-untyped-def]
        made.append(names)
        for name in names:
            row = bench.table.network_row(name)
            stored = bench.table.predictions("test")
            arrays = {
                f"{part}/{key}": array
                for part in corrupted(np.zeros((1, 1, 1, 3), np.uint8))
                for key, array in {
                    "top1": stored.top1[row][index],
                    **{m: codes[row][index] for m, codes in stored.codes.items()},
                }.items()
            }
            working.mkdir(exist_ok=True)
            np.savez_compressed(working / f"{name}.npz", **arrays)

    monkeypatch.setattr(_shifted_answers, "_make", make)
    names = bench.architectures[:3]
    for wanted in (names[:2], names):
        answers = _shifted_answers.shifted(bench, wanted, tmp_path / "w", None, 1)
    assert made == [names[:2], names[2:]]
    assert len(answers) == 10
    clean = answers["clean"]
    assert np.bincount(clean.labels).tolist() == [20] * 10
    places = shift._places(bench, clean)
    rows = [bench.table.network_row(name) for name in names]
    assert np.array_equal(clean.top1, bench.table.predictions("test").top1[rows][:, places])
    (tmp_path / "w" / f"{names[1]}.npz").write_bytes(b"not an archive")
    with pytest.raises(TableError, match=r"Delete it and run the step again"):
        _shifted_answers.shifted(bench, names, tmp_path / "w", None, 1)


def test_pairs_are_spread_over_the_front_and_need_no_more_networks_than_allowed(
    bench: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_shifted_answers, "LEAST_ACCURACY", 0.0)
    front = bench.front(DEVICE)
    some = _shifted_answers.chosen_pairs(front, 4)
    every = _shifted_answers.chosen_pairs(front, 1000)
    assert 0 < len(some) <= len(every)
    assert len({name for pair in some for name in pair}) <= 4
    assert set(some) <= set(every)
    assert some[0] == every[0]


def test_a_cut_by_val_loses_no_more_there_than_it_may(bench: Benchmark) -> None:
    table = bench.table
    val, _ = splits_of(table.predictions, table.n_classes)
    for policy in (*shift.GATES, shift.GUARANTEED):
        cut, gate = shift._cut(val, policy, (1, 5)), policy.partition(",")[0]
        escalated, hits = val.counts.curve(gate, 1, 5)
        assert hits[-1] - hits[cut] <= shift.LOSS * val.counts.n_images
        if policy in shift.GATES and cut:
            assert (hits[-1] - hits[:cut] > shift.LOSS * val.counts.n_images).all()
        assert escalated[cut] <= val.counts.n_images


def test_under_the_mix_of_test_itself_nothing_is_lost_at_the_rate_of_big(bench: Benchmark) -> None:
    test = splits_of(bench.table.predictions, 10)[1]
    codes, n = test.counts.codes("margin", 1), test.counts.n_images
    gain = test.correct[5].astype(float) - test.correct[1]
    weights = np.full((2, n), 1.0 / n)
    assert shift._held_loss(codes, gain, weights, 1.0) == pytest.approx([0.0, 0.0])
    none = shift._held_loss(codes, gain, weights, 0.0)
    assert none == pytest.approx([gain.mean()] * 2)


def test_a_cut_at_a_rate_is_the_most_accurate_that_escalates_no_more(bench: Benchmark) -> None:
    val = splits_of(bench.table.predictions, 10)[0]
    escalated, hits = val.counts.curve("margin", 1, 5)
    cut = cut_at(val, "margin", (1, 5), 0.2)
    allowed = escalated <= 0.2 * val.counts.n_images
    assert allowed[cut]
    assert hits[cut] == hits[allowed].max()


def test_an_interval_holds_the_mean_and_is_wider_where_pairs_differ() -> None:
    rng = np.random.default_rng(0)
    alike = rng.normal(size=(30, 200))
    apart = alike + rng.normal(size=(30, 1)) * 3
    for rows in (alike, apart):
        low, high = interval(rows)
        assert low < rows.mean() < high
    widths = [high - low for low, high in (interval(alike), interval(apart))]
    assert widths[1] > 3 * widths[0]
