"""``agreement``: two little networks are both asked, and big answers where they disagree.

The score is above 1/2 where a network answers as the one asked before it did, and below where not;
within each half the less certain of the two (by the code of its ``max_prob``) decides. So the
threshold 1/2 is agreement-based cascading as published, with two networks in the first tier, and
others ask for more than agreement or let the second network answer some disagreements.

It stands behind the second stage of a cascade. A gate before it at its highest threshold sends
every input on, so that both little networks are always asked, as published; a lower one lets the
first network answer by itself when it is sure::

    Cascade((little, second, big), [("max_prob", 1.0), ("agreement", 0.5)])

Every stage that runs is paid for as in any cascade: latency and energy of both little networks, one
after the other, are in the mean of all inputs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._metric import N_CODES
from ._score import Answers, StageGate


def compare(before: Answers, own: Answers) -> NDArray[np.float64]:
    """Scores of a network's answers beside those of the network asked before it, shape (n,)."""
    least = np.minimum(before.codes["max_prob"], own.codes["max_prob"])
    certainty = (least + 0.5) / N_CODES
    return np.asarray(((before.top1 == own.top1) + certainty) / 2.0)


METRIC = StageGate(
    name="agreement",
    compare=compare,
    source="Kolawole et al. 2024, Agreement-Based Cascading for Efficient Inference",
)
