"""Multiply-accumulates of one image: the second baseline, and the fourth component of AZ-NAS.

    macs = sum over convolutions and matrix products of outputs * (inputs of one output)

Source: counted on a forward pass of one image, functional calls included; attention by its two
products, recurrent layers step by step. A network with an operation that may multiply and has no
formula has no score rather than one that is too small. Batch norm, activations,
pooling and additions do not count, as everywhere in this package. Lee and Ham 2024 (AZ-NAS) call it
complexity.
"""

from __future__ import annotations

from ..network import PassError
from ..passes import Passes
from ._proxy import Proxy


def macs(passes: Passes) -> float:
    """Multiply-accumulates, a whole number."""
    counts = passes.counts
    if counts.uncounted:
        raise PassError(
            f"its forward pass calls {', '.join(counts.uncounted)}, whose multiply-accumulates no "
            "formula gives; the rest alone would be too few. Write it in convolutions, matrix "
            "products or attention, or rank by another proxy."
        )
    return float(counts.macs)


PROXY = Proxy("macs", "counted; complexity in Lee and Ham 2024 (AZ-NAS)", ("counts",), False, macs)
