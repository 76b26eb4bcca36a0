"""Reads pickled arrays without running what a pickle may ask to be run.

A pickle can name any function to call. Only those that a dictionary of byte strings, numbers and
numpy arrays needs are given; anything else is refused before it is looked up.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_RECONSTRUCT: Any = np.zeros(0).__reduce__()[0]


def _encode(text: str, encoding: str) -> bytes:
    """How Python 3 writes byte strings into a protocol that has none; Latin-1 alone."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"text in {encoding!r} instead of latin1")
    return text.encode("latin1")


_KNOWN: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _encode,
}


class ArrayUnpickler(pickle.Unpickler):
    """An unpickler that knows arrays, byte strings and numbers, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may name.

        Raises:
            UnpicklingError: anything but the parts of an array.
        """
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no array needs")
        return _KNOWN[module, name]


def load_arrays(path: Path) -> Any:
    """What a pickle of plain values and arrays holds, its Python 2 strings as bytes.

    Raises:
        UnpicklingError: it is none, or asks for more.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        try:
            return ArrayUnpickler(file, encoding="bytes").load()
        except (EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
            raise pickle.UnpicklingError(f"it is damaged: {error}") from error
