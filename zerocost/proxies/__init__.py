"""Zero-cost proxies, one file each; ``get_proxy("synflow")`` gives one by name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ...bench.registry import Registry, instance_of
from ..passes import PASSES
from ._proxy import Proxy, ProxyError


def _complaint(entry: object) -> str:
    """What keeps an object from being a proxy that somebody adds."""
    if not isinstance(entry, Proxy):
        return instance_of(Proxy)(entry)
    unknown = sorted({*entry.needs} - {*PASSES})
    passes = ", ".join(sorted(PASSES))
    return f"it needs the pass {unknown[0]!r}, expected some of {passes}" if unknown else ""


PROXIES = Registry(
    "zero-cost proxy",
    __name__,
    Path(__file__).parent,
    "PROXY",
    "biglittle.proxies",
    _complaint,
)


def get_proxy(name: str) -> Proxy:
    """The proxy called ``name``.

    Raises:
        UnknownNameError: there is no proxy of that name.
    """
    return cast(Proxy, PROXIES.load(name))


__all__ = ["PROXIES", "Proxy", "ProxyError", "get_proxy"]
