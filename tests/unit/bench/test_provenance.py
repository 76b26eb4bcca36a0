"""How figures came about: of one member its own word, of a collection the least founded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair, get_space, load_device
from biglittle.bench.device_columns import (
    column_words,
    device_columns,
    joined_columns,
    taken_columns,
)
from biglittle.bench.errors import TableError
from biglittle.bench.points import concatenate
from biglittle.bench.provenance import (
    PROVENANCES,
    MemberWords,
    answered_pairs,
    asked,
    chosen,
    gathered,
    in_turn,
    pair_provenance,
    weakest,
    words_among,
    words_at,
)
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table

PI = "raspberry-pi-4"
GATE = Gate("margin", 0.3)


def ranks(*words: str) -> np.ndarray:
    """Places of some words, shape (n,)."""
    return np.array([PROVENANCES.index(word) for word in words], np.uint8)


# ---- words ---------------------------------------------------------------------------------
def test_a_collection_has_the_least_founded_word_and_each_member_its_own() -> None:
    words = MemberWords({"latency_ms": ranks("block-sum", "predicted")}, {"energy_mj": "modelled"})
    assert dict(words) == {"latency_ms": "predicted", "energy_mj": "modelled"}
    assert len(words) == 2
    assert words.at(0) == {"latency_ms": "block-sum", "energy_mj": "modelled"}
    assert words.at(-1)["latency_ms"] == "predicted"
    assert words.take(np.array([0, 0]))["latency_ms"] == "block-sum"
    assert words.take(np.array([False, True]))["latency_ms"] == "predicted"
    assert json.loads(json.dumps(dict(words)))["latency_ms"] == "predicted"


def test_a_pair_is_as_its_weaker_network_and_a_mean_is_never_measured() -> None:
    for little in PROVENANCES:
        for big in PROVENANCES:
            words = pair_provenance(
                {"latency_ms": little, "energy_mj": big}, {"latency_ms": big, "energy_mj": big}
            )
            worst = max(little, big, key=PROVENANCES.index)
            expected = "modelled" if worst == "measured" else worst
            assert words["latency_ms"] == words["latency_worst_ms"] == expected
            assert words["macs"] == "modelled"
    one = {"latency_ms": "measured", "energy_mj": "modelled"}
    some = MemberWords({"latency_ms": ranks("measured", "block-sum", "predicted")}, one)
    some = MemberWords(some.ranks, {"energy_mj": "modelled"})
    pairs = pair_provenance(one, some)
    assert isinstance(pairs, MemberWords)
    each = [pairs.at(i)["latency_p95_ms"] for i in range(3)]
    assert each == ["modelled", "block-sum", "predicted"]
    assert pairs.at(0)["energy_mj"] == "modelled"


def test_words_of_two_kinds_of_members() -> None:
    no = {"latency_ms": "block-sum", "macs": "modelled"}
    assert chosen(np.array([False, False]), {"latency_ms": "predicted"}, no) == no
    assert chosen(True, {"latency_ms": "measured"}, no)["latency_ms"] == "measured"
    mixed = chosen(np.array([True, False]), {"latency_ms": "measured"}, no)
    assert isinstance(mixed, MemberWords)
    assert isinstance(mixed, MemberWords)
    assert [mixed.at(i)["latency_ms"] for i in (0, 1)] == ["measured", "block-sum"]
    again = chosen(np.array([True, True]), {"latency_ms": "simulated"}, mixed)
    assert again["latency_ms"] == "simulated"
    assert weakest([mixed, {"latency_ms": "predicted", "macs": "measured"}]) == {
        "latency_ms": "predicted",
        "macs": "modelled",
    }


def test_members_of_the_first_kind_keep_their_own_words() -> None:
    yes = MemberWords({"latency_ms": ranks("measured", "given", "given")})
    mixed = chosen(np.array([True, True, False]), yes, {"latency_ms": "given"})
    assert [words_at(mixed, i)["latency_ms"] for i in range(3)] == ["measured", "given", "given"]
    both = chosen(np.array([True, True, True]), yes, {"latency_ms": "given"})
    assert [words_at(both, i)["latency_ms"] for i in range(3)] == ["measured", "given", "given"]


def test_a_pair_that_never_escalates_has_the_words_of_its_little_network() -> None:
    little = {"latency_ms": "predicted", "energy_mj": "modelled", "macs": "modelled"}
    big = dict.fromkeys(little, "given")
    assert asked(little, big, 0.0) == little
    assert asked(little, big, 0.1) == big
    words = answered_pairs(little, big, "measured", np.array([0.0, 0.5, 0.0]))
    each = [words_at(words, i) for i in range(3)]
    assert [w["latency_ms"] for w in each] == ["predicted", "given", "predicted"]
    assert [w["latency_p95_ms"] for w in each] == ["predicted", "given", "predicted"]
    assert [w["accuracy"] for w in each] == ["measured"] * 3
    some = MemberWords({n: ranks("block-sum", "predicted", "predicted") for n in little})
    words = answered_pairs(some, big, "measured", np.array([0.0, 0.5, 0.0]))
    got = [words_at(words, i)["latency_ms"] for i in range(3)]
    assert got == ["block-sum", "given", "predicted"]


def test_the_words_that_occur_are_listed_the_weakest_last() -> None:
    words = MemberWords({"latency_ms": ranks("given", "measured", "given")}, {"macs": "modelled"})
    assert words_among(words, "latency_ms") == ["measured", "given"]
    assert words_among(words, "latency_ms", np.array([0, 2])) == ["given"]
    assert words_among(words, "macs") == ["modelled"]
    assert words_among(words, "energy_mj") == []


def test_members_are_gathered_and_joined() -> None:
    two = [{"latency_ms": "block-sum"}, {"latency_ms": "predicted"}]
    words = gathered([*two, {}])
    assert isinstance(words, MemberWords)
    assert [words.at(i)["latency_ms"] for i in (0, 1)] == ["block-sum", "predicted"]
    assert gathered([two[0], two[0]]) == two[0]
    with pytest.raises(ValueError, match="'guessed' for latency_ms, expected one of measured"):
        gathered([two[0], {"latency_ms": "guessed"}])
    joined = in_turn([two[0], words], [2, 3])
    assert isinstance(joined, MemberWords)
    assert [joined.at(i)["latency_ms"] for i in (1, 3)] == ["block-sum", "predicted"]
    assert in_turn([two[0], two[0]], [2, 3]) == two[0]
    without = {"latency_ms": "predicted"}  # as of a device of which no energy is known
    with_energy = {**without, "energy_mj": "modelled"}
    assert dict(in_turn([without, with_energy], [3, 1])) == with_energy
    assert dict(in_turn([with_energy, without], [3, 1])) == with_energy
    mixed = in_turn(
        [with_energy, MemberWords({"energy_mj": np.array([2], np.uint8)}, without)], [2, 1]
    )
    assert isinstance(mixed, MemberWords)
    assert [mixed.at(i)["energy_mj"] for i in (1, 2)] == ["modelled", "predicted"]


# ---- a table with exits --------------------------------------------------------------------
@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six networks, of which two are there cut at exits as well, with columns of a Pi."""
    contents = synthetic_table(6, n_exits=2)
    where = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(where, contents, "1", "2026-01-01")
    return where


