"""What the command line is told of cascades: which question it is, and how the answer reads."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark, CascadeFront, CascadePoint
from biglittle.bench.errors import BigLittleError, ConstraintError, GateError, TableError
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers.cascade_answer import CascadeQuery, cascade_answer, route


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """Six inherited networks, two of them with exits."""
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(6, n_val=80, n_test=100, n_exits=2), "1", "2026-01-01")
    return Benchmark.load(path)


@pytest.fixture(scope="module")
def cut(bench: Benchmark) -> list[str]:
    """The networks with exits."""
    table = bench.table
    return [str(a) for a in np.unique(table.networks["architecture"][table.exits > 0])]


def _query(*networks: str, **options: object) -> CascadeQuery:
    return CascadeQuery(networks, device=DEVICE, **options)  # type: ignore[arg-type]


def test_thresholds_make_a_point_and_limits_choose_one(bench: Benchmark, cut: list[str]) -> None:
    networks = (f"{cut[0]}@4", f"{cut[0]}@12", cut[0])
    fixed = cascade_answer(bench, _query(*networks, thresholds=("0.4", "0.5")))
    assert isinstance(fixed.answer, CascadePoint)
    assert fixed.answer.thresholds == (0.4, 0.5)
    assert fixed.document()["networks"] == list(networks)
    limits = {"latency_ms": 1e3}
    chosen = cascade_answer(bench, _query(cut[0], exits=("4", "12"), limits=limits))
    assert isinstance(chosen.answer, CascadePoint)
    assert chosen.answer.networks == networks
    assert "thresholds chosen on val within latency_ms 1000, test images" in chosen.text(5)[0]


def test_the_head_of_a_front_names_all_words_of_its_rows(bench: Benchmark, cut: list[str]) -> None:
    answers = {}
    for split in ("val", "test"):  # always right
        labels = np.asarray(bench.table.predictions(split).labels)
        odds = np.full((len(labels), bench.table.n_classes), 0.01)
        odds[np.arange(len(labels)), labels] = 1.0
        answers[split] = odds / odds.sum(axis=1, keepdims=True)
    joined = bench.with_network("cloud", answers, latency_ms={DEVICE: 42.0})
    answer = cascade_answer(joined, _query(f"{cut[0]}@4", "cloud"))
    assert isinstance(answer.answer, CascadeFront)
    words = [(p.escalation_rate > 0, p.provenance["accuracy"]) for p in answer.answer]
    assert set(words) == {(False, "measured"), (True, "given")}
    assert answer.text(1000)[1].startswith("acc % (measured, given)  ")


def test_neither_makes_a_front(bench: Benchmark, cut: list[str]) -> None:
    one = cascade_answer(bench, _query(f"{cut[0]}@4", cut[0]))
    assert isinstance(one.answer, CascadeFront)
    assert one.answer.n_cascades == 1
    document = one.document()
    assert document["config"]["chosen_on"] == "val"
    assert len(document["front"]) == len(one.answer)
    moved: list[tuple[int, int]] = []
    every = cascade_answer(bench, _query(cut[0]), lambda *done: moved.append(done))
    assert isinstance(every.answer, CascadeFront)
    assert every.answer.n_cascades == moved[-1][1] == 46
    lines = every.text(3)
    assert len(lines) == 2 + min(3, len(every.answer))
    assert lines[1].startswith("acc % (measured)")
    assert cut[0] in lines[2]
    assert "whole" in route(one.answer[0])


def test_an_exit_of_another_network_is_a_sibling_and_says_so(
    bench: Benchmark, cut: list[str]
) -> None:
    query = _query(f"{cut[1]}@4", f"{cut[0]}@12", cut[0], thresholds=("0.4", "0.5"))
    text = "\n".join(cascade_answer(bench, query).text(5))
    assert f"{cut[0]}@12 goes on from no exit before it (a sibling)" in text
    assert f"{cut[0]} (prefix) answers" in text
    pair = _query(f"{cut[1]}@4", cut[0], thresholds=("0.4",), gates=("entropy",))
    answer = cascade_answer(bench, pair)
    assert answer.answer.couplings == ("sibling",)  # type: ignore[union-attr]
    assert route(answer.answer) == f"{cut[1]}@4 entropy 0.4 > {cut[0]}"  # type: ignore[arg-type]


def test_what_makes_no_cascade_says_what_does(bench: Benchmark, cut: list[str]) -> None:
    chain = (f"{cut[0]}@4", f"{cut[0]}@12", cut[0])
    bad: list[tuple[type[BigLittleError], str, CascadeQuery]] = [
        (GateError, "1 threshold was given for 3 networks; expected 2", _query(
            *chain, thresholds=("0.4",))),
        (BigLittleError, "'0.4,x' is not a list of numbers", _query(
            *chain, thresholds=("0.4", "x"))),
        (GateError, "3 gate metrics given for 2 gates", _query(
            *chain, thresholds=("0.4", "0.4"), gates=("margin",) * 3)),
        (GateError, "thresholds were given for one network", _query(
            cut[0], thresholds=("0.4",))),
        (ConstraintError, "exits were given for 3 networks", _query(*chain, exits=("4",))),
        (ConstraintError, "both thresholds and limits", _query(
            *chain, thresholds=("0.4", "0.4"), limits={"macs": 1e9})),
        (ConstraintError, "split val was given without thresholds", _query(
            *chain, split="val", limits={"macs": 1e9})),
        (ConstraintError, "leave --split out", _query(cut[0], split="val")),
        (TableError, "is not in table", _query(f"{cut[0]}@20", cut[0], thresholds=("0.4",))),
        (BigLittleError, "5 networks given; a cascade has 2 to 4", _query(
            *chain, *chain[:2], thresholds=("0.4",) * 4)),
    ]  # fmt: skip
    for error, message, query in bad:
        with pytest.raises(error, match=message):
            cascade_answer(bench, query)
