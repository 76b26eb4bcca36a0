"""Multiply-accumulates of one image: the second baseline, and the fourth component of AZ-NAS.

    macs = sum over convolutions and matrix products of outputs * (inputs of one output)

Source: counted on a forward pass of one image, functional calls included. Batch norm, activations,
pooling and additions do not count, as everywhere in this package. Lee and Ham 2024 (AZ-NAS) call it
complexity.
"""

from __future__ import annotations

from ..passes import Passes
from ._proxy import Proxy


def macs(passes: Passes) -> float:
    """Multiply-accumulates, a whole number."""
    return float(passes.counts.macs)


PROXY = Proxy("macs", "counted; complexity in Lee and Ham 2024 (AZ-NAS)", ("counts",), False, macs)
