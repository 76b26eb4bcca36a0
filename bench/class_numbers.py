"""Numbers of classes as arrays hold them: in as few bytes as the number of classes needs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Labels and answers: uint8 up to 256 classes, uint16 up to 65,536, uint32 beyond.
Classes = NDArray[np.unsignedinteger[Any]]
#: More than any classifier has; a file that declares more is damaged.
MAX_CLASSES = 2**24


def class_dtype(n_classes: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The narrowest type that holds every class from 0 to ``n_classes - 1``.

    >>> [str(class_dtype(n)) for n in (10, 256, 257, 65_536, 70_000)]
    ['uint8', 'uint8', 'uint16', 'uint16', 'uint32']
    """
    return np.min_scalar_type(max(n_classes - 1, 0))
