"""``random``: uniform candidates, the baseline every other searcher has to beat.

Both networks, the gate and the cut are drawn independently and uniformly from what is allowed, and
nothing is learned from the figures. Uniform networks are all of middling size (of 22 layers some
share picks each choice), so the cheap end of the front is out of its reach: that is what
uniform sampling of a chain means, and it is left as it is.

Source: Bergstra and Bengio 2012, Random Search for Hyper-Parameter Optimization; as the baseline of
architecture search: Li and Talwalkar 2019, section 4.
"""

from __future__ import annotations

import numpy as np

from ...bench import Evaluator
from ..search import (
    CountingEvaluator,
    OnProgress,
    SearchOutcome,
    SearchSettings,
    uniform_candidates,
)


def search(
    evaluator: Evaluator, settings: SearchSettings, on_progress: OnProgress | None = None
) -> SearchOutcome:
    """The front over ``settings.budget`` uniform candidates, in batches of one population.

    Raises:
        ConstraintError: nothing that was evaluated meets the limits.
    """
    rng = np.random.default_rng(settings.seed)
    counting = CountingEvaluator(evaluator, settings, on_progress)
    while counting.remaining:
        n = min(settings.population, counting.remaining)
        counting.evaluate(uniform_candidates(evaluator, rng, n))
    return counting.outcome()


SEARCHER = search
