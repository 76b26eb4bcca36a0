"""SVHN from MATLAB files of its form; no other file than the published ones reaches SciPy."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.datasets import get_dataset, svhn
from biglittle.bench.errors import DatasetError

N = {"train": 12, "test": 5}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with both files, whose hashes are taken for the published ones."""
    from scipy.io import savemat

    monkeypatch.setattr(svhn, "_COUNTS", N)
    rng, md5 = np.random.default_rng(0), {}
    for split, n in N.items():
        pixels = rng.integers(0, 256, (32, 32, 3, n), np.uint8)
        labels = (np.arange(n, dtype=np.uint8) % 10 + 1)[:, None]
        path = tmp_path / f"{split}_32x32.mat"
        savemat(path, {"X": pixels, "y": labels}, do_compression=True)
        md5[split] = hashlib.md5(path.read_bytes()).hexdigest()
    monkeypatch.setattr(svhn, "_MD5", md5)
    return tmp_path


def test_images_stand_in_rows_and_ten_is_a_zero(folder: Path) -> None:
    from scipy.io import loadmat

    arrays = get_dataset("svhn").read(folder)
    assert arrays is not None
    pixels = loadmat(folder / "train_32x32.mat")["X"]
    assert np.array_equal(arrays["x_train"][3], pixels[..., 3])
    assert arrays["y_train"].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]
    assert arrays["x_test"].shape == (5, 32, 32, 3)


def test_another_file_is_refused_unread(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "test_32x32.mat").write_bytes(b"MATLAB 5.0 MAT-file, and something else")
    monkeypatch.setattr(svhn, "_COUNTS", {"test": 5, "train": 12})
    monkeypatch.setattr("scipy.io.loadmat", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(DatasetError, match=r"test_32x32\.mat cannot be read: .*published is"):
        svhn.read(folder)


def test_a_folder_without_both_files_holds_none(folder: Path) -> None:
    (folder / "test_32x32.mat").unlink()
    assert svhn.read(folder) is None
