"""How a table's answers are packed, without loss, before they are compressed.

Four things are known about an answer before it is read: it is most often right; other networks
most often gave the same one; the confidence metrics of one answer say nearly the same; and a
network says in another precision nearly what it says in fp32. So an answer is stored as its
distance from the truth or, where there are many networks, as its place among the classes of its
image, those that most networks gave first. A metric's code is stored as its distance from what
the other codes let expect: the median over all answers that have the same ones. And of a network
in another precision, all of this is stored as its distance from the row of the same in fp32.

The images of a table of many networks are stored from those that networks are least sure of to
those of which they are surest: bytes that are alike stand together and take less.

Whatever is expected is fitted when a table is written and stored in it: computed again on another
machine it might differ in a rounding, and every answer behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .class_numbers import Classes, class_dtype

Bytes = NDArray[np.uint8]
#: Packed columns of one split by name, ``top1`` among them, one row or (n_networks, n_images).
Columns = Mapping[str, NDArray[Any]]

TOP1 = "top1"
#: Networks a class from which the order of each image's classes saves more than it takes.
ORDERED_FROM = 5
_ORDERED_CLASSES = 256  # places are stored in a byte
#: Networks from which the order of the images saves more than it takes.
SORTED_FROM = 50

N_VALUES = 256  # of a byte
#: From which codes each metric is expected; a metric that is not named is stored as it is.
EXPECTED_FROM: dict[str, tuple[str, ...]] = {
    "margin": ("max_prob",),
    "entropy": ("max_prob", "margin"),
}


def _key(codes: Mapping[str, Bytes], given: Sequence[str]) -> NDArray[np.int64]:
    key = np.zeros(codes[given[0]].shape, np.int64)
    for name in given:
        key = key * N_VALUES + codes[name]
    return key


def expectations(codes: Sequence[Mapping[str, Bytes]]) -> dict[str, Bytes]:
    """For every metric that is expected from others, the median of its codes given theirs.

    Args:
        codes: codes by metric, one mapping per split, arrays of any shape.

    Returns:
        By metric, uint8 of shape (256,) * number of metrics it is expected from.
    """
    out = {}
    for name, given in EXPECTED_FROM.items():
        if not all({name, *given} <= set(part) for part in codes):
            continue
        both = np.concatenate([_key(c, (*given, name)).ravel() for c in codes])
        both.sort()
        keys, start, count = np.unique(both // N_VALUES, return_index=True, return_counts=True)
        table = np.zeros(N_VALUES ** len(given), np.uint8)
        table[keys] = both[start + count // 2] % N_VALUES
        out[name] = table.reshape((N_VALUES,) * len(given))
    return out


def _expected(table: Bytes, codes: Mapping[str, Bytes], given: Sequence[str]) -> Bytes:
    return table[tuple(codes[name] for name in given)]


def pack_codes(codes: Mapping[str, Bytes], tables: Mapping[str, Bytes]) -> dict[str, Bytes]:
    """Codes as they are stored: what is expected from others as its distance, modulo 256."""
    return {
        name: values - _expected(tables[name], codes, EXPECTED_FROM[name])
        if name in tables
        else values
        for name, values in codes.items()
    }


def unpack_codes(
    packed: Mapping[str, Bytes], tables: Mapping[str, Bytes], given: Mapping[str, Sequence[str]]
) -> dict[str, Bytes]:
    """The inverse of ``pack_codes``.

    Args:
        packed: packed codes by name of the metric.
        tables: tables of expected codes by metric, from the file.
        given: metrics that each of ``tables`` expects from, as in the file; none depends on itself.
    """
    codes = {name: values for name, values in packed.items() if name not in tables}
    waiting = [name for name in packed if name in tables]
    while waiting:
        ready = next(name for name in waiting if set(given[name]) <= set(codes))
        codes[ready] = packed[ready] + _expected(tables[ready], codes, given[ready])
        waiting.remove(ready)
    return {name: codes[name] for name in packed}


def _wide(classes: Classes) -> NDArray[np.signedinteger[Any]]:
    """Numbers of classes with room for the sum or the difference of two."""
    return classes.astype(np.int16 if classes.dtype.itemsize == 1 else np.int64)


def class_order(top1: Classes, labels: Classes, n_classes: int) -> Bytes | None:
    """The classes of each image, those that most networks gave first.

    Args:
        top1: answers, shape (n_networks, n_images).
        labels: the truth, shape (n_images,), which comes first of classes given as often.
        n_classes: number of classes of the classifier.

    Returns:
        Shape (n_classes, n_images), each column all of the classes; None for few networks or many
        classes, where it would take more than it saves.
    """
    n_networks, n_images = top1.shape
    if n_classes > _ORDERED_CLASSES or n_networks < ORDERED_FROM * n_classes:
        return None
    given = np.zeros((n_classes, n_images), np.int64)
    np.add.at(given, (top1, np.arange(n_images)), 1)
    distance = (np.arange(n_classes)[:, None] - labels.astype(np.int64)) % n_classes
    return np.lexsort((distance, -given), axis=0).astype(np.uint8)


def image_order(codes: Bytes) -> NDArray[np.uint32] | None:
    """The images from those that networks are least sure of to those of which they are surest.

    Args:
        codes: confidence codes of one metric, shape (n_networks, n_images).

    Returns:
        Shape (n_images,); None for few networks, where it would take more than it saves.
    """
    if len(codes) < SORTED_FROM:
        return None
    return np.argsort(codes.sum(axis=0, dtype=np.int64), kind="stable").astype(np.uint32)


def pack_answers(
    top1: Classes, labels: Classes, n_classes: int, order: Bytes | None = None
) -> Classes:
    """Answers as they are stored.

    Args:
        top1: answers, shape (n_images,) or (n_networks, n_images).
        labels: the truth, shape (n_images,).
        n_classes: number of classes of the classifier.
        order: of ``class_order``; None: none.

    Returns:
        Places in the order; without one, distances from the truth modulo the number of classes,
        of which 0 is right.
    """
    if order is not None:
        place = np.argsort(order, axis=0).astype(np.uint8)
        return place[top1, np.arange(len(labels))]
    return ((_wide(top1) - labels) % n_classes).astype(class_dtype(n_classes))


def unpack_answers(
    packed: Classes, labels: Classes, n_classes: int, order: Bytes | None = None
) -> Classes:
    """The inverse of ``pack_answers``."""
    if order is not None:
        return order[packed, np.arange(len(labels))]
    return ((_wide(packed) + labels) % n_classes).astype(class_dtype(n_classes))


def _summed(columns: Columns, others: Columns, n_classes: int, sign: int) -> dict[str, Any]:
    """Columns plus others or minus them, each modulo how many values it has."""
    out: dict[str, Any] = {}
    for name, values in columns.items():
        if name == TOP1:
            both = _wide(values) + sign * _wide(others[name])
            out[name] = (both % n_classes).astype(values.dtype)
        else:
            out[name] = values + others[name] if sign > 0 else values - others[name]
    return out


def _placed(columns: Columns, places: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Columns whose images stand in another order; rows stay rows in memory."""
    return {name: np.take(values, places, axis=-1) for name, values in columns.items()}


