"""What is true of the ``fbnet-fashion-mnist`` table alone; begun from fbnet-cifar10.

Space, data set and schedule stand in ``supernet.toml``; how networks and pairs are trained further
in ``finetune.toml``, ``standalone.toml`` and ``pairs.toml``.
"""

from __future__ import annotations

from pathlib import Path

from ..building.recipe import Design, EvaluationTime, ExitRows, Selection, TableRecipe

FOLDER = Path(__file__).parent

RECIPE = TableRecipe(
    name="fbnet-fashion-mnist",
    folder=FOLDER,
    design=Design(
        device="raspberry-pi-4",
        n_classes=10,
        # Networks per band of latency, from the cheapest up: as of the table it began from.
        quotas=(16, 22, 23, 23, 22, 16, 13, 8, 5, 3),
        macs_cells=3,
        front_seed=FOLDER / "front_seed.json",
        # Of one core of the machine of that table; time one network of yours, and put it here.
        evaluation=EvaluationTime(16280, 0.00024, 2.43e-11),
        front_latency_ms_max=35.0,
    ),
    selection=Selection(
        finetuned=6, standalone=2, evaluated_first=60, front_pairs=2, other_pairs=1, seeds=1
    ),
    exits=ExitRows(
        latency_ms_max=26.0,
        names=("6", "8s", "10", "12s", "14", "18"),
        rows_max=30,
    ),
    storage="int8",
    metrics=("margin", "max_prob"),  # the entropy says hardly more, and takes a fifth of the file
)
