"""Bits per stage of networks with a supernet's weights: sensitivities, a front, and what is asked.

Accuracy comes about in two ways, and every figure says in which: ``simulated`` is that of a network
that was run with its bits on images of val, ``predicted`` adds up what single stages lost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bench import Benchmark
from ..bench.errors import ConstraintError
from ..bench.mixed_network import MixedNetwork
from .bit_sensitivity import SPLIT
from .bits_lab import Lab
from .bits_pair import pair_of, pair_report
from .bits_search import PROVENANCE, BitsPoint, searched_front

if TYPE_CHECKING:
    pass

#: How the figures of a network that was run with its bits came about.
RUN_PROVENANCE = {**PROVENANCE, "accuracy": "simulated"}


@dataclass(frozen=True)
class BitsSettings:
    """How networks are asked and bits are searched for.

    Attributes:
        images: number of val images that every run is asked about.
        budget: assignments of bits that are predicted.
        seed: seed of the search.
        check: points of the front, spread over it, that are run as well.
    """

    images: int = 1000
    budget: int = 10_000
    seed: int = 0
    check: int = 4

    def __post_init__(self) -> None:
        for name, least in (("images", 1), ("budget", 1), ("check", 0)):
            if getattr(self, name) < least:
                raise ConstraintError(
                    f"--{name} {getattr(self, name)} is not usable; expected at least {least}."
                )


def parsed(names: Sequence[str], space: str) -> tuple[list[str], list[MixedNetwork]]:
    """Networks to search bits for, and networks that have bits already, each once.

    Raises:
        ConstraintError: there is no name.
        ArchitectureError: a name of neither kind.
    """
    if not names:
        raise ConstraintError("no network is named; expected ARCHITECTURE[@EXIT][:BITS], some.")
    free, mixed = [], []
    for name in names:
        if ":" in name:
            mixed.append(MixedNetwork.parse(name, space))
        else:
            free.append(MixedNetwork.of(name, "w8a8", space).network)
    return list(dict.fromkeys(free)), list(dict.fromkeys(mixed))


def spread_over(front: Sequence[BitsPoint], n: int) -> list[BitsPoint]:
    """Some points of a front, evenly from one end to the other."""
    places = np.linspace(0, len(front) - 1, min(n, len(front)))
    return [front[i] for i in sorted({round(float(place)) for place in places})]


def bits_report(
    bench: Benchmark,
    names: Sequence[str],
    settings: BitsSettings,
    start: str = "inherited",
    data: Path | None = None,
    folder: Path | None = None,
    tell: Callable[[str], object] = lambda line: None,
    pair: bool = False,
) -> dict[str, Any]:
    """What bits per stage do to networks, as plain JSON.

    Args:
        bench: table whose space, data set and weights are meant.
        names: networks, ``ARCHITECTURE[@EXIT]`` to search bits for, or with ``:BITS`` to be run.
        settings: number of images, budget, seed, and points to run.
        start: ``inherited`` or a ``.safetensors`` file.
        data: folder of the images; None: where they were fetched to.
        folder: folder in which sensitivities are kept; None: nowhere.
        tell: called with a line about what is done next.
        pair: whether the networks are the little and the big one of a pair.

    Raises:
        ArchitectureError: a network or bits that there are not.
        CheckpointError: there are no such weights, or they are of another space.
        ConstraintError: no network is named, or a pair is not of two networks with bits.
    """
    free, mixed = parsed(names, bench.table.space.name)
    both = pair_of(free, mixed) if pair else None
    lab = Lab.of(bench, start, data, settings.images)
    n_classes = lab.dataset.n_classes
    rows: list[dict[str, Any]] = []
    for one in mixed:
        tell(f"asking {one.name} about {len(lab.images):,} images of {SPLIT}")
        costs = one.costs(n_classes)
        point = BitsPoint(
            one, lab.accuracy(one), int(costs.bitops(one.bits)), float(costs.weights_mib(one.bits))
        )
        rows.append({**point.as_dict(), "provenance": dict(RUN_PROVENANCE)})
    sensitivities = []
    for name in free:
        tell(f"stage by stage: {name}, {len(lab.images):,} images of {SPLIT}")
        sensitivities.append(lab.sensitivity(name, folder))
    front = []
    if sensitivities:
        front = searched_front(sensitivities, settings.budget, settings.seed)
    checked = []
    for point in spread_over(front, settings.check) if settings.check else []:
        tell(f"asking {point.network.name}")
        checked.append(
            {
                "network": point.network.name,
                "predicted": round(point.accuracy, 6),
                "simulated": round(lab.accuracy(point.network), 6),
            }
        )
    return {
        "config": {
            "networks": list(names),
            "start": start,
            "weights_sha256": lab.digest,
            "split": SPLIT,
            "images": len(lab.images),
            "budget": settings.budget,
            "seed": settings.seed,
        },
        "run": rows,
        "sensitivity": [one.as_dict() for one in sensitivities],
        "front": [point.as_dict() for point in front],
        "checked": checked,
        "pair": None if both is None else pair_report(lab, *both),
    }
