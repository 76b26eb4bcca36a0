"""The table on disk: round trip, and every way a file can be wrong."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from biglittle.bench import Benchmark, Pair, Table, get_space
from biglittle.bench import table as table_module
from biglittle.bench.errors import ArchitectureError, TableError, UnknownNameError
from biglittle.bench.gates import get_metric, stored_metrics
from biglittle.bench.rows import TRAININGS, NetworkKey, is_held_out
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table import find_table, write_table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "table.h5"
    write_table(target, synthetic_table(), "1", "2026-01-01")
    return target


def test_round_trip_keeps_every_answer(path: Path) -> None:
    contents, table = synthetic_table(), Table(path)
    for split in ("val", "test"):
        read, written = table.predictions(split), contents.predictions[split]
        assert np.array_equal(read.top1, written.top1)
        assert np.array_equal(read.labels, written.labels)
        for metric in stored_metrics():
            assert np.array_equal(read.codes[metric], written.codes[metric])
    assert list(table.networks["architecture"]) == list(contents.networks["architecture"])


def test_info_has_the_promised_fields(path: Path) -> None:
    info = Benchmark.load(path).info()
    assert {"name", "space", "dataset", "training", "devices", "splits", "schema_version"} <= {
        *info
    }
    assert info["training"] == {"inherited": 12}
    assert info["sha256"] == json.loads(path.with_suffix(".json").read_text())["sha256"]


def test_truncated_file_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(TableError, match="edited or is truncated"):
        Table(path)
    with pytest.raises(TableError, match="cannot be read"):
        Table(path, check=False)


def test_edited_file_is_refused(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["name"] = "better"
    with pytest.raises(TableError, match="SHA-256"):
        Table(path)
    assert Table(path, check=False).name == "better"


def test_a_table_that_another_program_has_open_is_not_called_edited(path: Path) -> None:
    code = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(TableError, match="another program has it open") as told:
            Table(path)
        assert "etch it again" not in str(told.value)
        process.communicate(b"\n")


def test_foreign_file_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.h5"
    with h5py.File(foreign, "w") as file:
        file["x"] = np.arange(3)
    with pytest.raises(TableError, match="no manifest"):
        Table(foreign)
    with pytest.raises(TableError, match="no biglittle-table"):
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


def test_interrupted_write_leaves_the_old_table(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("biglittle.bench.table.file_hash", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_table(path, synthetic_table(seed=1), "2", "2026-01-02")
    monkeypatch.undo()
    assert path.read_bytes() == before
    Table(path)


@pytest.mark.parametrize("calls", [1, 2, 3, 4, 5, 6])
def test_a_table_can_be_opened_wherever_its_replacement_stopped(
    path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """Stopped before the n-th file is written or renamed: the old or the new table, whole."""
    old = Table(path)
    left, rename, text = calls, os.replace, Path.write_text

    def counted(call):  # type: ignore[no-untyped-def]
        def wrapper(*given, **named):  # type: ignore[no-untyped-def]
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
            return call(*given, **named)

        return wrapper

    monkeypatch.setattr("biglittle.bench.files.os.replace", counted(rename))
    monkeypatch.setattr(Path, "write_text", counted(text))
    with contextlib.suppress(KeyboardInterrupt):
        write_table(path, synthetic_table(seed=1), "2", "2026-01-02")
    monkeypatch.undo()
    table = Table(path)
    assert table.code_version == ("1" if calls <= 3 else "2")
    if calls <= 3:
        assert table.sha256 == old.sha256
    assert len(table.predictions("val").top1) == 12


@pytest.mark.parametrize("name", stored_metrics())
def test_stated_rounding_error_holds(name: str) -> None:
    metric = get_metric(name)
    values = np.linspace(0, metric.maximum(10), 20_001)
    error = np.abs(metric.decode(metric.encode(values, 10), 10) - values)
    assert error.max() <= metric.rounding_error(10) + 1e-12
    assert metric.rounding_error(10) < 0.01


# ---- rows of several trainings -----------------------------------------------------------------
@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Table:
    target = tmp_path_factory.mktemp("trained") / "table.h5"
    contents = synthetic_table(n_pairs=2, n_trained=4)
    write_table(target, dataclasses.replace(contents, reference_points={"a": 1}), "1", "2026-01-01")
    return Table(target)


def test_rows_of_every_training_are_found(trained: Table) -> None:
    contents = synthetic_table(n_pairs=2, n_trained=4)
    counts = {t: len(trained.rows(t)) for t in TRAININGS}
    assert counts == {
        "inherited": 12,
        "finetuned": 4,
        "standalone": 2,
        "independent": 8,
        "distilled": 8,
        "joint": 8,
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
    assert len(pairs) == 12
    assert len(set(pairs)) == 12
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
    with pytest.raises(TableError, match=r"which has 4 finetuned networks among its 42"):
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
        for split, said in contents.predictions.items():
            for name, array in {"top1": said.top1, **said.codes}.items():
                file[f"predictions/{split}/{name}"][()] = array
    table = Table(path, check=False)
    for split, said in contents.predictions.items():
        assert np.array_equal(table.predictions(split).top1, said.top1)
        for metric in said.codes:
            assert np.array_equal(table.predictions(split).codes[metric], said.codes[metric])
    assert table.cotrained() == []
    assert table.reference_points == {}
    assert len(table.rows()) == 12
    assert set(table.networks["partner"]) == {""}
    ids = [str(a) for a in table.networks["architecture"]]
    assert table.held_out.tolist() == [is_held_out(a) for a in ids]
    assert table.pair_rows(Pair(ids[0], ids[1])) == (0, 1)


def test_contents_are_what_was_written(trained: Table, tmp_path: Path) -> None:
    write_table(tmp_path / "again.h5", trained.contents(), trained.code_version, trained.created)
    again = Table(tmp_path / "again.h5")
    assert again.info() | {"sha256": None} == trained.info() | {"sha256": None}
    assert np.array_equal(again.val_index, trained.val_index)
    for name, column in trained.networks.items():
        assert again.networks[name].tolist() == column.tolist()
    for split in ("val", "test"):
        assert np.array_equal(again.predictions(split).top1, trained.predictions(split).top1)
        for metric, codes in trained.predictions(split).codes.items():
            assert np.array_equal(again.predictions(split).codes[metric], codes)


def test_opening_hashes_once_and_reads_no_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = find_table("fbnet-cifar10")
    hashed: list[Path] = []
    real = table_module.file_hash
    monkeypatch.setattr(table_module, "file_hash", lambda p: (hashed.append(p), real(p))[1])
    read: list[str] = []
    dataset_read = h5py.Dataset.__getitem__

    def noted(self: h5py.Dataset, *given: object) -> object:
        read.append(self.name)
        return dataset_read(self, *given)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", noted)
    Table(shipped)
    monkeypatch.undo()
    assert hashed == [shipped]
    assert read
    with h5py.File(shipped) as file:
        sizes = {name: file[name].nbytes for name in set(read)}
    assert sum(sizes.values()) < 2**20, sizes  # of the 17 MB, most of it answers
