"""Rows of a matrix that is read as it is asked for, so that a large table is never whole in memory.

A table of 5,000 networks and 50,000 images has a gigabyte of answers. An engine that looks at one
little network after the other needs a few rows of them at a time, and who is right, which is a byte
an answer. Whatever takes an array takes these rows too: NumPy then reads them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .table_contents import Predictions

#: Predictions of a split that would take more are read row by row.
LARGE_BYTES = 2**28
_KEPT_ROWS = 96  # unpacked rows of all columns that are at hand

#: Reads one row of every column: answers, codes and values by name.
ReadRow = Callable[[int], Mapping[str, NDArray[Any]]]


class LazyRows:
    """A matrix whose rows are read when they are asked for.

    Args:
        shape: rows and columns of the matrix.
        dtype: type of its elements.
        read: gives one row by its number.
    """

    def __init__(
        self, shape: tuple[int, int], dtype: Any, read: Callable[[int], NDArray[Any]]
    ) -> None:
        self.shape, self.dtype, self.ndim = shape, np.dtype(dtype), 2
        self._read = read

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        if isinstance(key, tuple):
            return np.asarray(self[key[0]])[..., *key[1:]]
        if isinstance(key, int | np.integer):
            row = int(key) + (len(self) if key < 0 else 0)
            if not 0 <= row < len(self):
                raise IndexError(f"row {key} of {len(self)}")
            return self._read(row)
        rows = np.arange(len(self))[key]
        out = np.empty((*rows.shape, self.shape[1]), self.dtype)
        for at, row in zip(np.ndindex(rows.shape), rows.ravel().tolist(), strict=True):
            out[at] = self._read(row)
        return out

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self._read(row) for row in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self[:].astype(dtype or self.dtype, copy=False)

    def __eq__(self, other: object) -> Any:
        return self[:] == other

    __hash__ = None  # type: ignore[assignment]


class LazyPredictions(Predictions):
    """What every network said about every image of a split, read network by network.

    Args:
        labels: the truth, shape (n_images,).
        n_networks: number of the networks.
        types: type of each column by name, ``top1`` among them.
        values: which of the columns are values, and not codes.
        read: gives one network's row of every column.
    """

    def __init__(
        self,
        labels: NDArray[Any],
        n_networks: int,
        types: Mapping[str, Any],
        values: tuple[str, ...],
        read: ReadRow,
    ) -> None:
        at_hand = lru_cache(maxsize=_KEPT_ROWS)(read)
        shape = n_networks, len(labels)
        columns: dict[str, Any] = {
            name: LazyRows(shape, dtype, _column(at_hand, name)) for name, dtype in types.items()
        }
        top1 = columns.pop("top1")
        own = {name: columns.pop(name) for name in values}
        super().__init__(labels, top1, columns, own)
        object.__setattr__(self, "_row", read)

    @cached_property
    def correct(self) -> NDArray[np.bool_]:
        """Whether each answer is right, shape (n_networks, n_images): a byte an answer."""
        out = np.empty(self.top1.shape, bool)
        for row in range(len(out)):
            out[row] = self._row(row)["top1"] == self.labels  # type: ignore[attr-defined]
        return out


def _column(read: ReadRow, name: str) -> Callable[[int], NDArray[Any]]:
    return lambda row: read(row)[name]


def is_large(n_networks: int, n_images: int, bytes_each: int) -> bool:
    """Whether the answers of a split are better read row by row.

    Args:
        n_networks: how many networks there are.
        n_images: number of images of the split.
        bytes_each: bytes of one answer with all of its codes and values.
    """
    return n_networks * n_images * bytes_each > LARGE_BYTES
