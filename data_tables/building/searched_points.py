"""What a search was told against what is true: operating points and networks, evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...bench.agreement import kendall
from ...bench.gates import get_metric
from ...bench.table_contents import Predictions
from ...surrogates.evaluated_networks import EvaluatedNetworks

if TYPE_CHECKING:  # it needs torch
    from .evaluate import Evaluation

Answers = Mapping[str, NDArray[np.uint8]]


def evaluated_point(
    point: Mapping[str, Any],
    little: Answers,
    big: Answers,
    labels: NDArray[np.uint8],
    n_classes: int,
) -> dict[str, float]:
    """Accuracy and escalation rate that an operating point really has.

    Args:
        point: an operating point as a front has it, with ``gate`` and ``threshold``.
        little: ``top1`` and codes by gate of the little network, shape (n_images,) each.
        big: the same of the big network.
        labels: true classes, shape (n_images,).
        n_classes: number of classes, which codes depend on.
    """
    cut = int(get_metric(point["gate"]).cut(point["threshold"], n_classes))
    escalated = little[point["gate"]] < cut
    right = np.where(escalated, big["top1"] == labels, little["top1"] == labels)
    return {
        "evaluated_accuracy": float(right.mean()),
        "evaluated_escalation_rate": float(escalated.mean()),
    }


def agreement(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How far predictions are off: fractions of accuracy, None where nothing can be said.

    ``optimism`` is the mean of predicted minus evaluated accuracy, ``worst`` the largest,
    ``coverage`` the share that lies within the predicted interval.

    Args:
        rows: at least one point or network with ``accuracy`` (predicted), ``low``, ``high`` and
            ``evaluated_accuracy``.
    """
    predicted, true = (np.array([r[k] for r in rows]) for k in ("accuracy", "evaluated_accuracy"))
    gap, n = predicted - true, len(rows)
    inside = [r["low"] <= t <= r["high"] for r, t in zip(rows, true, strict=True)]
    tau = kendall(predicted, true) if n > 1 else float("nan")
    return {
        "n": n,
        "optimism": float(gap.mean()),
        "standard_error": float(gap.std(ddof=1) / np.sqrt(n)) if n > 1 else None,
        "worst": float(gap.max()),
        "mae": float(np.abs(gap).mean()),
        "coverage": float(np.mean(inside)),
        "kendall_tau": tau if np.isfinite(tau) else None,
    }


def found_networks(
    evaluations: Sequence[Evaluation], labels: NDArray[np.uint8]
) -> EvaluatedNetworks:
    """What evaluated networks said about val, for a surrogate to learn from; at least one.

    Args:
        evaluations: evaluations of networks, with answers on val.
        labels: true classes of the val images, shape (n_images,).
    """
    answers = [e.answers["val"] for e in evaluations]
    stacked = {name: np.stack([each[name] for each in answers]) for name in answers[0]}
    top1 = stacked.pop("top1")
    names = tuple(e.key.network.architecture for e in evaluations)
    return EvaluatedNetworks(names, Predictions(labels, top1, stacked))
