"""Exported pairs of a front answer the test images again, beside the table."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from biglittle.bench import Benchmark, Gate, Pair, Table
from biglittle.bench.datasets import Dataset
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.building import replay, reproduce

DEVICE = "raspberry-pi-4"


def test_a_pair_is_held_against_the_table_where_that_has_both(
    assembled: Callable[[], Path], few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in (replay, reproduce):
        monkeypatch.setattr(user, "get_dataset", lambda _: few)
    table_file = assembled()
    contents = dataclasses.replace(Table(table_file).contents(), choices=("k3_e1", "skip"))
    write_table(table_file, contents, "1", "d")
    bench = Benchmark.load(table_file)
    points = bench.front(DEVICE).points
    (row,) = replay.accuracy_again(bench, points, 1, DEVICE)
    point = points[0]
    stored = bench.query(Pair(point.little, point.big), Gate(point.gate, point.threshold), DEVICE)
    assert row["images"] == 100
    assert row["right_in_table"] == round(stored.accuracy * 100)
    # Where the processor rounds as that of the table did they are equal, else an image may differ.
    assert abs(row["right"] - row["right_in_table"]) <= 2
    assert row["equal"] == (row["right"] == row["right_in_table"])
    other = dataclasses.replace(points.take([0]), little=np.array(["80" + "8" * 20]))
    (row,) = replay.accuracy_again(bench, other, 1, DEVICE)
    assert row["equal"] is None
    assert "the table does not have both" in row["text"]