@pytest.fixture(scope="module")
def bench(path: Path) -> Benchmark:
    """The same as a benchmark."""
    return Benchmark.load(path)


def all_pairs(bench: Benchmark) -> list[Pair]:
    """Every two networks of a table, each from another one."""
    return [Pair(str(a), str(b)) for a in bench.table.names for b in bench.table.names]


def expected(pair: Pair) -> str:
    """The word of a latency on a device with a block table."""
    return "predicted" if "@" in pair.little + pair.big else "block-sum"


def test_every_point_has_the_word_of_its_own_two_networks(bench: Benchmark) -> None:
    pytest.importorskip("scipy")
    pairs = all_pairs(bench)
    index = {str(name): i for i, name in enumerate(bench.table.names)}
    rows = [[index[getattr(p, of)] for p in pairs] for of in ("little", "big")]
    points = bench.query_many(*rows, GATE.metric, GATE.threshold, PI)
    assert points.provenance["latency_ms"] == "predicted"
    assert bench.provenance(PI)["latency_ms"] == "predicted"
    for i, (pair, record) in enumerate(zip(pairs, points.records(), strict=True)):
        word = expected(pair)
        assert (
            record["provenance"]["latency_worst_ms"] == record["provenance"]["latency_ms"] == word
        )
        if i % 17 == 0:
            point = bench.query(pair, GATE, PI)
            assert point.provenance == points[i].provenance
            assert any("mean latency" in s and s.endswith(word) for s in point.text())
            curve = bench.curve(pair, GATE.metric, PI)
            assert curve[3].provenance["latency_ms"] == curve.provenance["latency_ms"] == word
    whole = np.flatnonzero([expected(p) == "block-sum" for p in pairs])
    assert points.take(whole).provenance["latency_ms"] == "block-sum"
    front = bench.front(PI)
    assert all(p.provenance["latency_ms"] == expected(Pair(p.little, p.big)) for p in front)
    limits = {"latency_ms": 1e3}
    assert bench.choose(pairs[0], "margin", PI, limits).provenance["latency_ms"] == "block-sum"
    joined = concatenate([points.take(whole), points[:5]])
    assert [p.provenance for p in joined[-5:]] == [p.provenance for p in points[:5]]
    elsewhere = replace(points, provenance={**points.provenance, "accuracy": "predicted"})
    with pytest.raises(TableError, match="of answers"):
        concatenate([points, elsewhere])


