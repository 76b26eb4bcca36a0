"""Writing a table: whole or not at all, and what is written is what is read."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Table
from biglittle.bench.gates import stored_metrics
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_info import table_info
from biglittle.bench.table_writer import write_table


def test_round_trip_keeps_every_answer(path: Path) -> None:
    contents, table = synthetic_table(), Table(path)
    for split in ("val", "test"):
        read, written = table.predictions(split), contents.predictions[split]
        assert np.array_equal(read.top1, written.top1)
        assert np.array_equal(read.labels, written.labels)
        for metric in stored_metrics():
            assert np.array_equal(read.codes[metric], written.codes[metric])
    assert list(table.networks["architecture"]) == list(contents.networks["architecture"])


def test_interrupted_write_leaves_the_old_table(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("biglittle.bench.table_writer.file_hash", interrupted)
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


# ---- rows of several trainings -----------------------------------------------------------------
@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Table:
    target = tmp_path_factory.mktemp("trained") / "table.h5"
    contents = synthetic_table(n_pairs=2, n_trained=4)
    write_table(target, dataclasses.replace(contents, reference_points={"a": 1}), "1", "2026-01-01")
    return Table(target)


def test_contents_are_what_was_written(trained: Table, tmp_path: Path) -> None:
    write_table(tmp_path / "again.h5", trained.contents(), trained.code_version, trained.created)
    again = Table(tmp_path / "again.h5")
    assert table_info(again) | {"sha256": None} == table_info(trained) | {"sha256": None}
    assert np.array_equal(again.val_index, trained.val_index)
    for name, column in trained.networks.items():
        assert again.networks[name].tolist() == column.tolist()
    for split in ("val", "test"):
        assert np.array_equal(again.predictions(split).top1, trained.predictions(split).top1)
        for metric, codes in trained.predictions(split).codes.items():
            assert np.array_equal(again.predictions(split).codes[metric], codes)
