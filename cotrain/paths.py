"""Paths through a supernet, drawn by the rules of a schedule."""

from __future__ import annotations

import numpy as np

from ..bench.spaces import SearchSpace
from .schedule import PathSampling


def draw_path(
    space: SearchSpace, rule: PathSampling, anchor: int, rng: np.random.Generator
) -> np.ndarray:
    """One path, shape (n_layers,), by a sampling rule."""
    skip = space.choices.index("skip")
    kind = rng.random()
    if kind < rule.all_skip:
        return np.full(space.n_layers, skip)
    if kind < rule.all_skip + rule.anchor:
        return np.full(space.n_layers, anchor)
    names = list(rule.weights)
    weights = np.array([rule.weights[n] for n in names])
    weights = weights / weights.sum()
    if rule.concentration is not None:
        weights = rng.dirichlet(rule.concentration * weights)
    share = rng.uniform(rule.skip_low, rule.skip_high)
    path = rng.choice([space.choices.index(n) for n in names], space.n_layers, p=weights)
    return np.where(rng.random(space.n_layers) < share, skip, path)
