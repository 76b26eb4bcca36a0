"""What is true of the ``fbnet-cifar10`` table alone; ``building`` does the rest for any table.

Space and data set stand in ``supernet.toml``, the schedule of the training; how networks and pairs
are trained further in ``finetune.toml``, ``standalone.toml`` and ``pairs.toml``.
"""

from __future__ import annotations

from pathlib import Path

from ..building.recipe import Design, EvaluationTime, ExitRows, Selection, TableRecipe

FOLDER = Path(__file__).parent

#: Networks per band of latency, from the cheapest up. Bands are equal on a logarithmic scale,
#: because what a millisecond is worth depends on how many there are. Most go where littles are
#: (below 15 ms) and where a big still pays (to 30 ms); the most expensive bands get few, because a
#: network there takes six times as long to evaluate and the front hardly ever reaches it.
QUOTAS = (30, 42, 45, 45, 42, 30, 26, 15, 10, 5)

#: Equal bands of latency and their quotas in the first design, whose networks all stay.
FIRST_QUOTAS = (26, 32, 30, 24, 16, 10, 7, 4, 2, 1)

#: On one core of the machine of the build: 1,280 images to recalibrate and 15,000 to answer, at a
#: cost of an image that is linear in MACs (1,000 images/s at 31 million MACs, 480 at 76 million).
EVALUATION = EvaluationTime(images=16_280, seconds_per_image=0.24e-3, seconds_per_mac=2.43e-11)

RECIPE = TableRecipe(
    name="fbnet-cifar10",
    folder=FOLDER,
    design=Design(
        device="raspberry-pi-4",
        n_classes=10,
        quotas=QUOTAS,
        # Networks of one latency differ in MACs by a factor of two: with three cells both ends of
        # that and the middle are there.
        macs_cells=3,
        front_seed=FOLDER / "front_seed.json",
        evaluation=EVALUATION,
        first_quotas=FIRST_QUOTAS,
        pool=200_000,
        seed=0,
        # Spread over latency: at most 40 networks of the front itself.
        front_points=16,
        front_singles=8,
        front_networks=130,  # so that the neighbourhood is a third of the design
        front_latency_ms_max=35.0,  # what lies beyond is expensive to evaluate and dominated
        least_escalation=0.01,
    ),
    selection=Selection(
        finetuned=24,
        standalone=12,
        standalone_exits=4,
        evaluated_first=100,  # a stratified design by itself, evaluated early, the same for ever
        front_pairs=5,
        other_pairs=3,
        seeds=3,  # of one pair: an idea of what a seed is worth, at the price of two more pairs
        escalating=(0.05, 0.6),  # beyond these a pair is in effect one network
    ),
    exits=ExitRows(
        latency_ms_max=26.0,  # the front of pairs hardly asks for more expensive trunks
        # behind every stage and in the middle of the long ones, where heads are cheap
        names=("4s", "6", "8s", "8", "10", "12s", "12", "14", "16", "18", "20"),
    ),
    int8_max=70,  # at 20 kB each, what the table's 25 MiB have room for
)
