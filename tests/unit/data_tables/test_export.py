"""``biglittle table export``: what other tools read is what the table holds."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import BigLittleError
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.export import export_table


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a small table with co-trained pairs and exits."""
    target = tmp_path / "table.h5"
    write_table(target, synthetic_table(6, 40, 50, n_pairs=1, n_exits=1), "1", "2026-01-01")
    return target


def test_parquet_has_a_row_a_network(path: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    steps: list[tuple[int, int]] = []
    files = export_table(
        str(path), tmp_path / "out", "parquet", lambda done, total: steps.append((done, total))
    )
    assert [f.name for f in files] == [
        *("table.json", "networks.parquet", "images.parquet", "val.parquet", "test.parquet")
    ]
    table = Benchmark.load(path).table
    networks = parquet.read_table(tmp_path / "out" / "networks.parquet").to_pydict()
    assert networks["network"] == table.names.tolist()
    assert "synthetic-device.latency_ms_provenance" in networks
    for split in ("val", "test"):
        rows = parquet.read_table(tmp_path / "out" / f"{split}.parquet").to_pydict()
        stored = table.predictions(split)
        assert rows["network"] == networks["network"]
        assert np.array_equal(np.array(rows["top1"]), stored.top1)
        for metric, codes in stored.codes.items():
            assert np.array_equal(np.array(rows[metric]), codes)
    images = parquet.read_table(tmp_path / "out" / "images.parquet").to_pydict()
    assert images["split"] == ["val"] * 40 + ["test"] * 50
    assert images["label"][40:] == table.predictions("test").labels.tolist()
    assert steps[-1] == (2 * len(table), 2 * len(table))
    facts = json.loads((tmp_path / "out" / "table.json").read_text())
    assert facts["quantisation"]["margin"]["scale"].startswith("code =")


def test_csv_has_a_matrix_a_column(path: Path, tmp_path: Path) -> None:
    files = export_table(str(path), tmp_path / "out", "csv")
    table = Benchmark.load(path).table
    assert {f.name for f in files} == {
        *("table.json", "networks.csv", "images.csv"),
        *(
            f"{s}_{c}.csv"
            for s in ("val", "test")
            for c in ("top1", "max_prob", "margin", "entropy")
        ),
    }
    with (tmp_path / "out" / "test_margin.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    assert head == ["network", *map(str, range(50))]
    assert [row[0] for row in rows] == table.names.tolist()
    codes = np.array([row[1:] for row in rows], np.uint8)
    assert np.array_equal(codes, table.predictions("test").codes["margin"])


def test_h5_is_the_same_table_in_a_version_of_today(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "new.h5"
    assert export_table(str(path), out, "h5") == [out, out.with_suffix(".json")]
    old, new = Benchmark.load(path).table, Benchmark.load(out).table
    for name in old.networks:
        assert np.array_equal(old.networks[name], new.networks[name])
    assert np.array_equal(old.predictions("val").top1, new.predictions("val").top1)
    assert old.devices == new.devices
    assert new.unchanged_since(old.sha256)
    for wrong, text in (
        (path, "is the table itself"),
        (tmp_path / "x.csv", r"does not end in \.h5"),
    ):
        with pytest.raises(BigLittleError, match=text):
            export_table(str(path), wrong, "h5")


def test_a_name_that_a_spreadsheet_would_run_is_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    answers = {name: rng.dirichlet(np.ones(3), 20) for name in ("=cmd()", 'a,"b"')}
    own = tmp_path / "own.h5"
    Benchmark.from_answers(answers, rng.integers(0, 3, 20), out=own)
    export_table(str(own), tmp_path / "out", "csv")
    with (tmp_path / "out" / "val_top1.csv").open(newline="") as file:
        names = [row[0] for row in csv.reader(file)]
    assert names == ["network", "'=cmd()", 'a,"b"']


def test_the_verb_names_what_it_wrote(path: Path, tmp_path: Path, command_line) -> None:  # type: ignore[no-untyped-def]
    words = ("table", "export", str(path), "--out", str(tmp_path / "out"), "--format")
    code, out, _ = command_line(*words, "csv")
    assert code == 0
    assert "networks.csv" in out
    code, _, err = command_line(*words, "xlsx")
    assert code == 1
    assert "--format xlsx is not one of parquet, csv, h5" in err
