"""A pair whose networks have bits per stage: its operating points, simulated on images of val.

Both networks are run with their bits and keep what they say about every image, so that each gate
and threshold is exact on those images. Cost is BitOps, which are counted: how long such a network
takes on a board nobody measured, and no latency is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..bench.cost import mean_cost
from ..bench.errors import ConstraintError
from ..bench.gates import get_metric, stored_metrics
from ..bench.mixed_network import MixedNetwork
from ..bench.pareto import nondominated
from .bit_sensitivity import measured_probabilities
from .bits_lab import Lab
from .evaluators.answers import Answers

#: How the answers of networks came about that were run with their bits.
RUN_WORDS = {"accuracy": "simulated", "escalation_rate": "simulated"}
PROVENANCE = {
    **RUN_WORDS,
    "bitops": "modelled",
    "weights_mib": "modelled",
}


@dataclass(frozen=True)
class BitsPairPoint:
    """One operating point of a pair with bits per stage.

    Attributes:
        gate: name of the gate metric.
        threshold: confidence below which an image is escalated.
        accuracy: accuracy on the images of val, a fraction.
        escalation_rate: share of those images that the big network answers.
        bitops: mean BitOps of an image.
    """

    gate: str
    threshold: float
    accuracy: float
    escalation_rate: float
    bitops: float


def pair_of(
    free: Sequence[str], mixed: Sequence[MixedNetwork]
) -> tuple[MixedNetwork, MixedNetwork]:
    """The little and the big network of a pair, in this order.

    Args:
        free: names of networks that are given without bits; a pair has none of them.
        mixed: networks that are given with their bits.

    Raises:
        ConstraintError: not two different networks, or one without bits.
    """
    if free or len(mixed) != 2:
        got = f"{free[0]} without bits" if free else f"{len(mixed)} different networks"
        raise ConstraintError(
            f"a pair is two different networks with their bits, little and big, as in ARCH:w8a8; "
            f"got {got}."
        )
    return mixed[0], mixed[1]


def mixed_answers(lab: Lab, networks: Sequence[MixedNetwork]) -> Answers:
    """What networks that are run with their bits say about the images of val that are asked.

    Args:
        lab: the supernet and the images.
        networks: networks with their bits, one row of the answers each.
    """
    n_classes, labels = lab.dataset.n_classes, lab.images.labels
    right: list[Any] = []
    codes: dict[str, list[Any]] = {name: [] for name in stored_metrics()}
    for mixed in networks:
        network = lab.network(mixed.network)
        network.set_bits(mixed.bits)
        chances = measured_probabilities(network, lab.images, lab.dataset)
        right.append(chances.argmax(axis=1) == labels)
        for name, rows in codes.items():
            metric = get_metric(name)
            rows.append(metric.encode(metric.compute(chances), n_classes))
    return Answers(np.array(right), {n: np.array(rows) for n, rows in codes.items()}, n_classes)


def pair_points(lab: Lab, little: MixedNetwork, big: MixedNetwork) -> list[BitsPairPoint]:
    """The points of a pair that no other of it beats in accuracy and in mean BitOps.

    They go from few BitOps to many; the first is the little network alone.

    Args:
        lab: the supernet and the images of val that are asked.
        little: network that is asked first.
        big: network that is asked where the gate is not sure.
    """
    n_classes = lab.dataset.n_classes
    answers = mixed_answers(lab, (little, big))
    bitops = [int(mixed.costs(n_classes).bitops(mixed.bits)) for mixed in (little, big)]
    points = []
    for number, gate in enumerate(answers.gates):
        for cut, escalated, hits in zip(*answers.curve(0, 1, gate), strict=True):
            rate = float(escalated) / answers.n_images
            points.append(
                BitsPairPoint(
                    gate,
                    float(answers.thresholds[number, cut]),
                    float(hits) / answers.n_images,
                    rate,
                    float(mean_cost(bitops[0], bitops[1], rate)),
                )
            )
    values = np.array([(1 - p.accuracy, p.bitops) for p in points])
    return [points[i] for i in sorted(nondominated(values), key=lambda i: points[i].bitops)]


def pair_report(lab: Lab, little: MixedNetwork, big: MixedNetwork) -> dict[str, Any]:
    """A pair with bits per stage as plain JSON, with how each figure came about.

    Args:
        lab: the supernet and the images of val that are asked.
        little: network that is asked first.
        big: network that is asked where the gate is not sure.
    """
    n_classes = lab.dataset.n_classes
    weights = [float(n.costs(n_classes).weights_mib(n.bits)) for n in (little, big)]
    return {
        "little": little.name,
        "big": big.name,
        "images": len(lab.images),
        "weights_mib": round(sum(weights), 6),
        "points": [
            {
                "gate": point.gate,
                "threshold": round(point.threshold, 6),
                "accuracy": round(point.accuracy, 6),
                "escalation_rate": round(point.escalation_rate, 6),
                "bitops": round(point.bitops),
            }
            for point in pair_points(lab, little, big)
        ],
        "provenance": dict(PROVENANCE),
    }


def pair_lines(report: dict[str, Any], top: int) -> list[str]:
    """Lines for a reader about what `pair_report` gives.

    Args:
        report: the report as plain JSON.
        top: rows at most, spread evenly over the points.
    """
    points = report["points"]
    places = np.unique(np.linspace(0, len(points) - 1, top).round().astype(int))
    return [
        f"{report['little']} -> {report['big']}",
        f"{len(places)} of {len(points)} operating points (accuracy simulated on "
        f"{report['images']:,} images of val; {report['weights_mib']:.3f} MiB of weights):",
        *(
            f"  {100 * points[i]['accuracy']:6.2f} %  {points[i]['bitops'] / 1e9:.3f} GBitOps  "
            f"{100 * points[i]['escalation_rate']:5.1f} % escalated  {points[i]['gate']} "
            f"{points[i]['threshold']:.3f}"
            for i in places
        ),
    ]
