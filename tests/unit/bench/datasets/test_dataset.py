"""A data set: its split, its hashes, its folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.datasets import Dataset, Images, data_folder, get_dataset
from biglittle.bench.datasets._dataset import stratified_split
from biglittle.bench.errors import DatasetError, UnknownNameError

N = 20  # images a batch in the small files of conftest.py


def test_an_altered_image_is_refused(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray], layouts
) -> None:
    arrays["x_test"][0, 0, 0, 0] ^= 1
    layouts["arrays"](tmp_path, arrays)
    expected = small.hashes["x_test"][:12]
    with pytest.raises(DatasetError, match=rf"array x_test .* expected {expected}.*altered"):
        small.load(tmp_path)


def test_arrays_of_another_shape_are_refused_although_their_bytes_are_right(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray], layouts
) -> None:
    layouts["arrays"](tmp_path, {**arrays, "x_test": arrays["x_test"].reshape(N, -1)})
    with pytest.raises(DatasetError, match=r"has shape \(20, 3072\), expected \('n', 32, 32, 3\)"):
        small.load(tmp_path)


def test_unknown_data_set_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'cifar10'"):
        get_dataset("cifar-10")


def test_the_folder_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    monkeypatch.delenv("BIGLITTLE_DATA")
    assert data_folder().name == "biglittle"


def test_a_split_is_stratified_disjoint_and_fixed_by_its_seed() -> None:
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 50)).astype(np.uint8)
    train, val = stratified_split(labels, 100, seed=0)
    assert np.bincount(labels[val]).tolist() == [10] * 10
    assert np.array_equal(np.sort(np.concatenate([train, val])), np.arange(500))
    assert np.array_equal(val, stratified_split(labels, 100, seed=0)[1])
    assert not np.array_equal(val, stratified_split(labels, 100, seed=1)[1])


def test_a_subset_keeps_the_order_asked_for(arrays: dict[str, np.ndarray]) -> None:
    images = Images(arrays["x_test"], arrays["y_test"])
    subset = images.subset(np.array([7, 3]))
    assert subset.labels.tolist() == [7, 3]
    assert len(subset) == 2
