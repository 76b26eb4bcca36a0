"""Which networks are trained further, to say what inherited accuracies are worth, and which pairs.

The choices are fixed before anything is trained: networks by the design alone, exits by which ones
the table has, pairs by the table of inherited networks, once, in ``pairs.json`` of the working
folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ...bench import Benchmark
from ...bench.device import load_device
from ...bench.documents import read_json
from ...bench.errors import TableError
from ...bench.files import replacing, why_unreadable
from ...bench.rows import NetworkKey
from ...bench.spaces import SearchSpace
from .design import sequence
from .recipe import TableRecipe


@dataclass(frozen=True)
class ChosenPair:
    """A pair that is co-trained.

    Attributes:
        little: architecture id of the little network.
        big: architecture id of the big network.
        where: "front" of the inherited table, or "other".
        seeds: seeds under which it is trained.
    """

    little: str
    big: str
    where: str
    seeds: tuple[int, ...] = (0,)


def halving_order(n: int) -> list[int]:
    """0 to n - 1 in an order of which every beginning is spread out: by reversed binary digits.

    >>> halving_order(6)
    [0, 4, 2, 1, 5, 3]
    """
    bits = max(1, (n - 1).bit_length())
    return sorted(range(n), key=lambda i: int(format(i, f"0{bits}b")[::-1], 2))


def trust_networks(
    recipe: TableRecipe, space: SearchSpace, choices: Sequence[str]
) -> list[tuple[str, str]]:
    """Architecture and training of every network of the trust rows, in the order of training.

    The first networks of the design, in strata of equal size of latency on its device; the middle
    one of each is fine-tuned, and some of them, spread over latency, are also trained from scratch.
    """
    design, chosen = recipe.design, recipe.selection
    first = sequence(design, space, choices, fronts=[])[: chosen.evaluated_first]
    latency = load_device(design.device).latency_ms(space, space.parse(first))
    strata = np.array_split(np.argsort(latency, kind="stable"), chosen.finetuned)
    picked = [first[int(stratum[len(stratum) // 2])] for stratum in strata if len(stratum)]
    n = chosen.standalone
    scratch = [picked[int((i + 0.5) * len(picked) / n)] for i in halving_order(n)]
    out, each = [], -(-len(picked) // max(n, 1))
    for place, i in enumerate(halving_order(len(picked))):
        out.append((picked[i], "finetuned"))
        if place % each == each - 1 and scratch:
            out.append((scratch.pop(0), "standalone"))
    return out + [(a, "standalone") for a in scratch]


def trust_exits(recipe: TableRecipe, space: SearchSpace, exits: Iterable[str]) -> list[str]:
    """Exits of a table that are trained from scratch, the cheapest first.

    The middle one of each of as many strata, of equal size, of their multiply-accumulates.

    Args:
        recipe: recipe of the table.
        space: search space of its networks.
        exits: names of the exits that the table has, ``ARCHITECTURE@EXIT``.
    """
    names = sorted(exits)
    keys = [NetworkKey.parse(name) for name in names]
    genomes = space.parse([key.architecture for key in keys])
    macs = space.macs(genomes, recipe.design.n_classes, space.exit_numbers([k.exit for k in keys]))
    n = min(recipe.selection.standalone_exits, len(names))
    strata = np.array_split(np.argsort(macs, kind="stable"), n) if n else []
    return [names[int(stratum[len(stratum) // 2])] for stratum in strata]


def choose_pairs(recipe: TableRecipe, bench: Benchmark) -> list[ChosenPair]:
    """Pairs to co-train, on and off the front of inherited pairs, each spread over latency.

    Those of the front escalate enough that both networks matter. The others are random, of a
    little and a big network that is more expensive and, on val, better. The first has
    several seeds.

    Raises:
        TableError: the table has too few networks for that.
    """
    device, wanted_pairs = recipe.design.device, recipe.selection
    n_front, n_other = wanted_pairs.front_pairs, wanted_pairs.other_pairs
    points = bench.front(device).points
    low, high = wanted_pairs.escalating
    distance = np.maximum(low - points.escalation_rate, points.escalation_rate - high).clip(0)
    wanted = np.lexsort((points.latency_ms, distance))
    unique: dict[tuple[str, str], float] = {}
    for i in wanted:
        ids = (str(points.little[i]), str(points.big[i]))
        if ids[0] != ids[1] and (distance[i] == 0 or len(unique) < n_front):
            unique.setdefault(ids, float(points.latency_ms[i]))
    by_latency = sorted(unique, key=lambda ids: unique[ids])
    front = [by_latency[i] for i in _spread(len(by_latency), n_front)]
    other = _random_pairs(bench, device, n_other, set(unique), recipe.design.seed)
    if len(front) < n_front or len(other) < n_other:
        raise TableError(
            f"the table's {len(bench.table)} networks give {len(front)} pairs of the front and "
            f"{len(other)} others, expected {n_front} and {n_other}; evaluate more networks first."
        )
    chosen = [ChosenPair(little, big, "front") for little, big in front]
    middle = chosen.pop(len(chosen) // 2)
    rest = [chosen[i] for i in halving_order(len(chosen))]
    mixed = [ChosenPair(middle.little, middle.big, "front", tuple(range(wanted_pairs.seeds)))]
    others = [ChosenPair(little, big, "other") for little, big in other]
    while rest or others:
        mixed += [group.pop(0) for group in (others, rest) if group]
    return mixed


def _spread(n: int, k: int) -> NDArray[np.intp]:
    return (
        np.unique(np.rint(np.linspace(0, n - 1, min(n, k))).astype(np.intp)) if n else np.arange(0)
    )


def _random_pairs(
    bench: Benchmark, device: str, n: int, taken: set[tuple[str, str]], seed: int
) -> list[tuple[str, str]]:
    rows = bench.table.rows("inherited")
    latency = bench.costs(device).latency_ms[rows]
    accuracy = bench.table.predictions("val").correct[rows].mean(axis=1)
    ids = [str(a) for a in bench.table.networks["architecture"][rows]]
    rng, pairs = np.random.default_rng(seed), []
    ranked = np.argsort(latency, kind="stable")
    for stratum in np.array_split(ranked[: len(ranked) * 2 // 3], n):  # the littles
        for little in rng.permutation(stratum):
            better = (latency > 1.3 * latency[little]) & (accuracy > accuracy[little])
            bigs = [b for b in np.flatnonzero(better) if (ids[little], ids[b]) not in taken]
            if bigs:
                pairs.append((ids[little], ids[int(rng.choice(bigs))]))
                break
    return pairs


def write_pairs(path: Path, pairs: Sequence[ChosenPair], origin: str) -> None:
    """Keeps the choice, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        document = {"origin": origin, "pairs": [asdict(p) for p in pairs]}
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


class _Choice(Struct):
    origin: str
    pairs: list[ChosenPair]


def read_pairs(path: Path, origin: str) -> list[ChosenPair] | None:
    """The choice that was made, or None if there is none for these supernet weights.

    Raises:
        TableError: the file cannot be read, or is not one of pairs.
    """
    if not path.exists():
        return None
    try:
        document = read_json(path, _Choice)
    except (OSError, ValueError) as error:
        why = why_unreadable(error, f"{error}. Delete it to choose anew.")
        raise TableError(f"{path} cannot be read as a choice of pairs: {why}") from error
    return document.pairs if document.origin == origin else None
