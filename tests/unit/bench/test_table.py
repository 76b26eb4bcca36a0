"""The table on disk: round trip, and every way a file can be wrong."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from biglittle.bench import Benchmark, Table
from biglittle.bench.errors import TableError, UnknownNameError
from biglittle.bench.gates import GATES, get_metric
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table import write_table


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
        for metric in GATES.names():
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


@pytest.mark.parametrize("name", GATES.names())
def test_stated_rounding_error_holds(name: str) -> None:
    metric = get_metric(name)
    values = np.linspace(0, metric.maximum(10), 20_001)
    error = np.abs(metric.decode(metric.encode(values, 10), 10) - values)
    assert error.max() <= metric.rounding_error(10) + 1e-12
    assert metric.rounding_error(10) < 0.01
