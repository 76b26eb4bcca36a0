"""A benchmark of anybody's models: every answer is that of a count by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench import Benchmark, Cascade, Gate, Guarantee, Pair, Table
from biglittle.bench.class_numbers import class_dtype
from biglittle.bench.errors import (
    AnswersError,
    BigLittleError,
    ConstraintError,
    GateError,
    UnknownNameError,
)
from biglittle.bench.gates import get_metric, stored_metrics
from biglittle.bench.own.costs import NetworkCost
from biglittle.searchers import get_searcher
from biglittle.searchers.evaluators.table import TableEvaluator

NAMES = ("mobile net", "hf-hub:timm/résnet@224", "vit")
SKILLS = dict(zip(NAMES, (0.5, 1.5, 2.5), strict=True))
COSTS = dict(zip(NAMES, (4.0, 18.0, 70.0), strict=True))
Make = Callable[..., Any]


@pytest.fixture(scope="module")
def three(make: Make) -> Benchmark:
    answers, labels = make(2000, 20, SKILLS)
    return Benchmark.from_answers(answers, labels, COSTS)


# ---- right in any width ------------------------------------------------------------------------
@pytest.mark.parametrize("n_classes", [2, 10, 256, 257, 1000, 70_000])
def test_a_pair_is_counted_right_however_many_classes_there_are(
    make: Make, n_classes: int, tmp_path: Path
) -> None:
    n = 600 if n_classes < 10_000 else 40
    answers, labels = make(n, n_classes, {"a": 1.0, "b": 3.0})
    labels[: n // 2 : 7] = n_classes - 1  # the last class is where a byte would wrap around
    path = tmp_path / "t.h5"
    bench = Benchmark.from_answers(answers, labels, {"a": 1.0, "b": 5.0}, out=path)
    assert bench.table.schema_version == 3
    assert bench.table.predictions("val").top1.dtype == class_dtype(n_classes)
    for metric in stored_metrics():
        rule = get_metric(metric)
        threshold = float(rule.thresholds(n_classes)[120])
        test = np.setdiff1d(np.arange(n), bench.table.val_index)
        value = rule.compute(answers["a"][test].astype(np.float64))
        keep = value >= threshold if rule.confident == "high" else value <= threshold
        said = np.where(keep, answers["a"][test].argmax(1), answers["b"][test].argmax(1))
        point = bench.query(("a", "b"), Gate(metric, threshold), "given")
        assert abs(point.accuracy - np.mean(said == labels[test])) <= 2 / len(test)
        assert abs(point.escalation_rate - np.mean(~keep)) <= 2 / len(test)  # float32 at an edge
    right = [np.mean(answers[m][test].argmax(1) == labels[test]) for m in ("a", "b")]
    assert bench.accuracy("test").tolist() == right


@pytest.mark.parametrize("n_classes", [300, 70_000])
def test_gates_that_are_fitted_work_with_many_classes(make: Make, n_classes: int) -> None:
    answers, labels = make(200 if n_classes < 10_000 else 20, n_classes, {"a": 1.0, "b": 3.0})
    bench = Benchmark.from_answers(answers, labels, {"a": 1.0, "b": 5.0})
    gates = ("per_class",) if n_classes > 1000 else ("per_class", "learned")
    for gate in gates:
        curve = bench.curve(("a", "b"), gate, "given")
        assert curve.accuracy[0] == bench.accuracy()[0]
        assert curve.accuracy[-1] == bench.accuracy()[1]


# ---- as of a shipped table ---------------------------------------------------------------------
def test_names_are_free_text_wherever_networks_are_named(three: Benchmark) -> None:
    little, middle, big = NAMES
    assert list(three) == [little, middle, big]
    assert Pair(middle, big) in three
    assert (little, "nothing") not in three
    assert three.query((middle, big), ("margin", 0.4), "given").little == middle
    assert three.curve((middle, big), "entropy", "given").pair.little == middle
    assert set(three.curves(middle, "margin", "given").bigs) == set(NAMES)
    point = three.query_cascade(Cascade(NAMES, [("margin", 0.4), ("margin", 0.6)]), "given")
    assert point.networks == NAMES
    assert point.couplings == ("sibling", "sibling")
    assert three.explain((little, middle), ("max_prob", 0.5)).accuracy.shape == (1,)
    with pytest.raises(UnknownNameError, match="Did you mean 'vit'"):
        three.query((little, "vit2"), ("margin", 0.4), "given")


def test_costs_are_those_given_and_nothing_else_is_made_up(three: Benchmark) -> None:
    point = three.query((NAMES[0], NAMES[2]), ("margin", 0.5), "given")
    assert point.latency_ms == pytest.approx(4.0 + point.escalation_rate * 70.0)
    assert (point.macs, point.params, point.peak_memory_mib, point.energy_mj) == (None,) * 4
    assert set(point.provenance.values()) == {"given"}
    assert three.table.devices == ("given",)
    with pytest.raises(UnknownNameError, match="device"):
        three.query((NAMES[0], NAMES[2]), ("margin", 0.5), "raspberry-pi-4")


def test_the_front_is_that_of_all_pairs_and_cuts(three: Benchmark) -> None:
    front = three.front("given")
    points = [
        (1 - a, m)
        for little in NAMES
        for big in NAMES
        for gate in stored_metrics()
        for a, m in zip(
            *(getattr(three.curve((little, big), gate, "given", "val"), f)
              for f in ("accuracy", "latency_ms")), strict=True)
    ]  # fmt: skip
    best = {p for p in points if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in points)}
    rows = zip(1 - front.chosen.accuracy, front.chosen.latency_ms, strict=True)
    assert {(round(a, 9), round(b, 6)) for a, b in rows} == {
        (round(a, 9), round(b, 6)) for a, b in best
    }


def test_a_choice_and_a_cascade_keep_to_limits(three: Benchmark) -> None:
    chosen = three.choose((NAMES[0], NAMES[2]), "margin", "given", {"latency_ms": 30.0})
    on_val = three.query((NAMES[0], NAMES[2]), ("margin", chosen.threshold), "given", "val")
    assert on_val.latency_ms <= 30.0
    longer = three.choose_cascade(NAMES, "margin", "given", {"latency_ms": 30.0})
    assert longer.latency_ms is not None
    four = Cascade((*NAMES, NAMES[0]), [("margin", 0.4)] * 3)
    assert 0 < three.query_cascade(four, "given").accuracy < 1


def test_figures_by_name_are_told_with_their_unit(make: Make) -> None:
    answers, labels = make(400, 5, {"a": 1.0, "b": 3.0})
    costs = {
        "a": {"latency_ms": 1.0, "energy_mj": 2.0, "macs": 3e6, "params": 1e5, "weights_mib": 0.5,
              "activation_mib": 0.25},
        "b": {"latency_ms": 9.0, "energy_mj": 8.0, "macs": 9e6, "params": 5e5, "weights_mib": 2.0,
              "activation_mib": 0.5},
    }  # fmt: skip
    bench = Benchmark.from_answers(answers, labels, costs, device="my board", gate_ms=0.5)
    point = bench.query(("a", "b"), ("margin", 0.5), "my board")
    rate = point.escalation_rate
    assert point.latency_ms == pytest.approx(1.5 + 9 * rate)
    assert point.energy_mj == pytest.approx(2 + 8 * rate)
    assert point.macs == pytest.approx(3e6 + 9e6 * rate)
    assert (point.params, point.peak_memory_mib) == (6e5, 3.0)
    assert point.provenance["macs"] == point.provenance["peak_memory_mib"] == "given"


def test_without_costs_accuracy_and_escalation_are_told(make: Make) -> None:
    answers, labels = make(400, 5, {"a": 1.0, "b": 3.0})
    bench = Benchmark.from_answers(answers, labels)
    point = bench.query(("a", "b"), ("margin", 0.5), "given")
    assert point.latency_ms is point.macs is point.better_alone is None
    curve = bench.curve(("a", "b"), "margin", "given")
    assert curve.accuracy[-1] == bench.accuracy()[1]
    assert np.isnan(curve.latency_ms).all()
    front = bench.front("given", ("error", "escalation_rate"))
    assert front[0].little == "b"  # nothing is known that speaks against the best network alone
    assert bench.info()["devices"]["given"]["latency_ms_min"] is None


# ---- forms of answers --------------------------------------------------------------------------
def test_logits_percent_and_probabilities_are_the_same_answers(make: Make) -> None:
    answers, labels = make(400, 5, {"a": 1.0, "b": 3.0})
    wide = {name: p.astype(np.float64) for name, p in answers.items()}
    bench = Benchmark.from_answers(wide, labels)
    logits = {name: np.log(p) + 7.0 for name, p in wide.items()}
    percent = {name: 100 * p for name, p in wide.items()}
    for given, kind in ((logits, "logits"), (percent, "percent")):
        again = Benchmark.from_answers(given, labels, kind=kind)
        for split in ("val", "test"):
            one, other = (b.table.predictions(split) for b in (bench, again))
            assert np.array_equal(one.top1, other.top1)
            for metric in stored_metrics():
                off = one.codes[metric].astype(int) - other.codes[metric]
                assert np.abs(off).max() <= 1  # a softmax rounds
    mixed = {"a": logits["a"], "b": wide["b"]}
    assert Benchmark.from_answers(mixed, labels, kind={"a": "logits"}).table.name == "given"


def test_logits_bring_what_the_energy_gate_needs(make: Make, tmp_path: Path) -> None:
    answers, labels = make(400, 5, {"a": 1.0, "b": 3.0})
    logits = {name: np.log(p.astype(np.float64)) + 7.0 for name, p in answers.items()}
    logits["a"] += np.random.default_rng(0).normal(size=(400, 1))  # which a softmax forgets
    bench = Benchmark.from_answers(logits, labels, kind="logits", out=tmp_path / "t.h5")
    again = Benchmark(Table(tmp_path / "t.h5"))
    rows = again.table.val_index
    stored = again.table.predictions("val").values["log_sum_exp"][0]
    assert np.allclose(stored, np.log(np.exp(logits["a"][rows]).sum(axis=1)), atol=1e-5)
    curve = bench.curve(("a", "b"), "energy", "given")
    assert curve.accuracy[0] == bench.accuracy()[0]
    assert len(np.unique(curve.accuracy)) > 10
    assert "energy" not in bench.front("given", ("error",)).points.gate
    mixed = Benchmark.from_answers({**answers, "a": logits["a"]}, labels, kind={"a": "logits"})
    with pytest.raises(GateError, match="import answers --kind logits"):
        mixed.curve(("a", "b"), "energy", "given")


def test_top1_and_confidence_make_a_table_of_one_metric(make: Make) -> None:
    answers, labels = make(400, 5, {"a": 1.0, "b": 3.0})
    whole = Benchmark.from_answers(answers, labels, {"a": 1.0, "b": 9.0})
    pairs = {n: (p.argmax(axis=1), p.max(axis=1)) for n, p in answers.items()}
    bench = Benchmark.from_answers(pairs, labels, {"a": 1.0, "b": 9.0})
    assert bench.table.metrics == ("max_prob",)
    gate = Gate("max_prob", 0.7)
    assert bench.query(("a", "b"), gate, "given") == whole.query(("a", "b"), gate, "given")
    assert {str(g) for g in bench.front("given").points.gate} == {"max_prob"}
    assert bench.curve(("a", "b"), "per_class", "given").accuracy[-1] == bench.accuracy()[1]
    with pytest.raises(GateError, match="'margin', of which this table keeps nothing"):
        bench.query(("a", "b"), ("margin", 0.5), "given")
    mixed = Benchmark.from_answers({"a": pairs["a"], "b": answers["b"]}, labels)
    assert mixed.table.metrics == ("max_prob",)


def test_frames_lists_and_functions_are_taken(make: Make) -> None:
    pandas = pytest.importorskip("pandas")
    answers, labels = make(400, 3, {"a": 1.0, "b": 3.0})
    expected = Benchmark.from_answers(answers, labels).accuracy().tolist()
    frames = {n: pandas.DataFrame(p, columns=["cat", "dog", "cow"]) for n, p in answers.items()}
    one = pandas.DataFrame({"top1": answers["a"].argmax(1), "confidence": answers["a"].max(1)})
    lists = {n: p.tolist() for n, p in answers.items()}
    lazy = {n: (lambda p=p: p) for n, p in answers.items()}
    for given in (frames, {**frames, "a": one}, lists, lazy):
        assert Benchmark.from_answers(given, pandas.Series(labels)).accuracy().tolist() == expected


# ---- val and test ------------------------------------------------------------------------------
def test_one_set_is_split_by_a_seed_that_is_told(make: Make) -> None:
    answers, labels = make(1000, 5, {"a": 1.0, "b": 3.0})
    first, same, other = (
        Benchmark.from_answers(answers, labels, split=0.3, seed=s).table for s in (1, 1, 2)
    )
    assert first.n_images == {"val": 300, "test": 700}
    assert np.array_equal(first.val_index, same.val_index)
    assert not np.array_equal(first.val_index, other.val_index)
    assert (
        first.training["split"] == "0.3 of the images drawn for val with seed 1, the rest is test"
    )
    places = np.arange(0, 1000, 4)
    placed = Benchmark.from_answers(answers, labels, split=places).table
    assert np.array_equal(placed.val_index, places)
    mask = np.arange(1000) < 100
    assert Benchmark.from_answers(answers, labels, split=mask).table.n_images["val"] == 100


def test_val_and_test_may_come_apart(make: Make) -> None:
    answers, labels = make(1000, 5, {"a": 1.0, "b": 3.0})
    sides: Mapping[str, Any] = {
        side: ({n: p[rows] for n, p in answers.items()}, labels[rows])
        for side, rows in (("val", slice(0, 400)), ("test", slice(400, None)))
    }
    bench = Benchmark.from_answers(
        {side: given for side, (given, _) in sides.items()},
        {side: truth for side, (_, truth) in sides.items()},
    )
    assert bench.table.n_images == {"val": 400, "test": 600}
    assert bench.accuracy("val")[0] == np.mean(answers["a"][:400].argmax(1) == labels[:400])
    assert bench.table.training["split"] == "val and test came apart"


def test_images_that_are_there_twice_stay_on_one_side(make: Make) -> None:
    answers, labels = make(1000, 5, {"a": 1.0, "b": 3.0})
    ids = np.arange(1000) // 2
    bench = Benchmark.from_answers(answers, labels, ids=ids)
    val = set(ids[bench.table.val_index].tolist())
    test = set(ids[np.setdiff1d(np.arange(1000), bench.table.val_index)].tolist())
    assert not val & test
    assert "500 images are there again" in bench.table.training["split"]
    images = np.random.default_rng(0).integers(0, 256, (1000, 4, 4), dtype=np.uint8)
    images[700:] = images[:300]
    assert (
        "300 images are there again"
        in Benchmark.from_answers(answers, labels, ids=images).table.training["split"]
    )


# ---- the file ----------------------------------------------------------------------------------
def test_a_table_file_is_written_and_read_by_the_one_reader(make: Make, tmp_path: Path) -> None:
    answers, labels = make(400, 5, SKILLS)
    path = tmp_path / "mine.h5"
    bench = Benchmark.from_answers(answers, labels, COSTS, out=path)
    again = Benchmark(Table(path))
    assert again.table.name == "mine"
    assert again.table.sha256 == bench.table.sha256
    assert again.accuracy().tolist() == bench.accuracy().tolist()
    assert again.info()["given"]["answers"] == dict.fromkeys(NAMES, "probabilities")
    assert repr(again) == "Benchmark('mine': 3 given networks on given, devices: given)"


def test_a_file_of_other_answers_stays_unless_it_is_to_be_replaced(
    make: Make, tmp_path: Path
) -> None:
    answers, labels = make(400, 5, SKILLS)
    others, path = dict(list(answers.items())[:2]), tmp_path / "mine.h5"
    Benchmark.from_answers(answers, labels, COSTS, out=path)
    dearer = {name: 2 * cost for name, cost in COSTS.items()}
    anew = Benchmark.from_answers(answers, labels, dearer, out=path)  # the same answers
    before = path.read_bytes()
    assert anew.costs("given").latency_ms.tolist() == sorted(dearer.values())
    message = r"mine\.h5 is there already, .* add replace=True, or another 'out'\."
    with pytest.raises(AnswersError, match=message):
        Benchmark.from_answers(others, labels, out=path)
    assert path.read_bytes() == before
    assert len(Benchmark.from_answers(others, labels, out=path, replace=True)) == 2
    notes = tmp_path / "notes.txt"
    notes.write_text("mine", encoding="utf-8")
    with pytest.raises(AnswersError, match=r"notes\.txt is there already"):
        Benchmark.from_answers(others, labels, out=notes)
    assert notes.read_text(encoding="utf-8") == "mine"
    assert len(Benchmark.from_answers(others, labels, out=tmp_path / "others.h5")) == 2


def test_networks_are_ordered_by_what_they_cost(make: Make) -> None:
    answers, labels = make(400, 5, {"dear": 3.0, "cheap": 1.0})
    by_cost = Benchmark.from_answers(answers, labels, {"dear": 9.0, "cheap": 1.0})
    assert list(by_cost) == ["cheap", "dear"]
    assert list(Benchmark.from_answers(answers, labels)) == ["dear", "cheap"]


@pytest.mark.parametrize("number", [int, np.int64, np.uint8, np.float32])
def test_costs_may_be_whole_numbers_and_numbers_of_numpy(
    make: Make, number: Any, tmp_path: Path
) -> None:
    answers, labels = make(400, 5, {"a": 1.0, "b": 3.0})
    path, names = tmp_path / "mine.h5", ("latency_ms", "energy_mj", "weights_mib", "activation_mib")
    costs = {n: {f: number(c) for f in (*names, "macs")} for n, c in (("a", 1), ("b", 2))}
    bench = Benchmark.from_answers(answers, labels, costs, out=path, gate_ms=number(1))
    for figure in (*names, "macs"):
        assert getattr(bench.costs("given"), figure).tolist() == [1.0, 2.0]
    point = Benchmark.load(path).query(("a", "b"), ("margin", 0.5), "given")
    assert point.latency_ms == pytest.approx(2 + 2 * point.escalation_rate)
    listed = [NetworkCost(name, {"latency_ms": number(3)}) for name in answers]
    assert Benchmark.from_answers(answers, labels, listed).costs("given").latency_ms[0] == 3.0


# ---- bad input ---------------------------------------------------------------------------------
def _changed(answers: dict[str, Any], name: str, change: Callable[[Any], Any]) -> dict[str, Any]:
    return {**answers, name: change(answers[name])}


def _with_nan(p: Any) -> Any:
    out = np.array(p)
    out[17, 2] = np.nan
    return out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: np.log(p) + 3, "They look like logits: give kind 'logits'"),
        (lambda p: 100 * p, "They look like percent: give kind 'percent'"),
        (lambda p: np.log(p), "They look like logarithms of probabilities"),
        (lambda p: np.minimum(2 * p, 1.0), r"sigmoid.*kind 'logits'"),
        (_with_nan, "NaN or infinity in row 17"),
        (lambda p: p[:-1], "399 answers and there are 400 labels; expected one row an image"),
        (lambda p: np.roll(p, 3, axis=0), "its rows are not those of the labels"),
        (lambda p: p[:, :4] / p[:, :4].sum(1, keepdims=True), "expected the same classes"),
        (lambda p: p[:, 0], r"have shape \(400,\); expected \(n_images, n_classes\)"),
        (lambda p: p.astype(object), "holds object; expected numbers"),
        (lambda p: (p.argmax(1), 2 * p.max(1)), "has a confidence of .*; expected a probability"),
        (lambda p: (p.argmax(1) + 0.5, p.max(1)), "are not whole numbers of classes"),
        (lambda p: (p.argmax(1), p.max(1)[:-1]), "expected one for each image"),
        (lambda p: (p.argmax(1) + 3, p.max(1)), "its rows are not those of the labels"),
    ],
)
def test_answers_that_are_not_what_they_say(make: Make, change: Any, message: str) -> None:
    answers, labels = make(400, 5, {"a": 1.0, "b": 3.0})
    with pytest.raises(AnswersError, match=message):
        Benchmark.from_answers(_changed(answers, "b", change), labels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y + 1, "They look counted from 1: subtract 1"),
        (lambda y: y - 1, "labels hold -1; expected numbers of classes"),
        (lambda y: y + 0.5, "are not whole numbers"),
        (lambda y: np.eye(5)[y], "They look like one-hot labels: give their argmax"),
        (lambda y: np.where(y == 4, 70_000, y), "labels or top-1 answers go up to 70000"),
        (lambda y: y.astype(str), "expected numbers"),
    ],
)
def test_labels_that_are_not_classes(make: Make, change: Any, message: str) -> None:
    answers, labels = make(400, 5, {"a": 1.0, "b": 3.0})
    with pytest.raises(AnswersError, match=message):
        Benchmark.from_answers(answers, change(labels))


def test_labels_from_1_are_told_where_one_more_class_has_answers(make: Make) -> None:
    answers, labels = make(400, 5, {"a": 1.0, "b": 3.0})
    wider = {n: np.concatenate([p, np.zeros((400, 1), np.float32)], 1) for n, p in answers.items()}
    with pytest.raises(AnswersError, match="counted from 0 and the labels from 1"):
        Benchmark.from_answers(wider, labels + 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"costs": {"a": 1.0, "bb": 2.0}}, "a cost is given for 'bb', of which there are no answ"),
        ({"costs": {"a": 1.0}}, "no cost is given for 'b' on given"),
        ({"costs": {"a": 1.0, "b": {"latency": 2.0}}}, "Did you mean 'latency_ms'"),
        ({"costs": {"a": 1.0, "b": -2.0}}, "latency_ms -2.0; expected a number above 0"),
        ({"costs": {"a": 1.0, "b": float("nan")}}, "expected a number above 0"),
        ({"costs": {"a": True, "b": np.True_}}, "latency_ms True; expected a number above 0"),
        ({"costs": {"a": "1", "b": 2}}, "latency_ms '1'; expected a number above 0"),
        ({"costs": {"a": 10**400, "b": 2}}, "expected a number above 0"),
        ({"costs": {"a": {"macs": 10**30}, "b": 2}}, "macs 1000000.*expected a number above 0"),
        ({"costs": [1, 2]}, "costs are given as list; expected a mapping"),
        ({"costs": 3}, "costs are given as int; expected a mapping"),
        ({"gate_ms": "x"}, "gate_ms is 'x'; expected a number of ms"),
        ({"gate_ms": -1.0}, "gate_ms is -1.0; expected a number of ms"),
        ({"device": "my/board"}, "the name 'my/board' of the device is not usable; .* a slash"),
        ({"device": "d" * 300}, "of the device is not usable; expected one line"),
        ({"dataset": 3}, "the name 3 of the data set is not usable"),
        ({"name": "my\ntable"}, "of the table is not usable; expected one line"),
        ({"seed": "one"}, "seed 'one' is not usable; expected a whole number"),
        ({"kind": 3}, "kind is 3; expected probabilities, logits, percent"),
        ({"split": 1.0}, "a share of 1 of the images"),
        ({"split": np.array([400])}, "image 400 is to be val"),
        ({"split": np.zeros(400, bool)}, "of 400 images 0 are val"),
        ({"split": np.array([0.5, 0.2])}, "expected the share of val"),
        ({"kind": "odds"}, "got kind 'odds'"),
        ({"ids": np.arange(3)}, "3 ids of the images, and 400 labels"),
        ({"split": np.arange(200), "ids": np.arange(400) % 300}, "share 100 images, '0'"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_answers(
    make: Make, options: Any, message: str, tmp_path: Path
) -> None:
    answers, labels = make(400, 5, {"a": 1.0, "b": 3.0})
    with pytest.raises(AnswersError, match=message):
        Benchmark.from_answers(answers, labels, out=tmp_path / "mine.h5", **options)
    assert list(tmp_path.iterdir()) == []


def test_val_and_test_that_share_images_are_refused(make: Make) -> None:
    answers, labels = make(400, 5, {"a": 1.0, "b": 3.0})
    sides = {"val": answers, "test": answers}
    images = np.random.default_rng(0).random((400, 3))
    with pytest.raises(AnswersError, match="share 400 images"):
        Benchmark.from_answers(
            sides, {"val": labels, "test": labels}, ids={"val": images, "test": images}
        )
    with pytest.raises(AnswersError, match="'b' has no answers of test"):
        Benchmark.from_answers(
            {"val": answers, "test": {"a": answers["a"]}}, {"val": labels, "test": labels}
        )
    with pytest.raises(AnswersError, match="expected val and test"):
        Benchmark.from_answers(sides, {"val": labels})
    with pytest.raises(AnswersError, match=r'expected {"val": {name: answers}'):
        Benchmark.from_answers(answers, {"val": labels, "test": labels})


@pytest.mark.parametrize("name", ["", " a", "a\nb", "a" * 201])
def test_names_that_cannot_be_printed_are_refused(make: Make, name: str) -> None:
    answers, labels = make(400, 5, {"a": 1.0})
    with pytest.raises(BigLittleError, match="is not the name of a network"):
        Benchmark.from_answers({**answers, name: answers["a"]}, labels)


def test_a_network_that_knows_nothing_of_few_images_is_let_be(make: Make) -> None:
    answers, labels = make(60, 5, {"a": 1.0, "b": 3.0})
    moved = {"a": np.roll(answers["a"], 1, axis=0), "b": answers["b"]}
    assert len(Benchmark.from_answers(moved, labels)) == 2  # too few to tell chance from skill


# ---- what is not known -------------------------------------------------------------------------
def test_a_limit_on_what_nobody_gave_names_it_and_says_what_to_do(make: Make) -> None:
    answers, labels = make(400, 5, {"a": 1.0, "c": 2.0, "b": 3.0})
    bench = Benchmark.from_answers(answers, labels, {"a": 1, "c": 4, "b": 9})
    limits, chain = {"energy_mj": 3.0, "latency_ms": 5.0}, ("a", "c", "b")
    asked: dict[str, Callable[[], Any]] = {
        "a -> b": lambda: bench.choose(("a", "b"), "margin", "given", limits),
        "a -> c -> b": lambda: bench.choose_cascade(chain, "margin", "given", limits),
        "table 'given'": lambda: bench.front("given", limits=limits),
    }
    column = "Import them again with energy_mj of every network: a column energy_mj in --costs FILE"
    for of, ask in asked.items():
        with pytest.raises(ConstraintError, match=f"^{of} has no energy_mj on given; .*{column}"):
            ask()
    guarantee = Guarantee("loss", 0.3, 0.2)
    with pytest.raises(ConstraintError, match="a -> b has no energy_mj on given"):
        guarantee.choose(bench, ("a", "b"), "margin", "given", limits)
    with pytest.raises(ConstraintError, match="with weights_mib of every network"):
        bench.choose(("a", "b"), "margin", "given", {"peak_memory_mib": 3.0})
    evaluator = TableEvaluator(bench, "given")
    with pytest.raises(ConstraintError, match=r"candidates evaluated has energy_mj; ask for"):
        get_searcher("random").run(evaluator, 20, limits=limits)


def test_costs_that_no_network_has_together_are_listed(make: Make) -> None:
    answers, labels = make(400, 5, {"a": 1.0, "b": 3.0})
    costs = {"a": {"latency_ms": 1}, "b": {"energy_mj": 3}}
    bench = Benchmark.from_answers(answers, labels, costs)
    with pytest.raises(ConstraintError, match="no network with all of energy_mj, error, latency_m"):
        bench.front("given", limits={"energy_mj": 3.0})
