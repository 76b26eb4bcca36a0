"""Few digits, for what trains networks, pairs and supernets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from biglittle.bench.datasets import Dataset, Images


@pytest.fixture
def few_digits(
    digits: Dataset, digit_splits: dict[str, Images], monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Images]]:
    """Splits with 70 training images, found under the recipe's data set; one torch thread."""
    torch = pytest.importorskip("torch")
    from biglittle.cotrain import train_network, train_pair

    for module in (train_network, train_pair):
        monkeypatch.setattr(module, "get_dataset", lambda name: digits)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield {**digit_splits, "train": digit_splits["train"].subset(np.arange(70))}
    torch.set_num_threads(before)


@pytest.fixture
def splits(
    request: pytest.FixtureRequest,
    digits: Dataset,
    digit_splits: dict[str, Images],
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Images]:
    """What a supernet is trained on: an epoch of the module's ``STEPS`` batches of ``BATCH``."""
    monkeypatch.setattr("biglittle.cotrain.train_supernet.get_dataset", lambda name: digits)
    n_images = request.module.BATCH * request.module.STEPS
    return {**digit_splits, "train": digit_splits["train"].subset(np.arange(n_images))}


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One torch thread, so that two runs on a CPU agree bit for bit."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
