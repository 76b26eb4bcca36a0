"""Given pairs and what they are worth: their best operating point on val, and the same on test.

For what ends with a pair and not with a front: a differentiable search, a specialisation, and the
comparison of both with pairs drawn at random.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bench import Candidates, Evaluator, OperatingPoint, Pair
from ..bench.coupling import coupled_pairs
from ..bench.datasets import Dataset, Images
from ..bench.errors import ConstraintError
from ..bench.gates import get_metric
from ..bench.spaces import parse_networks
from .algorithms.random import SEARCHER
from .domain import Domain
from .outcome import SearchOutcome
from .settings import SearchSettings

if TYPE_CHECKING:
    from ..bench.networks import Network
    from ..cotrain.supernet import Supernet

#: Accuracy first; of equally accurate points the faster one.
MOST_ACCURATE = "accuracy - 1e-9*latency_ms"


def judged(
    evaluator: Evaluator,
    pairs: Sequence[Pair],
    limits: Mapping[str, float] | None = None,
    settings: SearchSettings | None = None,
) -> SearchOutcome:
    """The front of given pairs; ``best`` is their most accurate operating point within the limits.

    Every pair is asked about once, under every gate and every cut that matters, as by a searcher.

    Args:
        evaluator: one that has no whole curves is asked at a grid of cuts.
        pairs: ids of little and big; duplicates count once.
        limits: largest value by figure (for accuracy: smallest).
        settings: objectives, limits and score, instead; its budgets and where it chooses the gate
            mean nothing here.

    Raises:
        ConstraintError: no pairs, a pair that the evaluator does not cover, or none within the
            limits.
    """
    distinct = list(dict.fromkeys((p.little, p.big) for p in pairs))
    if not distinct:
        raise ConstraintError("no pairs to choose an operating point of.")
    space = evaluator.space
    little, big = (parse_networks(space, ids) for ids in zip(*distinct, strict=True))
    nothing = np.zeros(len(distinct), np.int64)
    if settings is None:
        settings = SearchSettings(soft=MOST_ACCURATE, limits=limits or {})
    settings = replace(
        settings,
        budget=len(distinct),
        population=None,
        gate="inside",
        budget_params=None,
        budget_macs=None,
        couplings=None,
    )
    candidates = Candidates(little[0], big[0], nothing, nothing, (little[1], big[1]))
    if len(Domain.of(evaluator, inside=True).genes(candidates)) < len(candidates):
        raise ConstraintError(
            "the evaluator does not know some network of the pairs: they must be among those it "
            f"lists, or made of {', '.join(evaluator.choices)}."
        )
    return SEARCHER(evaluator, settings, warm=candidates)


@dataclass(frozen=True)
class ReadyPair:
    """Two networks with inherited weights and recalibrated batch norms, and what they answer.

    Attributes:
        networks: the little and the big network.
        logits: logits of both on the test images, each (n, n_classes).
        point: the operating point on test.
    """

    networks: tuple[Network, Network]
    logits: tuple[NDArray[np.float32], NDArray[np.float32]]
    point: OperatingPoint


def on_test(
    net: Supernet,
    chosen: OperatingPoint,
    evaluator: Evaluator,
    splits: Mapping[str, Images],
    dataset: Dataset,
) -> ReadyPair:
    """A pair at the gate and threshold that were chosen on val, asked about the test images.

    Args:
        net: the supernet that gives both networks their weights.
        chosen: the operating point that was chosen on val.
        evaluator: says what both networks cost on the device.
        splits: images of ``train``, to recalibrate on, and ``test``.
        dataset: facts of the images.
    """
    from ..cotrain.evaluate import answers_of, operating_point
    from ..cotrain.prefix import take_trunk
    from ..cotrain.recalibrate import calibrated

    ids = (chosen.little, chosen.big)
    networks = tuple(calibrated(net.inherit(a), splits["train"], dataset) for a in ids)
    space = evaluator.space
    genomes, exits = parse_networks(space, ids)
    costs = evaluator.networks(genomes, exits).costs
    cuts = (exits[:1], exits[1:]) if exits.any() else None
    both = coupled_pairs(space, dataset.n_classes, genomes[:1], genomes[1:], costs.take([0]), cuts)
    if both.names[0] == "prefix":
        take_trunk(*networks)  # the same but for rounding: both were calibrated on these images
    answers = answers_of(networks[0], networks[1], splits["test"], dataset)
    metric = get_metric(chosen.gate)
    point = operating_point(answers, ids, metric, chosen.threshold, costs, both.shared)
    point = replace(point, coupling=str(both.names[0]))
    return ReadyPair((networks[0], networks[1]), (answers.little, answers.big), point)
