"""What a table holds, in memory: what ``write_table`` takes and ``Table`` gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .class_numbers import Classes, class_dtype
from .device_columns import taken_columns
from .errors import TableError
from .gates import get_metric, stored_metrics


@dataclass(frozen=True)
class Predictions:
    """What every network said about every image of one split.

    Attributes:
        labels: the truth, of type ``class_dtype(n_classes)``, shape (n_images,).
        top1: answers of the same type, shape (n_networks, n_images).
        codes: confidence codes by gate metric, uint8, shape (n_networks, n_images) each.
        values: what only some answers came with, by its name in ``gates.VALUES``, shape
            (n_networks, n_images) each. Files do not keep it.
    """

    labels: Classes
    top1: Classes
    codes: Mapping[str, NDArray[np.uint8]]
    values: Mapping[str, NDArray[np.floating[Any]]] = field(default_factory=dict)

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each answer is right, shape (n_networks, n_images)."""
        return np.asarray(self.top1 == self.labels)


@dataclass(frozen=True)
class TableContents:
    """A whole table in memory: what ``write_table`` takes and ``Table`` gives.

    Attributes:
        name: name of the table.
        space: name of the search space; ``given`` for networks that are known by name alone.
        dataset: name of the data set.
        n_classes: number of classes of the classifier.
        choices: the space's choices whose weights were trained, hence those in the table.
        networks: columns of shape (n_networks,) by name (``rows.COLUMNS``). ``epochs`` are those
            of the training that made the weights (for inherited networks the supernet's) and
            ``images`` the training images a network saw by itself since its start, 0 when
            inherited. ``partner`` and ``role`` are "" outside of co-trained pairs.
        val_index: which training images were held out for validation.
        predictions: stored answers, by name of the split.
        devices: columns and facts by device.
        training: how the networks came about, any JSON.
        reference_points: fixed ends of the objectives (utopian and nadir) by device and set of
            objectives, so that hypervolumes can be compared; any JSON.
    """

    name: str
    space: str
    dataset: str
    n_classes: int
    choices: tuple[str, ...]
    networks: Mapping[str, NDArray[Any]]
    val_index: NDArray[np.int64]
    predictions: Mapping[str, Predictions]
    devices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    reference_points: Mapping[str, Any] = field(default_factory=dict)

    def without_exits(self) -> TableContents:
        """The same with whole networks alone, and without the reference points of all rows."""
        return self.take(np.flatnonzero(self.networks["exit"] == ""), trunks=False)

    def take(self, kept_rows: NDArray[np.intp], trunks: bool = True) -> TableContents:
        """The same with some of the networks, and without the reference points of all rows.

        Args:
            kept_rows: rows of the networks, shape (n,).
            trunks: whether devices keep what is run before exits.
        """
        predictions = {
            split: Predictions(
                part.labels,
                part.top1[kept_rows],
                {name: codes[kept_rows] for name, codes in part.codes.items()},
                {name: values[kept_rows] for name, values in part.values.items()},
            )
            for split, part in self.predictions.items()
        }
        devices = {
            name: taken_columns(columns, kept_rows, trunks)
            for name, columns in self.devices.items()
        }
        return replace(
            self,
            networks={name: column[kept_rows] for name, column in self.networks.items()},
            predictions=predictions,
            devices=devices,
            reference_points={},
        )


def encode_predictions(
    probabilities: NDArray[np.floating[Any]], labels: Classes
) -> tuple[Classes, dict[str, NDArray[np.uint8]]]:
    """One network's row: answers and confidence codes, each of shape (n_images,).

    Args:
        probabilities: probability of each class for each image, shape (n_images, n_classes).
        labels: true classes, shape (n_images,); only their number is used, as a check.
    """
    if probabilities.shape[0] != len(labels):
        raise TableError(f"{probabilities.shape[0]} answers for {len(labels)} images.")
    n_classes = probabilities.shape[1]
    codes = {}
    for name in stored_metrics():
        metric = get_metric(name)
        codes[name] = metric.encode(metric.compute(probabilities), n_classes)
    return probabilities.argmax(axis=1).astype(class_dtype(n_classes)), codes


def quantisation(n_classes: int, metrics: Sequence[str] | None = None) -> dict[str, dict[str, Any]]:
    """How confidences are stored: scale and worst-case rounding error of each metric.

    Args:
        n_classes: number of classes of the classifier.
        metrics: metrics that a table stores; None: all that tables store.
    """
    return {
        name: {
            "scale": "code = floor(256 * (1 - sqrt(u))), u = uncertainty in [0, 1]",
            "maximum": get_metric(name).maximum(n_classes),
            "worst_rounding_error": get_metric(name).rounding_error(n_classes),
            "unit": get_metric(name).unit,
        }
        for name in metrics or stored_metrics()
    }
