"""What the dense teacher of a table is worth alone; its weights lie beside the supernet."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest  # type: ignore[import-untyped]

from ..flagship import RECIPE
from ._page import Step, versions

SPLITS = ("val", "test")


def accuracy(logits: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]]) -> dict[str, Any]:
    """Accuracy of some answers with its 95 % interval over images, plain JSON.

    Args:
        logits: logits of the answers, shape (n, n_classes).
        labels: true classes, shape (n,).
    """
    right = int((logits.argmax(axis=1) == labels).sum())
    # Clopper and Pearson 1934: exact, and never below what was asked
    low, high = binomtest(right, len(labels)).proportion_ci(0.95)
    return {"accuracy": right / len(labels), "low": float(low), "high": float(high)}


def measure() -> dict[str, Any]:
    """Accuracy of the kept teacher on val and test, and how it was trained."""
    from ...bench.datasets import get_dataset
    from ...cotrain.evaluate import logits_of
    from ...cotrain.teacher import load_teacher
    from ...cotrain.tensors import read_tensors

    facts, tensors = read_tensors(RECIPE.teacher)
    dataset = get_dataset(facts["dataset"])
    images = dataset.load()
    teacher = load_teacher(RECIPE.teacher, images["train"], dataset)
    recipe = json.loads(facts["recipe"])
    return {
        "teacher": {
            split: accuracy(logits_of(teacher, images[split], dataset), images[split].labels)
            for split in SPLITS
        },
        "parameters": sum(t.numel() for t in tensors.values()),
        "epochs": recipe["images"] / len(images["train"]),
        "seconds": float(facts["seconds"]),
        "precision": facts["precision"],
        "torch": facts["torch"],
        "seed": int(facts["seed"]),
    }


def teacher_section(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    val, test = (figures["teacher"][split] for split in SPLITS)
    return (
        f"The dense teacher has {test['accuracy']:.2%} on test ({test['low']:.2%} to "
        f"{test['high']:.2%}) and {val['accuracy']:.2%} on val, with "
        f"{figures['parameters'] / 1e6:.2f} million parameters, which are kept in int8: "
        f"{figures['epochs']:.0f} epochs in "
        f"{figures['precision']}, seed {figures['seed']}, {figures['seconds'] / 3600:.1f} hours by "
        f"the clock beside other work, torch {figures['torch']} ({versions(figures)})."
    )


STEP = Step(measure, {"teacher": teacher_section})
