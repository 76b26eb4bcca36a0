"""``random``: the control: which inputs are escalated has nothing to do with them.

The scores are a fixed random order of the images, the same for every network, so that a threshold
t escalates a share t of them to within one image and 1/512.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._score import Answers, DerivedGate

SEED = 20_000


@dataclass(frozen=True)
class RandomOrder:
    """A random order of the images; there is nothing in it to fit."""

    seed: int = SEED

    def scores(self, answers: Answers) -> NDArray[np.float64]:
        """Scores (k + 1/2) / n in random order, shape (n,)."""
        n = len(answers.top1)
        # the raw stream is promised to stay the same from one NumPy to the next
        order = np.argsort(np.random.PCG64(self.seed).random_raw(n), kind="stable")
        scores = np.empty(n, np.float64)
        scores[order] = (np.arange(n) + 0.5) / n
        return scores


def fit(answers: Answers, right: NDArray[np.bool_]) -> RandomOrder:
    """The same order for every network."""
    return RandomOrder()


METRIC = DerivedGate(
    name="random",
    fit=fit,
    source="the usual control: accuracy lies on the straight line from little to big",
    deployable=False,
)
