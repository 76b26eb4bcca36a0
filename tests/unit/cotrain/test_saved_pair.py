"""A trained pair is kept, and carries images to be checked by from all over its split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from biglittle.bench import Gate
from biglittle.bench.datasets import Dataset, Images
from biglittle.bench.networks import build_network, weights_hash
from biglittle.cotrain.saved_pair import CHECKED_IMAGES, saved_pair
from biglittle.cotrain.weights import load_network

IDS = ("8" * 22 + "@12s", "0" + "8" * 21)


@pytest.mark.parametrize("n", [3, 2 * CHECKED_IMAGES + 1])
def test_its_images_are_spread_over_the_split_with_their_answers(
    n: int, tmp_path: Path, digits: Dataset
) -> None:
    networks = tuple(build_network(a, 10, seed=i) for i, a in enumerate(IDS))
    numbers = np.arange(n)
    test = Images(np.tile((numbers // 256)[:, None, None, None], (1, 1, 1, 3)), numbers % 10)
    logits = np.tile(numbers[:, None], 10).astype(np.float32)
    gate, origin = Gate("margin", 0.5), {"seed": 1}
    pair = saved_pair(
        tmp_path, (networks[0], networks[1]), gate, test, (logits, -logits), digits, origin
    )
    checked = pair.logits[0][:, 0].astype(int)
    assert len(checked) == len(pair.images) == min(n, CHECKED_IMAGES)
    assert (checked[0], checked[-1]) == (0, n - 1)
    assert np.ptp(np.diff(checked)) <= 1
    assert np.array_equal(pair.logits[1], -pair.logits[0])
    assert np.array_equal(pair.images[:, 0, 0, 0], checked // 256)
    assert (pair.architectures, pair.space.name) == (IDS, "fbnet")
    assert (pair.gate, pair.dataset, pair.origin) == (gate, digits, origin)
    for name, network, weights in zip(("little", "big"), networks, pair.weights, strict=True):
        assert weights_hash(load_network(tmp_path / f"{name}.safetensors")) == weights_hash(network)
        assert all(np.array_equal(weights[k], v.numpy()) for k, v in network.state_dict().items())
