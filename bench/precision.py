"""Number formats of weights and activations: what they are called, and what a value takes.

A network's name says its precision behind a colon, ``ARCHITECTURE@EXIT:int8``; without one it is
fp32. Networks of different precisions share nothing: neither weights nor features are the same
numbers. Two in int8 share the trunk of a prefix pair, and no slices of weights: each output channel
of each network has a scale of its own.

Bits per stage (``bits.py``), as in ``ARCHITECTURE:w4a8``, are no precision of tables and devices:
``mixed_network.py`` reads such names.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .bits import is_bits
from .errors import ArchitectureError, UnknownNameError

FP32, INT8 = "fp32", "int8"
#: Bytes of a weight or an activation, by precision; the first is what a name without one means.
#: Biases and scales of int8, four bytes for each channel, are not counted.
BYTES_PER_VALUE = {FP32: 4, INT8: 1}
PRECISIONS = tuple(BYTES_PER_VALUE)
#: What an error says of a name with bits per stage, where only precisions are known.
NO_BITS = (
    "has bits per stage, and no table or device holds its answers and costs; "
    "'biglittle bits' runs it on images and counts its BitOps."
)


def split_precision(name: str) -> tuple[str, str]:
    """The name of a network without its precision, and the precision.

    Raises:
        UnknownNameError: what stands behind a colon is not a precision.
        ArchitectureError: bits per stage stand there.

    >>> split_precision("0800000000000000000008@12:int8")
    ('0800000000000000000008@12', 'int8')
    """
    plain, colon, precision = name.partition(":")
    if colon and precision not in PRECISIONS:
        if is_bits(precision):
            raise ArchitectureError(f"network {name[:80]!r} {NO_BITS}")
        raise UnknownNameError("precision", precision, PRECISIONS)
    return plain, precision or FP32


def with_precision(name: str, precision: str) -> str:
    """The name of a network in a precision, whatever it was in.

    >>> with_precision("08@12", "int8"), with_precision("08@12:int8", "fp32")
    ('08@12:int8', '08@12')
    """
    plain = name.partition(":")[0]
    return plain if precision == FP32 else f"{plain}:{precision}"


def checked_precisions(names: Sequence[str] | str | None) -> tuple[str, ...]:
    """Some precisions in the order of ``PRECISIONS``; fp32 where none is named.

    Raises:
        UnknownNameError: no precision has this name.
    """
    wanted = (names,) if isinstance(names, str) else tuple(names or (FP32,))
    for name in wanted:
        if name not in PRECISIONS:
            raise UnknownNameError("precision", name, PRECISIONS)
    return tuple(name for name in PRECISIONS if name in wanted)


def mib_per_value(precisions: ArrayLike) -> NDArray[np.float64]:
    """MiB of one value of networks in these precisions, of their shape."""
    names = np.asarray(precisions, np.str_)
    out = np.full(names.shape, np.nan)
    for name, n_bytes in BYTES_PER_VALUE.items():
        out[names == name] = n_bytes / 2**20
    return out
