"""What a pair of trained networks answers, and the threshold that suits a latency."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ..bench.cost import NetworkCosts, SharedCosts, pair_costs
from ..bench.datasets import Dataset, Images
from ..bench.gates import GateMetric
from ..bench.measured_pairs import whole_provenance
from ..bench.networks import Network
from ..bench.points import OperatingPoint
from ..bench.provenance import pair_provenance
from .images import normalised

BATCH = 64  # activations of the widest network still fit the cache


@torch.no_grad()
def logits_of(network: nn.Module, images: Images, dataset: Dataset) -> NDArray[np.float32]:
    """Logits of a network on the CPU in evaluation mode, shape (n, n_classes)."""
    parts = []
    for start in range(0, len(images), BATCH):
        index = np.arange(start, min(start + BATCH, len(images)))
        x = normalised(images.subset(index), dataset)
        parts.append(network(x.contiguous(memory_format=torch.channels_last)).numpy())
    return np.concatenate(parts)


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Class probabilities of logits (n, n_classes)."""
    wide = logits.astype(np.float64)
    exponent = np.exp(wide - wide.max(axis=1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class PairAnswers:
    """What both networks of a pair say about the images of one split.

    Attributes:
        little: logits, shape (n, n_classes).
        big: logits of the big network, shape (n, n_classes).
        labels: true classes of the images, shape (n,).
    """

    little: NDArray[np.float32]
    big: NDArray[np.float32]
    labels: NDArray[np.uint8]

    @property
    def little_right(self) -> NDArray[np.bool_]:
        """Where the little network alone is right, shape (n,)."""
        return np.asarray(self.little.argmax(axis=1) == self.labels)

    @property
    def big_right(self) -> NDArray[np.bool_]:
        """Where the big network alone is right, shape (n,)."""
        return np.asarray(self.big.argmax(axis=1) == self.labels)

    def escalated(self, metric: GateMetric, threshold: float) -> NDArray[np.bool_]:
        """What reaches the big network, shape (n,); a value that is NaN does."""
        values = metric.compute(probabilities(self.little))
        sure = values >= threshold if metric.confident == "high" else values <= threshold
        return np.asarray(~sure)


def answers_of(little: Network, big: Network, images: Images, dataset: Dataset) -> PairAnswers:
    """What both networks say about the images."""
    logits = [logits_of(network, images, dataset) for network in (little, big)]
    return PairAnswers(logits[0], logits[1], images.labels)


def operating_point(
    answers: PairAnswers,
    architectures: tuple[str, str],
    metric: GateMetric,
    threshold: float,
    costs: NetworkCosts,
    shared: SharedCosts | None = None,
) -> OperatingPoint:
    """The pair's operating point on the images it answered.

    Args:
        answers: logits of both networks and the labels.
        architectures: ids of little and big.
        metric: metric by which the gate decides.
        threshold: threshold of the gate, in the metric's unit.
        costs: costs of the little network (row 0) and of the big one (row 1) alone.
        shared: what running them as a pair changes, where that was measured.
    """
    escalated = answers.escalated(metric, threshold)
    right = np.where(escalated, answers.big_right, answers.little_right)
    rate = np.array([escalated.mean()])
    figures = pair_costs(costs.take([0]), costs.take([1]), rate, shared)
    values = {k: None if np.isnan(v[0]) else float(v[0]) for k, v in figures.items()}
    words = {"accuracy": "measured", "escalation_rate": "measured"}
    return OperatingPoint(
        little=architectures[0],
        big=architectures[1],
        gate=metric.name,
        threshold=float(threshold),
        accuracy=float(right.mean()),
        escalation_rate=float(rate[0]),
        provenance=whole_provenance({**words, **pair_provenance(costs.provenance)}, shared, rate),
        **values,  # type: ignore[arg-type]
    )


def best_threshold(
    answers: PairAnswers,
    metric: GateMetric,
    costs: NetworkCosts,
    latency_ms_max: float,
    shared: SharedCosts | None = None,
) -> float:
    """The threshold of the highest accuracy whose mean latency is at most ``latency_ms_max``.

    Of equally accurate ones the cheapest; where even the little network alone is too slow, the
    threshold at which it answers everything. Thresholds are those a table knows.

    Args:
        answers: answers about the images to choose by, which are not those to report on.
        metric: metric by which the gate decides.
        costs: costs of the little network (row 0) and of the big one (row 1) alone.
        latency_ms_max: mean over the images.
        shared: what running them as a pair changes, where that was measured.
    """
    thresholds = metric.thresholds(answers.little.shape[1])
    values = metric.compute(probabilities(answers.little))
    signed = 1.0 if metric.confident == "high" else -1.0
    order = np.argsort(signed * values, kind="stable")
    # Escalated at a threshold are the values below it: the first n in order of confidence.
    n = np.searchsorted((signed * values)[order], signed * thresholds, side="left")
    gain = answers.big_right.astype(np.int64) - answers.little_right
    right = answers.little_right.sum() + np.concatenate([[0], np.cumsum(gain[order])])[n]
    rate = n / len(values)
    latency = pair_costs(costs.take([0]), costs.take([1]), rate, shared)["latency_ms"]
    allowed = latency <= latency_ms_max * (1 + 1e-9)
    if not allowed.any():
        allowed = rate == rate.min()
    score = np.where(allowed, right, -1)
    best = np.flatnonzero(score == score.max())
    return float(thresholds[best[np.argmin(rate[best])]])
