"""``oracle``: the bound: escalates first where little is wrong and big right, last where it harms.

The score is 0 where little is wrong and big right, 1 where little is right and big wrong, and 1/2
where it makes no difference. Of all gates it has the highest accuracy at every escalation rate (its
four points joined by straight lines: among equal scores any share can be escalated).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._score import PairwiseGate


def compare(little_right: NDArray[np.bool_], big_right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Scores 0, 1/2 and 1, of the shape the two broadcast to."""
    return 0.5 + 0.5 * (little_right.astype(np.float64) - big_right.astype(np.float64))


METRIC = PairwiseGate(
    name="oracle",
    compare=compare,
    source="upper bound by definition; as the oracle of Park et al. 2015, Big/Little DNN",
)
