"""An HDF5 file holds what was declared, and nothing else."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from biglittle.bench.hdf5 import CheckedFile, Column, Hdf5Error, why_closed

COLUMNS = {"group/a": Column("f", ("n",)), "group/b": Column("iu", ("n", 2), required=False)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "file.h5"
    with h5py.File(target, "w") as file:
        file["group/a"] = np.arange(3.0)
        file["group"].attrs["unit"] = "ms"
    return target


def test_what_was_declared_is_read_with_its_lengths(path: Path) -> None:
    file = CheckedFile(path, COLUMNS)
    assert file.read("group/a").tolist() == [0.0, 1.0, 2.0]
    assert file.lengths["n"] == 3
    assert file.attributes["group"] == {"unit": "ms"}
    assert file.names("group") == ("a",)
    assert file.names("absent") == ()
    assert why_closed(path) == ""


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("group/b", np.zeros((4, 2), int)),
        ("group/b", np.zeros((3, 3), int)),
        ("group/b", np.zeros((3, 2))),
        ("other", np.zeros(3)),
    ],
)
def test_another_length_kind_or_place_is_named(path: Path, place: str, value: np.ndarray) -> None:
    with h5py.File(path, "r+") as file:
        file[place] = value
    with pytest.raises(Hdf5Error, match=place):
        CheckedFile(path, COLUMNS)


def test_what_is_required_is_missed_by_name(path: Path) -> None:
    with pytest.raises(Hdf5Error, match="needed"):
        CheckedFile(path, COLUMNS | {"needed": Column("f", None)})