def test_a_table_keeps_the_word_of_every_network(path: Path, tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    table = Benchmark.load(path).table
    ids = [str(a) for a in table.networks["architecture"]]
    columns = device_columns(load_device(PI), table.space, ids, table.exits)
    contents = table.contents()
    devices = {**contents.devices, PI: columns}
    write_table(tmp_path / "t.h5", replace(contents, devices=devices), "1", "2026-01-01")
    again = Benchmark.load(tmp_path / "t.h5")
    assert again.info()["devices"][PI]["provenance"]["latency_ms"] == "predicted"
    costs = again.costs(PI)
    for row, cut in enumerate(table.exits):
        word = "predicted" if cut else "block-sum"
        assert costs.one(row).provenance["latency_ms"] == word
    assert costs.take(again.table.rows()).provenance["latency_ms"] == "block-sum"
    assert costs.latency_ms == pytest.approx(table.costs(PI).latency_ms)


def test_rows_that_are_added_keep_their_words() -> None:
    pytest.importorskip("scipy")
    profile, contents = load_device(PI), synthetic_table(4, n_exits=1)
    ids = contents.networks["architecture"].tolist()
    space = get_space(profile.space)
    exits = space.exit_numbers(contents.networks["exit"].tolist())
    whole = [a for a, cut in zip(ids, exits, strict=True) if not cut]
    before = device_columns(profile, space, whole)
    assert column_words(before)["latency_ms"] == "block-sum"
    fresh = device_columns(profile, space, ids, exits)
    joined = joined_columns(before, len(whole), fresh, len(ids))
    assert joined["provenance"]["latency_ms"] == "predicted"
    words = column_words(joined)
    assert isinstance(words, MemberWords)
    assert words.take(np.arange(len(whole)))["latency_ms"] == "block-sum"
    assert np.isnan(joined["trunk_ms"][: len(whole)]).all()
    first = taken_columns(joined, np.arange(len(whole)), trunks=False)
    assert first.keys() == before.keys()
    assert column_words(first) == before["provenance"]
    assert len(joined["latency_ms"]) == len(joined["trunk_ms"]) == len(whole) + len(ids)
