"""``post_hoc``: a small model of what escalation gains, fitted to a pair of networks.

The best rule of all for when to escalate is a threshold on the chance that big is right minus the
chance that little is (Jitkrittum et al. 2023, proposition 3.1), and not on little's confidence
alone: where both are wrong, asking big is in vain. So two logistic regressions on little's outputs,
those of ``learned``, predict that only big is right and that only little is; the difference is the
gain. Its rank among the answers to ``val`` is the score: a threshold t escalates a share t of them.

It is fitted on ``val`` alone, and ``val`` is scored in folds, each by a fit to the others, so that
a threshold is chosen on scores that did not see their own answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import learned
from ._score import Answers, PairedGate, Ranked


@dataclass(frozen=True)
class Gain:
    """What escalation is expected to gain, by little's outputs.

    Attributes:
        only_big: regression of "big is right and little is not".
        only_little: regression of "little is right and big is not".
    """

    only_big: learned.Learned
    only_little: learned.Learned

    def __call__(self, answers: Answers) -> NDArray[np.float64]:
        """Minus the expected gain, shape (n,): high where little should answer."""
        return np.asarray(self.only_little.scores(answers) - self.only_big.scores(answers))


def fit(answers: Answers, little_right: NDArray[np.bool_], big_right: NDArray[np.bool_]) -> Ranked:
    """The gate of a pair, from little's answers on val and who is right, shape (n,) each."""
    gain = Gain(
        only_big=learned.fit(answers, big_right & ~little_right),
        only_little=learned.fit(answers, little_right & ~big_right),
    )
    return Ranked.of(gain, answers)


METRIC = PairedGate(
    name="post_hoc",
    fit=fit,
    source="Jitkrittum et al. 2023, When Does Confidence-Based Cascade Deferral Suffice? (Diff-01)",
)
