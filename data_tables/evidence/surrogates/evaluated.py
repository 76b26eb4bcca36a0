"""Networks that searches proposed, asked about val; leaves files in the working folder."""

from __future__ import annotations

import time

from ....bench.errors import TableError
from ...flagship import RECIPE
from .._page import Step
from ._common import Working, say
from .proposed import in_random_order, proposed


def measure(working: Working, limit: int | None = None) -> None:
    """Asks every proposed network about val, with the weights it inherits; goes on where it was.

    Args:
        working: folder of the evaluations.
        limit: networks to evaluate now, at the most; None: all.
    """
    from ....bench.datasets import get_dataset
    from ....bench.rows import NetworkKey
    from ...building.evaluate import EvaluationKey, NetworkEvaluator, read_key
    from ...building.plan import TrainedSupernet

    def done(key: EvaluationKey) -> bool:
        path = working / f"{key.name}.npz"
        try:  # of another supernet, or damaged: once more
            return path.exists() and read_key(path).origin == key.origin
        except TableError as error:
            if isinstance(error.__cause__, OSError):  # of a failing disk, say: it is not damaged
                raise
            return False

    wanted = in_random_order(proposed()["points"])
    supernet, dataset = TrainedSupernet.kept(RECIPE.weights), get_dataset("cifar10")
    keys = [EvaluationKey(NetworkKey.parse(name), origin=supernet.sha256) for name in wanted]
    todo = [k for k in keys if not done(k)][:limit]
    live = NetworkEvaluator(dataset, dataset.load(), splits=("val",))
    began = time.monotonic()
    for i, key in enumerate(todo):
        if done(key):  # by another process
            continue
        name = key.network.name
        accuracy = live.evaluate(live.inherited(supernet.net, name), key, working)
        left = (time.monotonic() - began) / (i + 1) * (len(todo) - i - 1)
        say(f"{i + 1} of {len(todo)}: {name} {accuracy:.4f}, {left / 60:.0f} min left")


STEP = Step(measure, keeps=False)
