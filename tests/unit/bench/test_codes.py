"""Codes of gates that no table stores: what they are fitted on, and how many calls that takes."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Table
from biglittle.bench.codes import Codes
from biglittle.bench.gates import (
    get_gate,
    pair_gates,
    stored_metrics,
)
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_contents import Predictions, TableContents
from biglittle.bench.table_writer import write_table

DERIVED = tuple(name for name in pair_gates() if get_gate(name).kind == "derived")


def _open(folder: Path, contents: TableContents) -> Table:
    folder.mkdir(exist_ok=True)
    write_table(folder / "table.h5", contents, "1", "2026-01-01")
    return Table(folder / "table.h5")


@pytest.mark.parametrize("name", DERIVED)
def test_nothing_is_fitted_on_test(table: Table, tmp_path: Path, name: str) -> None:
    contents = synthetic_table(8, n_val=600, n_test=900)
    test = contents.predictions["test"]
    spoilt = dataclasses.replace(test, labels=(test.labels + 3) % 10)
    other = _open(
        tmp_path / "other",
        dataclasses.replace(contents, predictions={**contents.predictions, "test": spoilt}),
    )
    for split in ("val", "test"):
        assert np.array_equal(other.codes(name, split), table.codes(name, split))


@pytest.mark.parametrize("name", ["per_class", "learned"])
def test_the_labels_of_val_do_matter(table: Table, tmp_path: Path, name: str) -> None:
    contents = synthetic_table(8, n_val=600, n_test=900)
    val = contents.predictions["val"]
    spoilt = dataclasses.replace(val, labels=(val.labels + 3) % 10)
    other = _open(
        tmp_path / "other",
        dataclasses.replace(contents, predictions={**contents.predictions, "val": spoilt}),
    )
    assert not np.array_equal(other.codes(name, "test"), table.codes(name, "test"))


def test_stored_codes_are_the_tables_own(table: Table) -> None:
    for name in stored_metrics():
        assert np.array_equal(table.codes(name, "val"), table.predictions("val").codes[name])


def test_many_images_take_no_more_calls_than_few(table: Table) -> None:
    """There is no loop over images: 157 networks of 5,000 each would take minutes."""
    calls: list[int] = []
    for n in (500, 5000):
        codes = _codes_of(n)
        count = 0

        def counted(frame: object, event: str, argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(counted)
        try:
            codes.of("learned", "val", np.arange(4))
        finally:
            sys.setprofile(None)
        calls.append(count)
    assert calls[1] < 2 * calls[0]  # steps of a fit vary a little
    assert calls[1] < 5000


def _codes_of(n: int) -> Codes:
    rng = np.random.default_rng(0)
    top1 = rng.integers(0, 10, (4, n)).astype(np.uint8)
    codes = {m: rng.integers(0, 256, (4, n)).astype(np.uint8) for m in stored_metrics()}
    answers = Predictions(rng.integers(0, 10, n).astype(np.uint8), top1, codes)
    return Codes(lambda split: answers, 10)
