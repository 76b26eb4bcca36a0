"""Networks of no architecture beside those of a table's space."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench import Benchmark, Cascade, Pair, Table
from biglittle.bench.errors import (
    AnswersError,
    ArchitectureError,
    ConstraintError,
    TableError,
    UnknownNameError,
)
from biglittle.bench.external_networks import beside
from biglittle.bench.own.beside import external_network
from biglittle.bench.points import concatenate
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table

PI, COLUMN = "raspberry-pi-4", "synthetic-device"


def answers_of(bench: Benchmark, seed: int = 0, sure: float = 2.0) -> dict[str, Any]:
    """Probabilities that are mostly right, by split."""
    rng, out = np.random.default_rng(seed), {}
    for split in ("val", "test"):
        labels = bench.table.predictions(split).labels
        odds = rng.random((len(labels), bench.table.n_classes))
        odds[np.arange(len(labels)), labels] += sure * rng.random(len(labels))
        out[split] = odds / odds.sum(axis=1, keepdims=True)
    return out


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    path = tmp_path_factory.mktemp("external") / "made-up.h5"
    contents = synthetic_table(12, n_exits=2)
    write_table(path, contents, "0", "2026-01-01")
    return Benchmark.load(path)


@pytest.fixture(scope="module")
def with_oracle(before: Benchmark) -> Benchmark:
    return before.with_network(
        "my oracle", answers_of(before), latency_ms={PI: 42.0}, macs=10**9, params=10**6
    )


def test_any_network_may_escalate_to_it_and_it_to_any(
    before: Benchmark, with_oracle: Benchmark
) -> None:
    little = before.architectures[0]
    right = answers_of(before)["test"].argmax(axis=1) == before.table.predictions("test").labels
    point = with_oracle.query((little, "my oracle"), ("margin", 1.0), PI)
    assert point.escalation_rate == 1.0
    assert point.accuracy == right.mean()
    own = before.query((little, little), ("margin", 0.0), PI)
    assert point.latency_ms == pytest.approx(own.latency_ms + 42.0)
    assert point.macs == own.macs + 10**9
    assert point.coupling == "sibling"
    assert point.peak_memory_mib is None
    assert point.energy_mj is None
    back = with_oracle.query(("my oracle", little), ("margin", 0.0), PI)
    assert back.accuracy == right.mean()
    assert back.latency_ms == 42.0


def test_a_point_that_never_asks_it_has_the_words_of_its_little_network(
    before: Benchmark, with_oracle: Benchmark
) -> None:
    little, big = before.architectures[:2]
    never = with_oracle.query((little, "my oracle"), ("margin", 0.0), PI)
    own = before.query((little, big), ("margin", 0.0), PI)
    assert never.escalation_rate == 0
    assert never.latency_ms == own.latency_ms
    names = ("accuracy", "escalation_rate", "latency_ms", "latency_p95_ms", "macs")
    assert {n: never.provenance[n] for n in names} == {n: own.provenance[n] for n in names}
    points = with_oracle.query_many([little] * 2, ["my oracle"] * 2, "margin", [0.0, 0.5], PI)
    assert [p.provenance["latency_ms"] for p in points] == [own.provenance["latency_ms"], "given"]
    assert [p.provenance["accuracy"] for p in points] == ["measured", "given"]
    curve = with_oracle.curve((little, "my oracle"), "margin", PI)
    assert curve[0].provenance == never.provenance
    assert curve[256].provenance["latency_ms"] == "given"
    chain = Cascade((little, big, "my oracle"), (("margin", 0.5), ("margin", 0.0)))
    asked = with_oracle.query_cascade(chain, PI)
    assert (asked.reach[2], asked.provenance["accuracy"]) == (0, "measured")


def test_a_front_that_asks_it_now_and_then_has_the_words_of_each_point(
    with_oracle: Benchmark,
) -> None:
    points = with_oracle.front(PI, big="my oracle").points
    given = points.escalation_rate > 0
    assert given.any()
    assert not given.all()
    words = {(bool(p.escalation_rate > 0), p.provenance["accuracy"]) for p in points}
    assert words == {(True, "given"), (False, "measured")}
    both = concatenate([points.take(np.flatnonzero(g)) for g in (given, ~given)])
    assert {p.provenance["accuracy"] for p in both} == {"given", "measured"}


def test_what_came_as_given_says_so_and_nothing_else_does(
    before: Benchmark, with_oracle: Benchmark
) -> None:
    little, big = before.architectures[:2]
    words = with_oracle.query((little, "my oracle"), ("margin", 0.5), PI).provenance
    assert {words[n] for n in ("accuracy", "escalation_rate", "macs", "latency_ms")} == {"given"}
    assert with_oracle.provenance(PI) == before.provenance(PI)
    for pair in ((little, big), (big, little)):
        mine, theirs = (b.query(pair, ("margin", 0.5), PI) for b in (with_oracle, before))
        assert mine == theirs
    told = with_oracle.table.networks["architecture"].tolist().index("my oracle")
    frame = with_oracle.networks().columns()
    assert str(np.asarray(frame["accuracy_test_provenance"])[told]) == "given"
    assert {*np.asarray(frame["accuracy_test_provenance"])[:told].tolist()} == {"measured"}
    explained = with_oracle.explain(Pair(little, "my oracle"), ("margin", 0.5))
    assert explained.provenance["routing_accuracy"] == "given"


def test_a_network_that_was_asked_here_is_measured(before: Benchmark) -> None:
    asked_here = before.with_network("teacher", answers_of(before), weights_sha256="f" * 64)
    words = asked_here.query((before.architectures[0], "teacher"), ("margin", 0.5), PI).provenance
    assert words["accuracy"] == "measured"
    assert asked_here.query(("teacher", "teacher"), ("margin", 0.5), PI).latency_ms is None


def test_fronts_and_facts_of_the_space_stay_as_they_were(
    before: Benchmark, with_oracle: Benchmark
) -> None:
    mine, theirs = (b.front(PI).points for b in (with_oracle, before))
    assert mine.little.tolist() == theirs.little.tolist()
    assert np.array_equal(mine.accuracy, theirs.accuracy)
    assert with_oracle.architectures == before.architectures
    assert with_oracle.table.unchanged_since(before.table.sha256)
    assert with_oracle.table.schema_version == 5
    assert before.table.schema_version < 5  # older code reads what it can
    facts = with_oracle.info()
    assert facts["training"] == {**before.info()["training"], "external": 1}
    for name, device in before.info()["devices"].items():
        assert facts["devices"][name] == device
    assert facts["devices"][PI]["provenance"]["latency_ms"] == before.provenance(PI)["latency_ms"]


def test_its_latency_stands_beside_those_that_a_profile_predicts(
    before: Benchmark, with_oracle: Benchmark
) -> None:
    row = with_oracle.row("my oracle")
    inside = np.flatnonzero(~with_oracle.table.outside)
    assert {*with_oracle.devices} - {*before.devices} == {PI}
    for device, latency in ((PI, 42.0), ("raspberry-pi-5", np.nan), (COLUMN, np.nan)):
        costs = with_oracle.costs(device)
        assert np.array_equal(costs.latency_ms[row], latency, equal_nan=True)
        assert np.array_equal(costs.latency_ms[inside], before.costs(device).latency_ms)
    with pytest.raises(UnknownNameError, match="my-board"):
        before.with_network("mine", answers_of(before), latency_ms={"my-board": 3.0})


def test_a_front_may_end_in_it_or_begin_with_any(before: Benchmark, with_oracle: Benchmark) -> None:
    front = with_oracle.front(PI, ("error", "macs"), big="my oracle", gates=("margin",))
    asked_more = front.points.escalation_rate > 0
    assert {*front.points.big[asked_more].tolist()} == {"my oracle"}
    curves = [
        with_oracle.curve(Pair(name, "my oracle"), "margin", PI, "val")
        for name in with_oracle.table.names[with_oracle.table.rows(exits=True)].tolist()
    ]
    accuracy, macs = (np.concatenate([getattr(c, n) for c in curves]) for n in ("accuracy", "macs"))
    for point in front.chosen:  # nothing that is asked is better, by brute force
        assert not ((accuracy > point.accuracy) & (macs <= point.macs)).any()
        assert not ((accuracy >= point.accuracy) & (macs < point.macs)).any()
    little = before.architectures[3]
    for bench in (before, with_oracle):
        begun = bench.front(PI, little=little)
        assert {*begun.points.little.tolist()} == {little}
        assert len(begun) < len(bench.front(PI))
    one = with_oracle.front(PI, ("error", "macs"), little=little, big="my oracle")
    assert one.n_pairs <= front.n_pairs
    assert {*one.points.little.tolist()} == {little}


def test_a_front_that_cannot_end_in_it_says_why(before: Benchmark, with_oracle: Benchmark) -> None:
    with pytest.raises(ConstraintError, match=r"no latency_ms on raspberry-pi-5.*error,macs"):
        with_oracle.front("raspberry-pi-5", big="my oracle")
    assert len(with_oracle.front("raspberry-pi-5", ("error", "macs"), big="my oracle"))
    unknown = before.with_network("unknown", answers_of(before))
    with pytest.raises(ConstraintError, match=r"known of it\.$"):
        unknown.front(PI, big="unknown")
    with pytest.raises(ArchitectureError, match="my orcale"):
        with_oracle.front(PI, big="my orcale")


def test_a_joined_table_goes_on_with_what_lies_beside_the_one_it_grew_from(tmp_path: Path) -> None:
    shipped = Benchmark.load("fbnet-cifar10")
    mine = shipped.with_network("mine", answers_of(shipped), out=tmp_path / "mine.h5")
    assert mine.beside("surrogate") == shipped.table.path.parent / "surrogate"
    own = tmp_path / "surrogate"
    own.mkdir()
    assert mine.beside("surrogate") == own
    assert mine.beside("nothing") == tmp_path / "nothing"


def test_a_table_of_ones_own_has_what_lies_beside_it_alone(before: Benchmark) -> None:
    assert before.beside("surrogate") == before.table.path.parent / "surrogate"


def test_a_cascade_ends_in_it(before: Benchmark, with_oracle: Benchmark) -> None:
    from biglittle.bench import Cascade

    little, middle = before.architectures[:2]
    chain = Cascade((little, middle, "my oracle"), (("margin", 1.0), ("margin", 1.0)))
    point = with_oracle.query_cascade(chain, PI)
    right = answers_of(before)["test"].argmax(axis=1) == before.table.predictions("test").labels
    assert point.accuracy == right.mean()
    assert point.provenance["accuracy"] == "given"


def test_a_second_one_stands_beside_the_first(with_oracle: Benchmark, before: Benchmark) -> None:
    both = with_oracle.with_network("other", answers_of(before, seed=1))
    point = both.query(("my oracle", "other"), ("margin", 0.2), PI)
    assert 0 < point.escalation_rate < 1
    assert point.latency_ms is None
    with pytest.raises(TableError, match="has a network 'other'"):
        both.with_network("other", answers_of(before))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a@b", "without @ and :"),
        ("a:int8", "without @ and :"),
        ("", "at most 80 characters"),
        (" padded ", "one line"),
        ("two\nlines", "one line"),
        ("0" * 22, "is an architecture of space 'fbnet'"),
    ],
)
def test_a_name_that_could_be_mistaken_is_refused(before: Benchmark, name: str, text: str) -> None:
    with pytest.raises(ArchitectureError, match=text):
        before.with_network(name, answers_of(before))


def test_answers_that_do_not_fit_are_refused(before: Benchmark) -> None:
    good = answers_of(before)
    wrong: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({"test": good["test"]}, {}, "expected val and test"),
        ({**good, "val": good["val"][1:]}, {}, "299 answers of val and there are 300"),
        ({s: a[:, :9] / a[:, :9].sum(1, keepdims=True) for s, a in good.items()}, {}, "9 classes"),
        ({**good, "val": good["val"][::-1]}, {}, "its rows are not those of the labels"),
        (good, {"latency_ms": {PI: -1.0}}, "expected a number above 0"),
        (good, {"macs": 1.5}, "expected a whole number"),
        (good, {"kind": "odds"}, "got kind 'odds'"),
        (
            {s: (a.argmax(1), a.max(1)) for s, a in good.items()},
            {},
            "has no entropy, which the table stores",
        ),
    ]
    for answers, facts, text in wrong:
        with pytest.raises(AnswersError, match=text):
            before.with_network("mine", answers, **facts)


def test_a_file_in_the_way_is_not_replaced(before: Benchmark, tmp_path: Path) -> None:
    out = tmp_path / "there.h5"
    out.write_bytes(b"mine")
    with pytest.raises(AnswersError, match="replace=True"):
        before.with_network("mine", answers_of(before), out=out)
    assert out.read_bytes() == b"mine"
    written = before.with_network("mine", answers_of(before), out=out, replace=True)
    assert Benchmark.load(out).table.sha256 == written.table.sha256


def test_a_misspelt_name_is_told_what_there_is(with_oracle: Benchmark) -> None:
    with pytest.raises(ArchitectureError, match="known by a name: my oracle"):
        with_oracle.query(("my orcale", "my oracle"), ("margin", 0.5), PI)


def test_it_can_be_neither_drawn_nor_extracted(with_oracle: Benchmark) -> None:
    from biglittle.bench.anatomy import anatomies

    with pytest.raises(ArchitectureError, match="known by their answers alone"):
        anatomies(["my oracle"], PI, with_oracle)


def test_given_networks_get_no_such_neighbour(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 400)
    odds = rng.random((400, 3))
    odds[np.arange(400), labels] += 1
    mine = Benchmark.from_answers({"a": odds / odds.sum(1, keepdims=True)}, labels)
    with pytest.raises(TableError, match="biglittle import answers"):
        mine.with_network("b", answers_of(mine))


def test_a_file_whose_external_network_has_an_exit_is_refused(
    before: Benchmark, tmp_path: Path
) -> None:
    new = external_network(before.table, "mine", answers_of(before))
    contents = beside(before.table.contents(), before.table.space, new)
    exits = contents.networks["exit"].astype("U8")
    exits[-1] = "12"
    bad = replace(contents, networks={**contents.networks, "exit": exits})
    with pytest.raises(TableError, match="has an exit or a precision"):
        write_table(tmp_path / "bad.h5", bad, "0", "2026-01-01")


def test_it_may_stand_before_the_others(before: Benchmark, tmp_path: Path) -> None:
    new = external_network(before.table, "mine", answers_of(before), latency_ms={COLUMN: 7.0})
    contents = beside(before.table.contents(), before.table.space, new)
    n = len(contents.networks["architecture"])
    first = contents.take(np.roll(np.arange(n), 1))
    write_table(tmp_path / "first.h5", first, "0", "2026-01-01")
    bench = Benchmark.load(tmp_path / "first.h5")
    assert bench.row("mine") == 0
    for device in (COLUMN, PI):
        known = before.costs(device).latency_ms
        assert np.array_equal(bench.costs(device).latency_ms[1:], known, equal_nan=True)
    assert bench.costs(COLUMN).latency_ms[0] == 7.0
    assert Table(tmp_path / "first.h5").couplings.one_name(0, 1) == "sibling"
