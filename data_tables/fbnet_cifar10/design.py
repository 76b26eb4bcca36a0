"""Which networks are in the table: spread over the Raspberry Pi 4's latency, not over the space.

Drawn uniformly, nearly all networks of the space are of middling cost, and the small ones that make
good littles never come up. So a large pool is drawn in which the share of skipped layers and the
taste for wide blocks vary from network to network, and equal bands of Pi 4 latency get fixed
quotas. The extremes (every layer the same) are always in.
"""

from __future__ import annotations

import numpy as np

from ...bench.device import load_device
from ...bench.spaces import SearchSpace
from ...bench.spaces._space import Genomes

DEVICE = "raspberry-pi-4"
#: Networks per band of equal width, from the cheapest up: the dear ones are bigs only, and take
#: several times as long to evaluate.
QUOTAS = (26, 32, 30, 24, 16, 10, 7, 4, 2, 1)
POOL = 200_000
SEED = 0


def draw_pool(space: SearchSpace, choices: tuple[str, ...], rng: np.random.Generator) -> Genomes:
    """Genomes whose share of skips and whose taste for costly blocks vary, shape (POOL, layers)."""
    skip = space.choices.index("skip")
    blocks = np.array([space.choices.index(c) for c in choices if c != "skip"])
    uniform = np.repeat(blocks[:, None], space.n_layers, axis=1).astype(np.uint8)
    cost = space.macs(uniform, n_classes=10).astype(np.float64)
    taste = rng.normal(0.0, 2.0, (POOL, 1)) - 1.0
    weight = (cost / cost.min()) ** taste
    weight /= weight.sum(axis=1, keepdims=True)
    draw = rng.random((POOL, space.n_layers, 1))
    picked = blocks[(draw > weight.cumsum(axis=1)[:, None, :]).sum(axis=2).clip(0, len(blocks) - 1)]
    skipped = rng.random((POOL, space.n_layers)) < rng.random((POOL, 1))
    return np.where(skipped, skip, picked).astype(np.uint8)


def chosen_architectures(space: SearchSpace, choices: tuple[str, ...]) -> list[str]:
    """Ids of the table's networks, from cheap to dear.

    Args:
        space: the search space.
        choices: those whose weights were trained.
    """
    rng = np.random.default_rng(SEED)
    profile = load_device(DEVICE)
    same = np.repeat(space.allowed(choices)[:, None], space.n_layers, axis=1)
    pool = np.unique(draw_pool(space, choices, rng), axis=0)
    latency = profile.latency_ms(space, pool)
    low, high = profile.latency_ms(space, same).min(), profile.latency_ms(space, same).max()
    band = np.clip((latency - low) / (high - low) * len(QUOTAS), 0, len(QUOTAS) - 1).astype(int)
    picked = [rng.permutation(np.flatnonzero(band == b))[:q] for b, q in enumerate(QUOTAS)]
    genomes = np.unique(np.concatenate([same, pool[np.concatenate(picked)]]), axis=0)
    return space.format(genomes[np.argsort(profile.latency_ms(space, genomes), kind="stable")])
