"""A made-up table with the real schema, for tests and examples: no training, no download.

Every figure in it is ``simulated``: a network's skill grows with the logarithm of its MACs, an
image has a difficulty, and the answers follow from the two. An exit has some of the skill of the
network that it cuts, and much of its luck.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .device_columns import joined_columns, taken_columns
from .rows import PAIR_TRAININGS, joined
from .spaces import Genomes, get_space
from .table_contents import Predictions, TableContents, encode_predictions

CHOICES = ("k3_e1", "k3_e3", "skip")
#: Exits that a made-up table has of some of its architectures, small heads before large ones.
EXITS = ("4s", "4", "8s", "8", "12s", "12")
LUCK = 0.8  # correlation of what an exit and its whole network see in an image by chance
DEVICE = "synthetic-device"
N_CLASSES = 10
#: How much more skilled a made-up network is than with inherited weights.
GAINS = {
    "inherited": 0.0,
    "finetuned": 0.3,
    "standalone": 0.4,
    "independent": 0.3,
    "distilled": 0.35,
    "joint": 0.4,
    "gated": 0.38,
}


class _Row(NamedTuple):
    network: int
    training: str
    seed: int = 0
    partner: int = 0
    role: str = ""
    exit: str = ""


def _first(genomes: Genomes) -> NDArray[np.intp]:
    """Where each genome stands for the first time."""
    return np.unique(genomes, axis=0, return_index=True)[1]


def _rows(
    n_networks: int, n_pairs: int, n_trained: int, n_exits: int, macs: NDArray[np.int64]
) -> list[_Row]:
    """Which network each row is: inherited ones, some trained further, co-trained pairs, exits."""
    order = np.argsort(macs, kind="stable")
    rows = [_Row(i, "inherited") for i in range(n_networks)]
    rows += [_Row(int(i), "finetuned") for i in order[:n_trained]]
    rows += [_Row(int(i), "standalone") for i in order[: n_trained // 2]]
    for pair in range(n_pairs):
        little, big = int(order[pair]), int(order[-1 - pair])
        for training in PAIR_TRAININGS:
            for seed in (0, 1, 2) if pair == 0 else (0,):
                rows.append(_Row(little, training, seed, big, "little"))
                rows.append(_Row(big, training, seed, little, "big"))
    cut = order[::-1][:n_exits]
    return rows + [_Row(int(i), "inherited", exit=name) for i in cut for name in EXITS]


def synthetic_table(
    n_networks: int = 12,
    n_val: int = 300,
    n_test: int = 400,
    seed: int = 0,
    n_pairs: int = 0,
    n_trained: int = 0,
    n_exits: int = 0,
) -> TableContents:
    """A table of inherited networks of the ``fbnet`` space; all-skip is row 0.

    Args:
        n_networks: number of inherited networks.
        n_val: images of the split ``val``.
        n_test: images of the split ``test``.
        seed: seed of everything that is random.
        n_pairs: pairs that are also there co-trained, in every way, the first under three seeds.
        n_trained: the cheapest networks, which are also there fine-tuned, half of them standalone.
        n_exits: the most expensive networks, which are also there cut at each of ``EXITS``. These
            rows come last, and all others are the same with and without them.
    """
    space, rng = get_space("fbnet"), np.random.default_rng(seed)
    skip = space.choices.index("skip")
    genomes = space.sample(rng, n_networks, CHOICES)
    genomes = np.where(rng.random(genomes.shape) < rng.random((n_networks, 1)), skip, genomes)
    genomes[0] = skip
    while len(again := np.delete(np.arange(n_networks), _first(genomes))):
        genomes[again] = space.mutate(rng, genomes[again], choices=CHOICES)
    whole = space.macs(genomes, N_CLASSES)
    rows = _rows(n_networks, n_pairs, n_trained, n_exits, whole)
    index = np.array([row.network for row in rows])
    exits = space.exit_numbers([row.exit for row in rows])
    ids = np.array(space.format(genomes))
    macs = space.macs(genomes[index], N_CLASSES, exits)
    skill = np.log(whole[index] / whole.min()) + np.array([GAINS[row.training] for row in rows])
    skill -= 0.35 * np.log(whole[index] / macs)
    cut, cut_rng = {row.network for row in rows if row.exit}, np.random.default_rng([seed, 1])
    predictions = {}
    for split, n in (("val", n_val), ("test", n_test)):
        labels = rng.integers(0, N_CLASSES, n).astype(np.uint8)
        difficulty = rng.normal(size=n)
        encoded: list[tuple[NDArray[np.uint8], dict[str, NDArray[np.uint8]]]] = []
        luck: dict[int, NDArray[np.float64]] = {}
        for network, row in enumerate(rows):
            if row.exit:
                own = cut_rng.normal(size=(n, N_CLASSES))
                logits = LUCK * luck[row.network] + np.sqrt(1.0 - LUCK**2) * own
            else:
                logits = rng.normal(size=(n, N_CLASSES))
            if network in cut:  # the first rows are the inherited networks
                luck[network] = logits.copy()
            logits[np.arange(n), labels] += 1.5 * (skill[network] + 1.0 - difficulty)
            odds = np.exp(logits)
            encoded.append(encode_predictions(odds / odds.sum(axis=1, keepdims=True), labels))
        predictions[split] = Predictions(
            labels=labels,
            top1=np.array([top1 for top1, _ in encoded]),
            codes={m: np.array([codes[m] for _, codes in encoded]) for m in encoded[0][1]},
        )
    trunk_macs = space.trunk_macs(genomes[index], exits)
    latency = np.where(exits > 0, 4.5, 5.0) + macs / 2e6
    trunk_ms = np.where(exits > 0, 4.0 + trunk_macs / 2e6, np.nan)
    trained = np.array([row.training != "inherited" for row in rows])
    return TableContents(
        name="synthetic",
        space=space.name,
        dataset="synthetic",
        n_classes=N_CLASSES,
        choices=CHOICES,
        networks={
            "architecture": ids[index],
            "exit": np.array([row.exit for row in rows]),
            "training": np.array([row.training for row in rows]),
            "precision": np.full(len(rows), "fp32"),
            "weights_sha256": np.full(len(rows), "0" * 64),
            "seed": np.array([row.seed for row in rows]),
            "epochs": np.where(trained, 2, 0),
            "images": np.where(trained, 2000, 0),
            "partner": np.array([ids[r.partner] if r.role else "" for r in rows]),
            "role": np.array([row.role for row in rows]),
            "macs": macs,
            "params": space.params(genomes[index], N_CLASSES, exits),
        },
        val_index=np.arange(n_val),
        predictions=predictions,
        devices={
            DEVICE: {
                "latency_ms": latency,
                "energy_mj": latency * 4.0,
                **({"trunk_ms": trunk_ms} if n_exits else {}),
                "provenance": {"latency_ms": "simulated", "energy_mj": "simulated"},
                "gate_ms": 0.0,
                "description": "a device that does not exist",
                "runtime": "none",
                "source": "synthetic_table",
                "power_source": "synthetic_table",
            }
        },
    )


def with_int8(table: TableContents, seed: int = 0) -> TableContents:
    """A made-up table with its inherited networks in int8 behind all others, at half the latency.

    They answer two images in a hundred as another of the networks does.
    """
    rows = np.flatnonzero(table.networks["training"] == "inherited")
    rng, predictions = np.random.default_rng([seed, 2]), {}
    for split, stored in table.predictions.items():
        source = np.repeat(rows[:, None], len(stored.labels), axis=1)
        other = rng.random(source.shape) < 0.02
        source[other] = rng.choice(rows, int(other.sum()))
        images = np.arange(len(stored.labels))
        predictions[split] = Predictions(
            labels=stored.labels,
            top1=np.concatenate([stored.top1, stored.top1[source, images]]),
            codes={m: np.concatenate([c, c[source, images]]) for m, c in stored.codes.items()},
        )
    more = {name: column[rows] for name, column in table.networks.items()}
    more["precision"] = np.full(len(rows), "int8")
    devices = {}
    for name, columns in table.devices.items():
        half = taken_columns(columns, rows)
        half |= {n: half[n] / 2 for n in ("latency_ms", "energy_mj", "trunk_ms") if n in half}
        n_before = len(table.networks["architecture"])
        devices[name] = joined_columns(columns, n_before, half, len(rows))
    networks = joined([table.networks, more])
    return replace(table, networks=networks, predictions=predictions, devices=devices)
