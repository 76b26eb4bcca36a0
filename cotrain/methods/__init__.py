"""Methods of training a pair, one file each: what the two networks' losses are."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ...bench.registry import Registry, instance_of
from ._method import Method, PairLosses

METHODS = Registry(
    "co-training method",
    __name__,
    Path(__file__).parent,
    "METHOD",
    "biglittle.methods",
    instance_of(Method),
)


def get_method(name: str) -> Method:
    """The method called ``name``.

    Raises:
        UnknownNameError: no method has that name.
    """
    return cast(Method, METHODS.load(name))


__all__ = ["METHODS", "Method", "PairLosses", "get_method"]
