"""The Croissant metadata that ships is that of the table, valid, and reads what it describes."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.croissant import METADATA, NETWORKS, described, write_croissant

FOLDER = Path(__file__).parents[3] / "data_tables" / "fbnet_cifar10"
AGAIN = "; write it anew: python -m biglittle.data_tables.croissant"


def test_what_ships_is_what_the_table_says() -> None:
    """Texts are the same and numbers are, up to how a processor adds floating-point numbers."""
    files = described(Benchmark.load("fbnet-cifar10"))
    fresh, shipped = (
        [line.split(",") for line in text.decode().splitlines()]
        for text in (files[NETWORKS], (FOLDER / NETWORKS).read_bytes())
    )
    assert fresh[0] == shipped[0], AGAIN
    assert len(fresh) == len(shipped), AGAIN
    for row, kept in zip(fresh[1:], shipped[1:], strict=True):
        for name, cell, other in zip(fresh[0], row, kept, strict=True):
            same = cell == other or float(cell) == pytest.approx(float(other), rel=1e-9)
            assert same, f"{row[0]}, {name}: {cell}, {other}{AGAIN}"
    metadata = [json.loads(t) for t in (files[METADATA], (FOLDER / METADATA).read_bytes())]
    (table, csv), (kept_table, kept_csv) = (m.pop("distribution") for m in metadata)
    assert metadata[0] == metadata[1], AGAIN
    assert table == kept_table, AGAIN
    content = (FOLDER / NETWORKS).read_bytes()
    assert kept_csv["sha256"] == hashlib.sha256(content).hexdigest()
    assert kept_csv["contentSize"] == f"{len(content)} B"
    assert csv["name"] == kept_csv["name"]


def test_what_ships_is_valid_croissant_and_its_records_are_read() -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    dataset = mlcroissant.Dataset(jsonld=str(FOLDER / METADATA))
    assert not dataset.metadata.issues.errors
    assert not dataset.metadata.issues.warnings
    networks = Benchmark.load("fbnet-cifar10").networks().columns()
    records = list(itertools.islice(dataset.records("networks"), 5))
    for i, record in enumerate(records):
        assert record["networks/network"].decode() == networks["network"][i]
        assert record["networks/accuracy_test"] == networks["accuracy_test"][i]
        pi4 = record["networks/raspberry-pi-4.latency_ms_provenance"].decode()
        assert pi4 == networks["raspberry-pi-4.latency_ms_provenance"][i]


def test_a_table_of_one_s_own_is_described_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.h5"
    write_table(path, synthetic_table(4), "1", "2026-01-01")
    write_croissant(path, "https://creativecommons.org/licenses/by/4.0/")
    metadata = json.loads((tmp_path / METADATA).read_text(encoding="utf-8"))
    assert metadata["license"].endswith("by/4.0/")
    assert metadata["datePublished"] == "2026-01-01"
    files = {f["name"]: f for f in metadata["distribution"]}
    assert files["table.h5"]["contentUrl"] == "mine.h5"
    assert files["table.h5"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    fields = {f["name"]: f for f in metadata["recordSet"][0]["field"]}
    assert fields["held_out"]["dataType"] == "sc:Boolean"
    assert fields["accuracy_val"]["description"] == "accuracy (fraction) on val."
    assert fields["synthetic-device.energy_mj"]["description"] == (
        "mean energy (mJ) on synthetic-device."
    )
    rows = (tmp_path / NETWORKS).read_text(encoding="utf-8").splitlines()
    assert len(rows) == 1 + 4
    assert np.all([f["description"].endswith(".") for f in fields.values()])
