"""A made-up question of many networks with exits, shaped like the shipped table, for timing.

Every figure in it is made up. Images have a difficulty and look like other classes, which all
networks see alike; an architecture errs in ways of its own, which its exits share; and each exit
adds some. The later a network is cut, the more skilled it is. The shares of these terms were chosen
so that accuracies, agreement and confidences are like those of inherited networks of ``fbnet``.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ...bench.cost import NetworkCosts, SharedCosts
from ...bench.front_question import Question
from ...bench.table_contents import encode_predictions
from ...bench.tally import Tally

N_CLASSES = 10
EXITS = (0.15, 0.3, 0.42, 0.55, 0.7, 0.85)  # where networks are cut, as shares of their trunk
HEAD_MS = (0.8, 2.4)  # what an exit head takes, from the first exit to the last
STEM_MS, TAIL_MS = 3.0, 4.8  # before the trunk and after it
MIB_PER_MS, PARAMS_PER_MIB = 0.25, 2.0**18


def exits_question(
    n_architectures: int = 400,
    n_images: int = 5000,
    objectives: tuple[str, ...] = ("error", "latency_ms"),
    seed: int = 0,
) -> Question:
    """The question of all couplings of made-up architectures with six exits each.

    Networks come architecture by architecture, its exits first and the whole network last.
    Networks of one architecture share the trunk up to the exit of the little one (prefix). Of two
    whole networks the cheaper is a slice of the dearer in one case of five (nested).

    Args:
        n_architectures: number of architectures, each with seven networks.
        n_images: images of the split.
        objectives: figures of the front, see ``Question``.
        seed: seed of everything that is random.
    """
    rng = np.random.default_rng(seed)
    cut = np.array([*EXITS, 1.0])
    n_networks = n_architectures * len(cut)
    trunk_ms = np.exp(rng.normal(2.1, 0.6, (n_architectures, 1))) * cut
    after_ms = np.append(np.linspace(*HEAD_MS, len(EXITS)), TAIL_MS)
    latency_ms = (STEM_MS + trunk_ms + after_ms).ravel()
    shared_ms = (STEM_MS + trunk_ms).ravel()
    depth_ms = trunk_ms * (0.6 + 0.4 * cut)
    skill = 0.8 - 3.0 * np.exp(-((depth_ms / 3.0) ** 0.5)) + rng.normal(0.0, 0.05, trunk_ms.shape)
    codes, correct = _answers(skill + rng.normal(0.0, 0.1, (n_architectures, 1)), n_images, rng)
    weights_mib = MIB_PER_MS * latency_ms
    costs = NetworkCosts(
        latency_ms=latency_ms,
        energy_mj=4.0 * latency_ms,
        macs=2e6 * (latency_ms - STEM_MS),
        params=weights_mib * PARAMS_PER_MIB,
        weights_mib=weights_mib,
        activation_mib=np.full(n_networks, 0.5) + 0.01 * latency_ms,
        gate_ms=0.05,
        provenance={},
    )
    architecture, depth = np.divmod(np.arange(n_networks), len(cut))
    slices = rng.random((n_architectures, n_architectures)) < 0.2
    whole = depth == len(cut) - 1

    @lru_cache(maxsize=32)  # so that gates, which do not matter, get the same object
    def of(little: int) -> SharedCosts:
        prefix = (architecture == architecture[little]) & (depth > depth[little])
        nested = slices[architecture[little], architecture] & whole & whole[little]
        nested &= latency_ms > latency_ms[little]
        trunk = np.where(prefix, shared_ms[little], 0.0)
        weights = MIB_PER_MS * np.where(nested, latency_ms[little], trunk)
        return SharedCosts(
            latency_ms=trunk,
            energy_mj=4.0 * trunk,
            macs=np.where(prefix, 2e6 * (shared_ms[little] - STEM_MS), 0.0),
            params=weights * PARAMS_PER_MIB,
            weights_mib=weights,
            features_mib=np.where(prefix, 0.1, 0.0),
        )

    gates = [stored.__getitem__ for stored in codes]
    return Question(
        Tally(correct), gates, costs, objectives, shared=lambda little, gate: of(little)
    )


def _answers(
    skill: NDArray[np.float64], n_images: int, rng: np.random.Generator
) -> tuple[list[NDArray[np.uint8]], NDArray[np.bool_]]:
    """Codes by gate and who is right, each (n_networks, n_images); the truth is always class 0."""
    labels = np.zeros(n_images, np.uint8)
    common = 1.5 * rng.standard_normal((n_images, N_CLASSES), np.float32)
    common[:, 0] += 4.2 - 2.0 * rng.standard_normal(n_images, np.float32)
    rows: dict[str, list[NDArray[np.uint8]]] = {}
    correct = []
    for networks in skill:
        own = 0.7 * rng.standard_normal((n_images, N_CLASSES), np.float32)
        for level in networks:
            logits = common + own + 0.7 * rng.standard_normal((n_images, N_CLASSES), np.float32)
            logits[:, 0] += 2.0 * level
            odds = np.exp(0.75 * (logits - logits.max(axis=1, keepdims=True)))
            top1, stored = encode_predictions(odds / odds.sum(axis=1, keepdims=True), labels)
            correct.append(top1 == labels)
            for name, codes in stored.items():
                rows.setdefault(name, []).append(codes)
    return [np.array(stored) for stored in rows.values()], np.array(correct)
