"""Files of answers of three made-up networks to 600 images of 5 classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

SKILLS = {"small": 0.5, "middle": 1.5, "large": 2.5}


class Given(NamedTuple):
    """A folder of files, and what is in them."""

    folder: Path
    answers: dict[str, NDArray[Any]]
    labels: NDArray[Any]


@pytest.fixture
def given(tmp_path: Path) -> Given:
    rng = np.random.default_rng(0)
    n, k = 600, 5
    labels = rng.integers(0, k, n)
    hard, answers = rng.normal(size=n), {}
    for name, skill in SKILLS.items():
        logits = rng.normal(size=(n, k))
        logits[np.arange(n), labels] += 1 + skill - hard
        odds = np.exp(logits)
        answers[name] = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
        np.save(tmp_path / f"{name}.npy", answers[name])
    np.save(tmp_path / "y.npy", labels)
    (tmp_path / "costs.csv").write_text("network,latency_ms\nsmall,4\nmiddle,18\nlarge,70\n")
    return Given(tmp_path, answers, labels)
