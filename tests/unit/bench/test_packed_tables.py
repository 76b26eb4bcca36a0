"""Tables whose answers are packed by what other networks answer: schemas 4 and 6."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biglittle.bench import Table
from biglittle.bench.errors import TableError
from biglittle.bench.packing import (
    ORDERED_FROM,
    SORTED_FROM,
    Packing,
    class_order,
    image_order,
)
from biglittle.bench.rows import fp32_twins
from biglittle.bench.synthetic import synthetic_table, with_int8
from biglittle.bench.table_contents import TableContents
from biglittle.bench.table_writer import write_table

N = 10 * ORDERED_FROM  # networks from which ten classes are ordered


def same(table: Table, contents: TableContents) -> bool:
    """Whether a table holds the answers of some contents."""
    pairs = [(table.predictions(split), part) for split, part in contents.predictions.items()]
    return all(
        np.array_equal(got.top1, part.top1)
        and np.asarray(got.top1).flags.c_contiguous  # a network's answers lie side by side
        and all(np.array_equal(got.codes[m], part.codes[m]) for m in part.codes)
        for got, part in pairs
    )


@pytest.mark.parametrize(
    ("networks", "int8", "schema"),
    [(12, 0, 2), (12, 1, 4), (N - 1, 0, 2), (N, 0, 6), (N, 1, 6), (N + 3, 0, 6)],
)
def test_a_table_comes_back_whole_and_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, networks: int, int8: int, schema: int
) -> None:
    contents = synthetic_table(networks)
    if int8:
        contents = with_int8(contents)
    path = tmp_path / "t.h5"
    write_table(path, contents, "1", "d")
    table = Table(path)
    assert table.schema_version == schema
    assert same(table, contents)
    monkeypatch.setattr("biglittle.bench.lazy_rows.LARGE_BYTES", 0)
    by_row = Table(path)
    assert type(by_row.predictions("val")).__name__ == "LazyPredictions"
    assert same(by_row, contents)
    assert same(by_row, by_row.contents())


def test_what_other_networks_say_makes_a_table_smaller(tmp_path: Path) -> None:
    """Against the same rows that nothing is expected of: more than a fifth less."""
    contents = with_int8(synthetic_table(N, n_val=2000, n_test=2000))
    sizes = {}
    for name, made in (("packed", contents), ("few", contents.take(np.arange(N, N + 30)))):
        path = tmp_path / f"{name}.h5"
        write_table(path, made, "1", "d")
        with h5py.File(path) as file:
            groups = [file[f"predictions/{s}"] for s in ("val", "test")]
            sizes[name] = sum(
                sum(g[c].id.get_chunk_info(i).size for i in range(len(g[c]))[-30:])
                for g in groups for c in g
            )  # fmt: skip
    assert sizes["packed"] < 0.8 * sizes["few"]


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.booleans())
def test_any_answers_come_back_beside_others(seed: int, n_classes: int, ordered: bool) -> None:
    rng = np.random.default_rng(seed)
    n = ORDERED_FROM * n_classes if ordered else 6
    labels = rng.integers(0, n_classes, 20).astype(np.uint8)
    top1 = rng.integers(0, n_classes, (n, 20)).astype(np.uint8)
    codes = {m: rng.integers(0, 256, (n, 20), np.uint8) for m in ("max_prob", "margin")}
    order = class_order(top1, labels, n_classes)
    assert (order is None) == (not ordered)
    beside = np.where(np.arange(n) < 4, -1, rng.integers(0, 4, n))
    images = {"val": rng.permutation(20).astype(np.uint32)} if seed % 2 else {}
    packing = Packing(
        n_classes,
        {"margin": rng.integers(0, 256, 256).astype(np.uint8)},
        orders={} if order is None else {"val": order},
        beside=beside,
        images=images,
    )
    packed = packing.pack("val", labels, top1, codes)
    back, back_codes = packing.unpack("val", labels, packed)
    assert np.array_equal(back, top1)
    assert all(np.array_equal(back_codes[m], codes[m]) for m in codes)
    row = {name: values[5] for name, values in packed.items()}
    base = {name: values[beside[5]] for name, values in packed.items()}
    one, one_codes = packing.unpack("val", labels, row, base)
    assert np.array_equal(one, top1[5])
    assert all(np.array_equal(one_codes[m], codes[m][5]) for m in codes)


def test_classes_stand_in_the_order_of_how_often_they_are_given() -> None:
    top1 = np.array([[2, 0], [2, 0], [1, 0], *[[2, 1]] * 12], np.uint8)
    order = class_order(top1, np.array([0, 2], np.uint8), 3)
    assert order is not None
    # image 0: 2 fourteen times, 1 once; image 1: 1 twelve times, 0 three times, 2 never
    assert order.T.tolist() == [[2, 1, 0], [1, 0, 2]]
    none_given = class_order(np.zeros((15, 1), np.uint8), np.array([1], np.uint8), 3)
    assert none_given is not None
    assert none_given.ravel().tolist() == [0, 1, 2]  # the truth first of those never given


def test_images_stand_from_the_doubtful_to_the_sure() -> None:
    codes = np.tile(np.array([200, 3, 100, 3], np.uint8), (SORTED_FROM, 1))
    codes[0, 1] = 255
    order = image_order(codes)
    assert order is not None
    assert order.tolist() == [3, 1, 2, 0]
    assert image_order(codes[1:]) is None


def test_images_in_their_order_make_a_table_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = synthetic_table(SORTED_FROM, n_val=2000, n_test=2000)
    sizes = []
    for least in (SORTED_FROM, SORTED_FROM + 1):
        monkeypatch.setattr("biglittle.bench.packing.SORTED_FROM", least)
        path = tmp_path / f"{least}.h5"
        write_table(path, contents, "1", "d")
        sizes.append(path.stat().st_size)
    assert sizes[0] < 0.99 * sizes[1]


def test_twins_are_of_the_same_cut_and_training() -> None:
    contents = with_int8(synthetic_table(12, n_exits=2))
    n = len(contents.networks["macs"]) // 2
    assert fp32_twins(contents.networks).tolist() == [-1] * n + list(range(n))
    networks = {k: v.copy() for k, v in contents.networks.items()}
    networks["seed"][n:] = 7  # another supernet's
    assert (fp32_twins(networks) == -1).all()


def _set(place: str, where: Any, value: int) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file[place][where] = value

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (_set("packing/val_classes", (0, 3), 9), "does not name each of the 10 classes once"),
        (_set("packing/test_images", 0, 2**31), "does not name each of the 400 images once"),
        (_set("packing/val_images", 0, 3), "does not name each of the 300 images once"),
        (_set("packing/beside", -1, 1000), "names a row that is not there"),
        (_set("packing/beside", -1, -2), "names a row that is not there"),
        (_set("packing/beside", 0, 1), "names a row that is not there or stands beside another"),
        (lambda f: f.__delitem__("packing/beside"), ""),
    ],
)
def test_a_packing_that_cannot_be_is_refused(
    tmp_path: Path, change: Callable[[h5py.File], None], text: str
) -> None:
    path = tmp_path / "t.h5"
    contents = with_int8(synthetic_table(N))
    write_table(path, contents, "1", "d")
    with h5py.File(path, "r+") as file:
        change(file)
    if not text:  # other answers, which the hash of the file gives away
        with pytest.raises(TableError, match="SHA-256"):
            Table(path)
        return
    with pytest.raises(TableError, match=text):
        Table(path, check=False)
