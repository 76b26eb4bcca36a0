"""What tells one network of a table from another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biglittle.bench.errors import ArchitectureError, TableError
from biglittle.bench.rows import (
    COUPLINGS,
    PRECISIONS,
    TRAININGS,
    NetworkKey,
    RowIndex,
    check_rows,
    completed,
    key_of,
)

A, B = "8" * 22, "0" * 22

keys = st.builds(
    NetworkKey,
    st.text("0123456789", min_size=1, max_size=22),
    st.from_regex(r"([1-9][0-9]{0,3}[a-z]?)?", fullmatch=True),
    st.sampled_from(PRECISIONS),
    st.sampled_from(TRAININGS),
    st.integers(0, 99),
)


@given(keys)
def test_a_name_names_one_network(key: NetworkKey) -> None:
    assert NetworkKey.parse(key.name, key.training, key.seed) == key


@pytest.mark.parametrize(
    "name",
    ["", "@12", f"{A}@", f"{A}@0", f"{A}@-3", f"{A}@12@14", f"{A}:int4", f"{A}:", f"{A}:int8@3"],
)
def test_what_names_no_network_says_what_would(name: str) -> None:
    with pytest.raises(ArchitectureError, match=r"ARCHITECTURE\[@EXIT\]\[:PRECISION\].*fp32, int8"):
        NetworkKey.parse(name)


def _columns(*rows: dict[str, Any]) -> dict[str, np.ndarray]:
    usual = {
        "architecture": A, "training": "inherited", "precision": "fp32", "weights_sha256": "",
        "seed": 0, "epochs": 1, "macs": 1, "params": 1, "exit": "", "partner": "", "role": "",
        "coupling": "",
    }  # fmt: skip
    whole = [{**usual, **row} for row in rows]
    return completed({name: np.array([row[name] for row in whole]) for name in usual})


def test_one_architecture_in_two_precisions_and_at_an_exit_is_three_networks() -> None:
    columns = _columns(
        {}, {"precision": "int8"}, {"exit": "12"}, {"exit": "12", "precision": "int8"}
    )
    check_rows(columns)
    index = RowIndex(columns)
    names = [A, f"{A}:int8", f"{A}@12", f"{A}@12:int8"]
    assert [index.row[NetworkKey.parse(name), ""] for name in names] == [0, 1, 2, 3]
    assert [key_of(columns, row)[0].name for row in range(4)] == names
    with pytest.raises(TableError, match="there twice"):
        check_rows(_columns({"exit": "12"}, {"exit": "12"}))


def test_an_exit_and_the_rest_of_its_network_are_a_prefix_pair() -> None:
    pair = {"training": "joint", "coupling": "prefix"}
    little = {**pair, "exit": "12", "partner": A, "role": "little"}
    big = {**pair, "partner": f"{A}@12", "role": "big"}
    check_rows(_columns(little, big))
    index = RowIndex(_columns(little, big))
    assert index.pair == {(f"{A}@12", A, "joint", 0): (0, 1)}
    with pytest.raises(TableError, match="a co-trained pair is two rows"):
        check_rows(_columns(little, {**big, "partner": A}))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"coupling": "prefix"}, "none for others"),
        ({"coupling": "glued", "training": "joint", "partner": B, "role": "little"}, "glued"),
        ({"precision": "int4"}, "expected one of fp32, int8"),
        ({"training": "dreamt"}, "training must be one of"),
    ],
)
def test_rows_that_cannot_be_are_refused(row: dict[str, Any], reason: str) -> None:
    with pytest.raises(TableError, match=reason):
        check_rows(_columns(row))


def test_tables_of_before_have_whole_siblings() -> None:
    columns = _columns({})
    older = {k: v for k, v in columns.items() if k not in ("exit", "coupling", "held_out")}
    assert completed(older)["exit"].tolist() == [""]
    assert completed(older)["coupling"].tolist() == [""]
    assert set(COUPLINGS) == {"sibling", "nested", "prefix"}