@dataclass(frozen=True)
class Packing:
    """How the answers of one table are packed.

    Attributes:
        n_classes: number of classes of the classifier.
        tables: expected codes by metric, as of ``expectations``.
        given: metrics that each of them expects from.
        orders: by split, the classes of each image as of ``class_order``; may lack some.
        beside: row of the network from which each one's distance is stored, -1 for those that are
            stored as they are, shape (n_networks,); None: all of them are.
        images: by split, the image that stands at each place as of ``image_order``; may lack some.
    """

    n_classes: int
    tables: Mapping[str, Bytes] = field(default_factory=dict)
    given: Mapping[str, Sequence[str]] = field(default_factory=lambda: EXPECTED_FROM)
    orders: Mapping[str, Bytes] = field(default_factory=dict)
    beside: NDArray[np.int64] | None = None
    images: Mapping[str, NDArray[np.uint32]] = field(default_factory=dict)

    @property
    def further(self) -> bool:
        """Whether it takes the schema that has more than expected codes."""
        return bool(self.orders) or self.beside is not None

    def pack(
        self, split: str, labels: Classes, top1: Classes, codes: Mapping[str, Bytes]
    ) -> dict[str, NDArray[Any]]:
        """The columns of all networks, or of one that is stored as it is.

        Args:
            split: split whose images were answered.
            labels: the truth, shape (n_images,).
            top1: answers, shape (n_networks, n_images) or (n_images,).
            codes: codes of the same shape by metric.
        """
        answers = pack_answers(top1, labels, self.n_classes, self.orders.get(split))
        packed: dict[str, NDArray[Any]] = {TOP1: answers, **pack_codes(codes, self.tables)}
        if split in self.images:
            packed = _placed(packed, self.images[split])
        return packed if top1.ndim == 1 else self._moved(packed, -1)

    def unpack(
        self, split: str, labels: Classes, packed: Columns, base: Columns | None = None
    ) -> tuple[Classes, dict[str, Bytes]]:
        """Answers and codes of all networks, or of one; the inverse of ``pack``.

        Args:
            split: split whose images were answered.
            labels: the truth, shape (n_images,).
            packed: columns as they are stored, shape (n_networks, n_images); or (n_images,).
            base: of one network, the columns of the row that ``beside`` names for it.
        """
        if base is not None:
            packed = _summed(packed, base, self.n_classes, 1)
        elif packed[TOP1].ndim > 1:
            packed = self._moved(packed, 1)
        if split in self.images:
            packed = _placed(packed, np.argsort(self.images[split]))
        codes = {name: values for name, values in packed.items() if name != TOP1}
        top1 = unpack_answers(packed[TOP1], labels, self.n_classes, self.orders.get(split))
        return top1, unpack_codes(codes, self.tables, self.given)

    def _moved(self, columns: Mapping[str, NDArray[Any]], sign: int) -> dict[str, NDArray[Any]]:
        """Columns whose rows are moved by those that they are stored beside."""
        out = dict(columns)
        if self.beside is None:
            return out
        rows = np.flatnonzero(self.beside >= 0)
        own, base = (
            {name: values[of] for name, values in columns.items()}
            for of in (rows, self.beside[rows])
        )
        for name, values in _summed(own, base, self.n_classes, sign).items():
            out[name] = columns[name].copy()
            out[name][rows] = values
        return out
