"""What storing a confidence in one byte does to a curve, measured on a few networks.

The table keeps codes, not probabilities. For some networks the probabilities are computed again and
the curves of their pairs are drawn both ways. Three questions: at a threshold that lies between two
codes, does the table's decision agree with the exact one? At a threshold anywhere, by how much does
the accuracy differ? And what does it cost that a table has 257 thresholds instead of one per image?
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench import Benchmark
from ...bench.gates import N_CODES, get_metric, stored_metrics
from ..flagship import RECIPE
from ._page import Step

Array = NDArray[np.float64]

LATENCY_MS = 20.0  # of networks that are quick to evaluate again
ANYWHERE = 2001  # thresholds, evenly over the metric's range


def exact_accuracy(
    values: NDArray[np.floating[Any]], thresholds: Array, confident: str, little: Array, big: Array
) -> Array:
    """Accuracy at each threshold when the decision is made on exact values, shape (n,).

    Args:
        values: confidence of the little network, shape (n_images,).
        thresholds: what confidences are compared with, shape (n,).
        confident: "high" or "low", which values mean that the network is sure.
        little: whether the little network is right, shape (n_images,).
        big: whether the big network is right, shape (n_images,).
    """
    sure = values >= thresholds[:, None] if confident == "high" else values <= thresholds[:, None]
    return np.asarray(np.where(sure, little, big).mean(axis=1))


def curve_errors(metric: str, probabilities: Array, little: Array, big: Array) -> dict[str, float]:
    """Largest differences in accuracy between codes and exact values of one pair, fractions.

    Args:
        metric: a stored gate metric.
        probabilities: of the little network, shape (n_images, n_classes).
        little: whether the little network is right, shape (n_images,).
        big: whether the big network is right, shape (n_images,).

    Returns:
        ``at_thresholds`` of the table, ``anywhere`` in the metric's range, and ``between``: by how
        much the exact curve, with a threshold per image, rises above the straight lines between
        the table's points at the same escalation rate.
    """
    gate, n_classes = get_metric(metric), probabilities.shape[1]
    values = gate.compute(probabilities)
    codes = gate.encode(values, n_classes)
    counts = np.arange(N_CODES + 1)[:, None]
    by_code = np.where(codes < counts, big, little).mean(axis=1)
    edges = gate.thresholds(n_classes)
    at = np.abs(exact_accuracy(values, edges, gate.confident, little, big) - by_code)
    somewhere = np.linspace(0, gate.maximum(n_classes), ANYWHERE)
    told = by_code[gate.cut(somewhere, n_classes)]
    anywhere = np.abs(exact_accuracy(values, somewhere, gate.confident, little, big) - told)
    order = np.argsort(values if gate.confident == "high" else -values, kind="stable")
    gain = np.concatenate([[0.0], np.cumsum((big.astype(float) - little)[order])])
    exact = little.mean() + gain / len(order)
    rate = np.arange(len(order) + 1) / len(order)
    lines = np.interp(rate, (codes < counts).mean(axis=1), by_code)
    return {
        "at_thresholds": float(at[1:-1].max()),  # the ends are all or none by definition
        "anywhere": float(anywhere[1:-1].max()),
        "between": float((exact - lines).max()),
    }


def measure(probabilities: Mapping[str, Array], labels: NDArray[np.uint8]) -> dict[str, Any]:
    """The errors of all pairs of some networks, by metric, plain JSON.

    Args:
        probabilities: by architecture, shape (n_images, n_classes).
        labels: the right class of each image, shape (n_images,).
    """
    right = {a: p.argmax(axis=1) == labels for a, p in probabilities.items()}
    pairs = list(itertools.permutations(probabilities, 2))
    out: dict[str, Any] = {
        "networks": list(probabilities), "pairs": len(pairs), "images": len(labels), "metrics": {}
    }  # fmt: skip
    for metric in stored_metrics():
        errors = [curve_errors(metric, probabilities[a], right[a], right[b]) for a, b in pairs]
        out["metrics"][metric] = {k: max(f[k] for f in errors) for k in errors[0]}
    return out


def recomputed(architectures: Sequence[str], split: str = "test") -> dict[str, Any]:
    """``measure`` on networks whose probabilities are computed again from the weights that ship."""
    from ...bench.datasets import get_dataset
    from ..building.evaluate import NetworkEvaluator
    from ..building.plan import TrainedSupernet

    dataset, supernet = get_dataset("cifar10"), TrainedSupernet.kept(RECIPE.weights)
    live = NetworkEvaluator(dataset, dataset.load(), splits=(split,))
    probabilities_of = {
        a: live.probabilities(live.inherited(supernet.net, a), split) for a in architectures
    }
    return {"split": split, **measure(probabilities_of, live.images[split].labels)}


def quantisation_section(q: dict[str, Any]) -> str:
    """The errors as Markdown."""
    lines = [
        f"Largest difference in accuracy over the curves of {q['pairs']} pairs of "
        f"{len(q['networks'])} networks ({q['images']:,} {q['split']} images), in points; "
        "probabilities computed again against stored codes:",
        "",
        "| metric | at the table's thresholds | at any threshold | with a threshold per image |",
        "|---|---|---|---|",
    ]
    for metric, errors in q["metrics"].items():
        shown = " | ".join(
            f"{100 * errors[k]:.3f}" for k in ("at_thresholds", "anywhere", "between")
        )
        lines.append(f"| `{metric}` | {shown} |")
    return "\n".join(lines)


def measure_table() -> dict[str, Any]:
    """What a byte per confidence does to curves, on a cheap, a middling and a good network."""
    bench = Benchmark.load(RECIPE.name)
    rows = bench.table.rows()
    cheap = rows[bench.costs(RECIPE.design.device).latency_ms[rows] <= LATENCY_MS]
    ends = [cheap[np.argmin(bench.table.networks["macs"][cheap])]]
    ranked = cheap[np.argsort(bench.accuracy("val")[cheap])]
    ends += [ranked[len(ranked) // 2], ranked[-1]]
    ids = [str(a) for a in bench.table.networks["architecture"][ends]]
    return recomputed(list(dict.fromkeys(ids)))


STEP = Step(measure_table, {"quantisation": quantisation_section}, of_table=True)
