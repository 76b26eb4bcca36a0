"""Which questions a table that got further rows still answers as before."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from biglittle.bench import Table
from biglittle.bench.errors import TableError
from biglittle.bench.growth import GROWN_FROM, grown, unchanged_since
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table

A, B, C = ("a" * 64, "b" * 64, "c" * 64)


def test_rows_in_another_precision_change_no_answer_in_fp32() -> None:
    facts = grown({"recipes": {}}, A, ["int8"] * 3)
    assert facts == {"recipes": {}, GROWN_FROM: [{"sha256": A, "added": {"int8": 3}}]}
    facts = grown(facts, B, ["int8", "fp32"])
    assert facts[GROWN_FROM][1] == {"sha256": B, "added": {"fp32": 1, "int8": 1}}
    for sha256, precision, same in (
        (C, "fp32", True),  # itself
        (B, "fp32", False),  # got a row since
        (A, "fp32", False),
        ("d" * 64, "fp32", False),  # another table
        (None, "fp32", False),
    ):
        assert unchanged_since(facts, C, sha256, [precision]) == same
    facts = grown({}, A, ["int8"])
    assert unchanged_since(facts, B, A, ["fp32"])
    assert not unchanged_since(facts, B, A, ["fp32", "int8"])
    assert unchanged_since(facts, None, A, ["fp32"])


def test_a_table_that_lost_rows_grew_from_none() -> None:
    facts = grown({"n_train": 1}, A, ["int8"])
    assert grown(facts, B, None) == {"n_train": 1}
    assert grown(facts, None, ["int8"]) == {"n_train": 1}


@pytest.mark.parametrize("wrong", [[1], [{"sha256": "x", "added": {}}], [{"sha256": A}]])
def test_growth_of_an_unknown_kind_is_refused(tmp_path: Path, wrong: list[Any]) -> None:
    contents = dataclasses.replace(synthetic_table(), training={GROWN_FROM: wrong})
    write_table(tmp_path / "t.h5", contents, "1", "d")
    with pytest.raises(TableError, match="grown_from"):
        Table(tmp_path / "t.h5").unchanged_since(A)
