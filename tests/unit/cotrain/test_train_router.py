"""A router learns what can be learned, for either target, and repeats itself."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.errors import TrainingError, UnknownNameError  # noqa: E402
from biglittle.bench.networks import build_network  # noqa: E402
from biglittle.cotrain.evaluate import logits_of  # noqa: E402
from biglittle.cotrain.images import normalised  # noqa: E402
from biglittle.cotrain.prefix import take_trunk  # noqa: E402
from biglittle.cotrain.train_router import (  # noqa: E402
    RouterData,
    RouterSettings,
    router_data,
    train_router,
)

BIG = "0" + "8" * 21


def _data(n: int = 2000) -> RouterData:
    """Little is wrong where the first channel is high, and big right where the second is."""
    rng = np.random.default_rng(0)
    pooled = rng.normal(size=(n, 6))
    return RouterData(pooled, rng.dirichlet(np.ones(10), n), pooled[:, 0] < 0.5, pooled[:, 1] > 0.0)


def _ranked(scores: np.ndarray, high: np.ndarray) -> float:
    """Share of pairs of images that are in the right order."""
    return float((scores[high][:, None] > scores[~high][None]).mean())


@pytest.mark.parametrize("confident", [True, False])
@pytest.mark.parametrize("target", ["gain", "right"])
def test_it_learns_what_the_features_say(target: str, confident: bool) -> None:
    data = _data()
    settings = RouterSettings(target=target, confident=confident)
    router = train_router(data, settings)
    assert router.confident == confident
    scores = router.scores(data.pooled, data.probabilities)
    keep = data.little if target == "right" else ~(data.big & ~data.little)
    assert _ranked(scores, keep) > 0.9
    again = train_router(data, settings)
    assert np.array_equal(again.scores(data.pooled, data.probabilities), scores)


def test_it_looks_at_the_features_of_the_exit(
    digits: Dataset, digit_splits: dict[str, Images]
) -> None:
    little, big = build_network(f"{BIG}@4", 10, seed=0), build_network(BIG, 10, seed=1)
    take_trunk(little, big)
    images = digit_splits["val"].subset(np.arange(20))
    data = router_data(little.eval(), big.eval(), images, digits)
    assert data.pooled.shape == (20, little.head[0].in_channels)
    for network, right in ((little, data.little), (big, data.big)):
        answers = logits_of(network, images, digits).argmax(axis=1)
        assert np.array_equal(right, answers == images.labels)


def test_it_looks_behind_the_stem_too(digits: Dataset, digit_splits: dict[str, Images]) -> None:
    little, big = (build_network(a, 10, seed=0).eval() for a in ("8" * 22, BIG))
    images = digit_splits["val"].subset(np.arange(20))
    data = router_data(little, big, images, digits, "stem")
    x = normalised(images, digits)
    with torch.no_grad():
        features = little.stem(x)
    assert np.allclose(data.pooled, features.mean(dim=(2, 3)).numpy(), atol=1e-5)
    behind = router_data(little, big, images, digits)
    assert np.array_equal(data.little, behind.little)
    assert data.pooled.shape != behind.pooled.shape
    with pytest.raises(UnknownNameError, match="Did you mean 'stem'"):
        router_data(little, big, images, digits, "sten")


def test_bad_settings_are_told() -> None:
    data = _data(10)
    with pytest.raises(UnknownNameError, match="gain"):
        train_router(data, RouterSettings(target="gian"))
    none = RouterData(*(getattr(data, f.name)[:0] for f in dataclasses.fields(data)))
    with pytest.raises(TrainingError, match="needs images"):
        train_router(none, RouterSettings())
