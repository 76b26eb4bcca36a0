"""Answers of made-up networks to made-up images."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

Made = tuple[dict[str, NDArray[np.float32]], NDArray[np.int64]]


def made_answers(n_images: int, n_classes: int, skills: Mapping[str, float]) -> Made:
    """Probabilities by network, and labels; a more skilled network is right more often."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, n_classes, n_images)
    hard, out = rng.normal(size=n_images), {}
    for name, skill in skills.items():
        logits = rng.normal(size=(n_images, n_classes))
        logits[np.arange(n_images), labels] += np.log(n_classes) + skill - hard
        odds = np.exp(logits)
        out[name] = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    return out, labels


@pytest.fixture(scope="session")
def make() -> Callable[..., Made]:
    return made_answers
