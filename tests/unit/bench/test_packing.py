"""Packing of answers: nothing is lost, whatever the answers are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biglittle.bench.class_numbers import class_dtype
from biglittle.bench.packing import (
    EXPECTED_FROM,
    expectations,
    pack_answers,
    pack_codes,
    unpack_answers,
    unpack_codes,
)
from biglittle.bench.synthetic import synthetic_table


@given(st.integers(0, 2**32 - 1), st.integers(2, 256))
def test_unpacking_gives_back_any_bytes(seed: int, n_classes: int) -> None:
    rng = np.random.default_rng(seed)
    codes = {n: rng.integers(0, 256, (3, 40), np.uint8) for n in ("entropy", "margin", "max_prob")}
    tables = expectations([codes])
    assert set(tables) == {"entropy", "margin"}
    back = unpack_codes(pack_codes(codes, tables), tables, EXPECTED_FROM)
    assert all(np.array_equal(back[n], codes[n]) for n in codes)
    labels = rng.integers(0, n_classes, 40).astype(np.uint8)
    top1 = rng.integers(0, n_classes, (3, 40)).astype(np.uint8)
    packed = pack_answers(top1, labels, n_classes)
    assert np.array_equal(packed == 0, top1 == labels)
    assert np.array_equal(unpack_answers(packed, labels, n_classes), top1)


def test_an_expectation_is_the_median() -> None:
    codes = {
        "max_prob": np.array([5, 5, 5, 9], np.uint8),
        "margin": np.array([1, 7, 9, 200], np.uint8),
    }
    table = expectations([codes])["margin"]
    assert (table[5], table[9], table[0]) == (7, 200, 0)


def test_packed_codes_are_nearer_to_zero() -> None:
    codes = synthetic_table().predictions["test"].codes
    tables = expectations([codes])
    packed = pack_codes(codes, tables)
    for name in ("margin", "entropy"):
        distance = np.minimum(packed[name], -packed[name]).mean()
        assert distance < 0.25 * np.minimum(codes[name], -codes[name]).mean()
    assert packed["max_prob"] is codes["max_prob"]


def test_a_metric_whose_givens_are_missing_is_stored_as_it_is() -> None:
    codes = {"margin": np.arange(4, dtype=np.uint8)}
    assert expectations([codes]) == {}
    assert pack_codes(codes, {})["margin"] is codes["margin"]
    with pytest.raises(KeyError):
        pack_codes(codes, {"margin": np.zeros(256, np.uint8)})


@pytest.mark.parametrize("n_classes", [2, 256, 257, 1000, 65_536, 70_000])
def test_answers_of_any_number_of_classes_come_back_in_their_own_width(n_classes: int) -> None:
    rng = np.random.default_rng(n_classes)
    labels = rng.integers(0, n_classes, 500).astype(class_dtype(n_classes))
    top1 = rng.integers(0, n_classes, (3, 500)).astype(class_dtype(n_classes))
    labels[:2], top1[1, :2] = [n_classes - 1, 0], [0, n_classes - 1]
    top1[0] = labels
    packed = pack_answers(top1, labels, n_classes)
    assert packed.dtype == class_dtype(n_classes)
    assert not packed[0].any()
    again = unpack_answers(packed, labels, n_classes)
    assert again.dtype == top1.dtype
    assert np.array_equal(again, top1)
