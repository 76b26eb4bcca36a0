"""Gates that no table stores: what they are fitted on, and that the fits are right."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from biglittle.bench import GATES, Table
from biglittle.bench.codes import Codes
from biglittle.bench.errors import GateError, UnknownNameError
from biglittle.bench.gates import (
    N_CODES,
    Answers,
    get_gate,
    get_metric,
    learned,
    pair_codes,
    per_class,
    score_codes,
    stored_metrics,
)
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_contents import Predictions, TableContents
from biglittle.bench.table_writer import write_table

DERIVED = tuple(name for name in GATES.names() if get_gate(name).kind == "derived")


def _open(folder: Path, contents: TableContents) -> Table:
    folder.mkdir(exist_ok=True)
    write_table(folder / "table.h5", contents, "1", "2026-01-01")
    return Table(folder / "table.h5")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    return _open(tmp_path_factory.mktemp("table"), synthetic_table(8, n_val=600, n_test=900))


def test_which_gates_there_are() -> None:
    assert {"random", "per_class", "learned", "oracle", *stored_metrics()} <= set(GATES.names())
    assert stored_metrics() == ("entropy", "margin", "max_prob")
    kept_back = {name for name in GATES.names() if not get_gate(name).deployable}
    assert kept_back == {"random", "oracle"}
    assert get_metric("margin") is get_gate("margin")


def test_asking_the_wrong_kind_says_what_to_do(table: Table) -> None:
    with pytest.raises(GateError, match="max_prob"):
        get_metric("oracle")
    with pytest.raises(GateError, match="nothing of it is fitted"):
        table.gate_codes.scorer("margin", 0)
    with pytest.raises(UnknownNameError, match="split"):
        table.codes_of("learned", "train", [0])
    with pytest.raises(UnknownNameError, match="Did you mean 'learned'"):
        table.codes_of("learnt", "test", [0])


def test_listing_gates_imports_none_of_them() -> None:
    import subprocess
    import sys

    code = "import sys; from biglittle.bench import GATES; GATES.names(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {f"biglittle.bench.gates.{name}" for name in GATES.names()} & {*done.stdout.split()}


@settings(max_examples=200)
@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from((*DERIVED, "oracle")))
def test_a_score_is_kept_from_its_threshold_on(score: float, threshold: float, name: str) -> None:
    code = int(score_codes(score))
    stands_for = (code + 0.5) / N_CODES
    assert abs(stands_for - score) <= 0.5 / N_CODES
    assert (code >= int(get_gate(name).cut(threshold, 10))) == (stands_for >= threshold)


@pytest.mark.parametrize("name", DERIVED)
def test_nothing_is_fitted_on_test(table: Table, tmp_path: Path, name: str) -> None:
    contents = synthetic_table(8, n_val=600, n_test=900)
    test = contents.predictions["test"]
    spoilt = dataclasses.replace(test, labels=(test.labels + 3) % 10)
    other = _open(
        tmp_path / "other",
        dataclasses.replace(contents, predictions={**contents.predictions, "test": spoilt}),
    )
    for split in ("val", "test"):
        assert np.array_equal(other.codes(name, split), table.codes(name, split))


@pytest.mark.parametrize("name", ["per_class", "learned"])
def test_the_labels_of_val_do_matter(table: Table, tmp_path: Path, name: str) -> None:
    contents = synthetic_table(8, n_val=600, n_test=900)
    val = contents.predictions["val"]
    spoilt = dataclasses.replace(val, labels=(val.labels + 3) % 10)
    other = _open(
        tmp_path / "other",
        dataclasses.replace(contents, predictions={**contents.predictions, "val": spoilt}),
    )
    assert not np.array_equal(other.codes(name, "test"), table.codes(name, "test"))


def test_stored_codes_are_the_tables_own(table: Table) -> None:
    for name in stored_metrics():
        assert np.array_equal(table.codes(name, "val"), table.predictions("val").codes[name])


# ---- random ------------------------------------------------------------------------------------
def test_random_escalates_the_share_it_is_asked_for_whatever_the_network(table: Table) -> None:
    codes = table.codes("random", "test")
    assert (codes == codes[0]).all()
    for threshold in (0.1, 0.25, 0.9):
        cut = int(get_gate("random").cut(threshold, 10))
        assert (codes[0] < cut).mean() == pytest.approx(threshold, abs=1 / 512 + 1 / 900)
    correct = table.predictions("test").correct
    along = [np.corrcoef(codes[0], row)[0, 1] for row in correct if row.std() > 0]
    assert np.abs(along).max() < 4 / np.sqrt(900)


def test_random_order_is_pinned() -> None:
    answers = Answers(np.zeros(6, np.uint8), {}, 10)
    order = np.argsort(get_gate("random").fit(answers, np.ones(6, bool)).scores(answers))  # type: ignore[attr-defined]
    assert order.tolist() == [2, 5, 0, 4, 3, 1]


# ---- oracle ------------------------------------------------------------------------------------
def test_oracle_knows_who_is_right() -> None:
    little, big = np.array([0, 0, 1, 1], bool), np.array([0, 1, 0, 1], bool)
    assert pair_codes("oracle", little, big).tolist() == [128, 0, 255, 128]
    assert pair_codes("oracle", little[:, None], big[None]).shape == (4, 4)


# ---- per_class ---------------------------------------------------------------------------------
rows = hnp.arrays(
    np.float64,
    st.tuples(st.integers(1, 3), st.integers(1, 12)),
    elements=st.integers(0, 8).map(lambda k: k / 8),
)


@settings(max_examples=150)
@given(rows, st.randoms(use_true_random=False))
def test_rising_fit_is_isotonic_regression(values, random) -> None:  # type: ignore[no-untyped-def]
    """Against the closed form: the largest over starts of the smallest over ends of a mean."""
    weights = np.array([[random.choice([0.01, 1.0, 3.0]) for _ in row] for row in values])
    found = per_class.rising_fit(values, weights)
    for value, weight, fit in zip(values, weights, found, strict=True):
        n = len(value)
        expected = [
            max(
                min(np.average(value[a:b], weights=weight[a:b]) for b in range(i + 1, n + 1))
                for a in range(i + 1)
            )
            for i in range(n)
        ]
        assert fit == pytest.approx(expected)
    smooth = per_class.between_centres(found, weights)
    assert (np.diff(smooth, axis=1) >= 0).all()
    assert (smooth >= found.min(axis=1, keepdims=True)).all()
    assert (smooth <= found.max(axis=1, keepdims=True)).all()


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 0.77, 0.9, 1.0])
def test_class_thresholds_are_what_a_device_needs(table: Table, threshold: float) -> None:
    said, metric = table.predictions("test"), get_metric("max_prob")
    for row in range(len(table)):
        scorer = table.gate_codes.scorer("per_class", row)
        each = scorer.class_thresholds(threshold)  # type: ignore[attr-defined]
        assert each.shape == (10,)
        needed = metric.cut(each, 10)[said.top1[row]]
        asked = table.codes_of("per_class", "test", [row])[0] < int(
            get_gate("per_class").cut(threshold, 10)
        )
        assert np.array_equal(said.codes["max_prob"][row] < needed, asked)


def test_a_class_that_is_too_sure_gets_a_higher_threshold() -> None:
    rng = np.random.default_rng(0)
    top1 = rng.integers(0, 4, 20_000).astype(np.uint8)
    codes = rng.integers(0, 256, 20_000).astype(np.uint8)
    chance = np.clip(codes / 255 - 0.25 * (top1 == 2), 0, 1)
    answers = Answers(top1, {"max_prob": codes}, 4)
    fitted = per_class.fit(answers, rng.random(20_000) < chance)
    score = 0.5
    cuts = get_metric("max_prob").cut(fitted.class_thresholds(score), 4)
    assert cuts[[0, 1, 3]] == pytest.approx(128, abs=12)
    assert cuts[2] == pytest.approx(192, abs=12)
    assert np.abs(fitted.right[0, 20:-20] - np.arange(256)[20:-20] / 255).max() < 0.08


# ---- learned -----------------------------------------------------------------------------------
def test_logistic_weights_are_where_the_gradient_vanishes() -> None:
    rng = np.random.default_rng(1)
    inputs, truth = rng.normal(size=(5000, 4)), np.array([1.5, -0.7, 0.0, 3.0])
    target = (rng.random(5000) < 1 / (1 + np.exp(-inputs @ truth))).astype(np.float64)
    found = learned.logistic_weights(inputs, target, np.ones(4))
    residual = 1 / (1 + np.exp(-inputs @ found)) - target
    assert np.abs(inputs.T @ residual + found).max() < 1e-2
    assert found == pytest.approx(truth, abs=0.25)


def test_learned_coefficients_are_there_and_calibrated(table: Table) -> None:
    fitted = table.gate_codes.scorer("learned", 3)
    assert fitted.metrics == ("max_prob", "margin", "entropy")  # type: ignore[attr-defined]
    assert fitted.weights.shape == (3,)  # type: ignore[attr-defined]
    assert fitted.offsets.shape == (10,)  # type: ignore[attr-defined]
    codes, correct = table.codes_of("learned", "val", [3])[0], table.predictions("val").correct[3]
    assert ((codes + 0.5) / 256).mean() == pytest.approx(correct.mean(), abs=0.02)


@pytest.mark.parametrize("name", ["per_class", "learned", "random"])
@pytest.mark.parametrize("right", [True, False])
def test_degenerate_networks_are_fitted_all_the_same(name: str, right: bool) -> None:
    """All answers right, or none; one class; one confidence."""
    codes = {metric: np.full(50, 9, np.uint8) for metric in stored_metrics()}
    answers = Answers(np.zeros(50, np.uint8), codes, 10)
    gate = get_gate(name)
    scores = gate.fit(answers, np.full(50, right)).scores(answers)  # type: ignore[attr-defined]
    assert scores.shape == (50,)
    assert ((scores >= 0) & (scores <= 1)).all()
    if name != "random":
        assert (scores > 0.5).all() == right


def test_many_images_take_no_more_calls_than_few(table: Table) -> None:
    """There is no loop over images: 157 networks of 5,000 each would take minutes."""
    calls: list[int] = []
    for n in (500, 5000):
        codes = _codes_of(n)
        count = 0

        def counted(frame: object, event: str, argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(counted)
        try:
            codes.of("learned", "val", np.arange(4))
        finally:
            sys.setprofile(None)
        calls.append(count)
    assert calls[1] < 2 * calls[0]  # steps of a fit vary a little
    assert calls[1] < 5000


def _codes_of(n: int) -> Codes:
    rng = np.random.default_rng(0)
    top1 = rng.integers(0, 10, (4, n)).astype(np.uint8)
    codes = {m: rng.integers(0, 256, (4, n)).astype(np.uint8) for m in stored_metrics()}
    answers = Predictions(rng.integers(0, 10, n).astype(np.uint8), top1, codes)
    return Codes(lambda split: answers, 10)
