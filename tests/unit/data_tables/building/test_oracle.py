"""The teacher of a table as one of its rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench import Benchmark  # noqa: E402
from biglittle.bench.datasets import Dataset  # noqa: E402
from biglittle.bench.errors import TableError  # noqa: E402
from biglittle.bench.own import beside  # noqa: E402
from biglittle.bench.synthetic import synthetic_table  # noqa: E402
from biglittle.bench.table_contents import Predictions  # noqa: E402
from biglittle.bench.table_writer import write_table  # noqa: E402
from biglittle.cotrain.evaluate import logits_of  # noqa: E402
from biglittle.cotrain.teacher import Teacher, load_teacher, save_teacher  # noqa: E402
from biglittle.data_tables.building.oracle import add_teacher, macs_of  # noqa: E402
from biglittle.data_tables.building.recipe import TEACHER_NAME  # noqa: E402


def _plan(folder: Path, few: Dataset) -> Any:
    """What is asked of a plan."""
    return SimpleNamespace(
        working=folder,
        recipe=SimpleNamespace(teacher=folder / "nowhere" / TEACHER_NAME),
        dataset=few,
        images=lambda: few.load(folder),
    )


def test_the_teacher_is_added_once_and_measured(
    tmp_path: Path, few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "check_aligned", lambda *_: None)  # it was not trained: it guesses
    plan, images = _plan(tmp_path, few), few.load(tmp_path)
    contents = synthetic_table(6, len(images["val"]), len(images["test"]))
    told = {
        s: Predictions(images[s].labels, stored.top1, stored.codes)
        for s, stored in contents.predictions.items()
    }
    path = tmp_path / "table.h5"
    write_table(path, replace(contents, predictions=told), "0", "2026-01-01")
    with pytest.raises(TableError, match="--stage teacher"):
        add_teacher(plan, path)
    teacher = Teacher(few.n_classes, (8, 8, 8))
    save_teacher(tmp_path / TEACHER_NAME, teacher, {"dataset": few.name})
    assert "is a row of" in add_teacher(plan, path)
    bench = Benchmark.load(path)
    row = bench.row("teacher")
    asked = load_teacher(tmp_path / TEACHER_NAME, images["train"], few)
    own = logits_of(asked, images["test"], few).argmax(axis=1)
    assert np.array_equal(bench.table.predictions("test").top1[row], own)
    little = bench.architectures[0]
    point = bench.query((little, "teacher"), ("margin", 0.5), bench.devices[0])
    assert point.provenance["accuracy"] == "measured"
    assert point.provenance["macs"] == "modelled"
    assert "already" in add_teacher(plan, path)
    assert Benchmark.load(path).table.sha256 == bench.table.sha256


def test_its_macs_are_those_of_its_convolutions(few: Dataset) -> None:
    teacher = Teacher(few.n_classes, (8, 8, 8))
    counted = 24 * 3 * 4 * 31 * 31  # the first layer sees every place of 2x2 pixels
    n_in, size = 24, 31
    for _ in range(3):
        counted += size**2 * n_in * 8 * 9
        size //= 2
        counted += size**2 * 8 * 8 * 9
        n_in = 8
    assert macs_of(teacher, few) == counted + 8 * few.n_classes
