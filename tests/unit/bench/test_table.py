"""The table on disk: round trip, and every way a file can be wrong."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from biglittle.bench import Benchmark, Pair, Table, get_space
from biglittle.bench.errors import ArchitectureError, TableError, UnknownNameError
from biglittle.bench.rows import TRAININGS, NetworkKey, is_held_out
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table


def test_info_has_the_promised_fields(path: Path) -> None:
    info = Benchmark.load(path).info()
    assert {"name", "space", "dataset", "training", "devices", "splits", "schema_version"} <= {
        *info
    }
    assert info["training"] == {"inherited": 12}
    assert info["sha256"] == json.loads(path.with_suffix(".json").read_text())["sha256"]


def test_a_device_without_energies_has_no_word_for_them() -> None:
    bench = Benchmark.load("fbnet-cifar10")
    for name, facts in bench.info()["devices"].items():
        energies = np.isfinite(bench.costs(name).energy_mj).any()
        assert ("energy_mj" in facts["provenance"]) == energies


def test_a_path_may_be_text(path: Path) -> None:
    assert Table(str(path)).sha256 == Table(path).sha256


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.h5"
    with h5py.File(foreign, "w") as file:
        file["x"] = np.arange(3)
    with pytest.raises(TableError, match="no manifest"):
        Table(foreign)
    with pytest.raises(TableError, match="not a biglittle-table"):
        Table(foreign, check=False)


def test_other_schema_and_other_space_are_refused(path: Path) -> None:
    for key, value, text in (
        ("schema_version", 99, "schema version 99"),
        ("space_hash", "f" * 64, "another version of space"),
    ):
        with h5py.File(path, "r+") as file:
            before, file.attrs[key] = file.attrs[key], value
        with pytest.raises(TableError, match=text):
            Table(path, check=False)
        with h5py.File(path, "r+") as file:
            file.attrs[key] = before


def test_unknown_names_say_the_nearest(path: Path) -> None:
    with pytest.raises(UnknownNameError, match="table 'fbnet-cifar'"):
        Benchmark.load("fbnet-cifar")
    with pytest.raises(UnknownNameError, match="Did you mean 'synthetic-device'"):
        Benchmark.load(path).costs("synthetic-devise")
    with pytest.raises(TableError, match="no table file"):
        Benchmark.load("missing.h5")


# ---- rows of several trainings -----------------------------------------------------------------
@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Table:
    target = tmp_path_factory.mktemp("trained") / "table.h5"
    contents = synthetic_table(n_pairs=2, n_trained=4)
    write_table(target, dataclasses.replace(contents, reference_points={"a": 1}), "1", "2026-01-01")
    return Table(target)


def test_rows_of_every_training_are_found(trained: Table) -> None:
    contents = synthetic_table(n_pairs=2, n_trained=4)
    counts = {t: len(trained.rows(t)) for t in TRAININGS if t != "given"}
    assert counts == {
        "inherited": 12,
        "finetuned": 4,
        "standalone": 2,
        "external": 0,
        "independent": 8,
        "distilled": 8,
        "joint": 8,
        "gated": 8,
    }
    assert trained.reference_points == {"a": 1}
    for name, column in contents.networks.items():
        assert trained.networks[name].tolist() == column.tolist()
    for row in trained.rows("finetuned"):
        architecture = str(trained.networks["architecture"][row])
        assert trained.row[NetworkKey(architecture, training="finetuned"), ""] == row
        assert trained.network_row(architecture) != row


def test_every_cotrained_pair_gives_its_two_rows(trained: Table) -> None:
    pairs = trained.cotrained()
    assert len(pairs) == 16
    assert len(set(pairs)) == 16
    assert {p.seed for p in pairs} == {0, 1, 2}
    columns = trained.networks
    for pair in pairs:
        little, big = trained.pair_rows(pair)
        assert columns["architecture"][[little, big]].tolist() == [pair.little, pair.big]
        assert columns["partner"][[little, big]].tolist() == [pair.big, pair.little]
        assert columns["role"][[little, big]].tolist() == ["little", "big"]
        assert set(columns["training"][[little, big]]) == {pair.training}
        assert set(columns["seed"][[little, big]]) == {pair.seed}
    inherited = Pair(pairs[0].little, pairs[0].big)
    assert set(trained.pair_rows(inherited)) <= set(trained.rows("inherited").tolist())


def test_a_pair_trained_both_ways_round_is_two_pairs(tmp_path: Path) -> None:
    contents = synthetic_table(n_networks=4, n_pairs=1)
    networks = {k: np.array(v) for k, v in contents.networks.items()}
    rows = np.flatnonzero((networks["training"] == "joint") & (networks["seed"] == 1))
    assert len(rows) == 2
    networks["seed"][rows] = 0
    networks["role"][rows] = ["big", "little"]
    write_table(tmp_path / "t.h5", dataclasses.replace(contents, networks=networks), "1", "d")
    table = Table(tmp_path / "t.h5")
    little, big = networks["architecture"][rows]
    one = table.pair_rows(Pair(little, big, "joint"))
    other = table.pair_rows(Pair(big, little, "joint"))
    assert not {*one} & {*other}


def test_missing_pairs_say_how_many_there_are(trained: Table) -> None:
    pair = trained.cotrained()[0]
    with pytest.raises(TableError, match=r"which has 4 joint pairs\. Table\.cotrained\(\)"):
        trained.pair_rows(Pair(pair.little, pair.little, "joint"))
    with pytest.raises(TableError, match=r"which has 4 finetuned networks among its 50"):
        trained.pair_rows(Pair(pair.little, pair.big, "finetuned"))
    with pytest.raises(TableError, match=r"has no seed 7 .*; it has 0\."):
        trained.pair_rows(Pair(pair.little, pair.big, seed=7))
    for training in ("joint", "inherited"):
        with pytest.raises(ArchitectureError, match="22 digits"):
            trained.pair_rows(Pair("123", pair.big, training))


def test_held_out_is_one_in_five_by_architecture_alone(trained: Table) -> None:
    by_id: dict[str, set[bool]] = {}
    ids = trained.networks["architecture"]
    for architecture, held_out in zip(ids, trained.held_out, strict=True):
        by_id.setdefault(str(architecture), set()).add(bool(held_out))
    assert by_id == {a: {is_held_out(a)} for a in by_id}
    space = get_space("fbnet")
    drawn = space.format(space.sample(np.random.default_rng(0), 4000))
    assert np.mean([is_held_out(a) for a in drawn]) == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    ("column", "row", "value", "text"),
    [
        ("training", 0, "dreamt", "training must be one of"),
        ("partner", 0, "8" * 22, "needs both, others have none"),
        ("role", 20, "", "needs both, others have none"),
        ("seed", 20, 9, "a co-trained pair is two rows"),
        ("architecture", 1, "8" * 22, "is there twice"),
    ],
)
def test_rows_that_contradict_each_other_are_refused(
    tmp_path: Path, column: str, row: int, value: object, text: str
) -> None:
    contents = synthetic_table(n_pairs=1)
    networks = {k: np.array(v) for k, v in contents.networks.items()}
    networks[column][row] = value
    with pytest.raises(TableError, match=text):
        write_table(tmp_path / "t.h5", dataclasses.replace(contents, networks=networks), "1", "d")
    assert not list(tmp_path.iterdir())


def test_a_table_of_schema_1_is_read_with_what_it_meant(path: Path) -> None:
    contents = synthetic_table()
    with h5py.File(path, "r+") as file:
        file.attrs["schema_version"] = 1
        del file.attrs["reference_points"]
        for name in ("images", "partner", "role", "held_out"):
            del file[f"networks/{name}"]
        del file["packing"]
        for split, stored in contents.predictions.items():
            for name, array in {"top1": stored.top1, **stored.codes}.items():
                file[f"predictions/{split}/{name}"][()] = array
    table = Table(path, check=False)
    for split, stored in contents.predictions.items():
        assert np.array_equal(table.predictions(split).top1, stored.top1)
        for metric in stored.codes:
            assert np.array_equal(table.predictions(split).codes[metric], stored.codes[metric])
    assert table.cotrained() == []
    assert table.reference_points == {}
    assert len(table.rows()) == 12
    assert set(table.networks["partner"]) == {""}
    ids = [str(a) for a in table.networks["architecture"]]
    assert table.held_out.tolist() == [is_held_out(a) for a in ids]
    assert table.pair_rows(Pair(ids[0], ids[1])) == (0, 1)
