"""A made-up table with the real schema, for tests and examples: no training, no download.

Every figure in it is ``simulated``: a network's skill grows with the logarithm of its MACs, an
image has a difficulty, and the answers follow from the two.
"""

from __future__ import annotations

import numpy as np

from .spaces import get_space
from .table import Predictions, TableContents, encode_predictions

CHOICES = ("k3_e1", "k3_e3", "skip")
DEVICE = "synthetic-device"
N_CLASSES = 10


def synthetic_table(
    n_networks: int = 12, n_val: int = 300, n_test: int = 400, seed: int = 0
) -> TableContents:
    """A table of ``n_networks`` inherited networks of the ``fbnet`` space; all-skip is row 0."""
    space, rng = get_space("fbnet"), np.random.default_rng(seed)
    skip = space.choices.index("skip")
    genomes = space.sample(rng, n_networks, CHOICES)
    genomes = np.where(rng.random(genomes.shape) < rng.random((n_networks, 1)), skip, genomes)
    genomes[0] = skip
    macs = space.macs(genomes, N_CLASSES)
    skill = np.log(macs / macs.min())
    predictions = {}
    for split, n in (("val", n_val), ("test", n_test)):
        labels = rng.integers(0, N_CLASSES, n).astype(np.uint8)
        difficulty = rng.normal(size=n)
        rows = []
        for network in range(n_networks):
            logits = rng.normal(size=(n, N_CLASSES))
            logits[np.arange(n), labels] += 1.5 * (skill[network] + 1.0 - difficulty)
            odds = np.exp(logits)
            rows.append(encode_predictions(odds / odds.sum(axis=1, keepdims=True), labels))
        predictions[split] = Predictions(
            labels=labels,
            top1=np.array([top1 for top1, _ in rows]),
            codes={m: np.array([codes[m] for _, codes in rows]) for m in rows[0][1]},
        )
    latency = 5.0 + macs / 2e6
    return TableContents(
        name="synthetic",
        space=space.name,
        dataset="synthetic",
        n_classes=N_CLASSES,
        choices=CHOICES,
        networks={
            "architecture": np.array(space.format(genomes)),
            "training": np.full(n_networks, "inherited"),
            "precision": np.full(n_networks, "fp32"),
            "weights_sha256": np.full(n_networks, "0" * 64),
            "seed": np.zeros(n_networks, np.int64),
            "epochs": np.zeros(n_networks, np.int64),
            "macs": macs,
            "params": space.params(genomes, N_CLASSES),
        },
        val_index=np.arange(n_val),
        predictions=predictions,
        devices={
            DEVICE: {
                "latency_ms": latency,
                "energy_mj": latency * 4.0,
                "provenance": {"latency_ms": "simulated", "energy_mj": "simulated"},
                "gate_ms": 0.0,
                "description": "a device that does not exist",
                "runtime": "none",
                "source": "synthetic_table",
                "power_source": "synthetic_table",
            }
        },
    )
