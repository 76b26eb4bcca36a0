"""Batches of noise and of a data set's images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.datasets import Images, get_dataset  # noqa: E402
from biglittle.bench.errors import BigLittleError, DatasetError, UnknownNameError  # noqa: E402
from biglittle.zerocost import dataset_batch, noise_batch  # noqa: E402


def test_noise_is_that_of_its_seed() -> None:
    one, again, other = (noise_batch(6, 4, (2, 3, 3), seed=s) for s in (1, 1, 2))
    assert torch.equal(one.images, again.images)
    assert torch.equal(one.labels, again.labels)
    assert not torch.equal(one.images, other.images)
    assert one.images.shape == (6, 2, 3, 3)
    assert 0 <= int(one.labels.min()) <= int(one.labels.max()) < 4
    assert one.name == "noise, n=6, seed=1"


def test_images_are_drawn_normalised_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = get_dataset("cifar10")
    pixels = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3)).astype(np.uint8)
    train = Images(pixels, np.arange(20).astype(np.uint8) % 10)
    monkeypatch.setattr(type(dataset), "load", lambda self, folder: {"train": train})
    batch = dataset_batch("cifar10", 5, seed=3)
    assert batch.name == "cifar10 train, n=5, seed=3"
    expected = (pixels.astype(np.float32) / 255 - dataset.mean) / dataset.std
    for image, label in zip(batch.images.numpy(), batch.labels.tolist(), strict=True):
        either = expected[[label, label + 10]].transpose(0, 3, 1, 2)
        assert np.isclose(image, either, atol=1e-6).all(axis=(1, 2, 3)).any()
    assert torch.equal(dataset_batch("cifar10", 5, seed=3).images, batch.images)
    with pytest.raises(BigLittleError, match="a batch of 21 images of cifar10; expected 1 to 20"):
        dataset_batch("cifar10", 21)


def test_images_that_are_not_there_and_names_that_do_not_exist(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        dataset_batch("cifar10", 5, folder=tmp_path)
    with pytest.raises(UnknownNameError, match="cifar10"):
        dataset_batch("cifar1", 5)
