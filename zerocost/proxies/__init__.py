"""Zero-cost proxies, one file each; ``get_proxy("synflow")`` gives one by name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ...bench.registry import Registry, instance_of
from ._proxy import Proxy, ProxyError

PROXIES = Registry(
    "zero-cost proxy",
    __name__,
    Path(__file__).parent,
    "PROXY",
    "biglittle.proxies",
    instance_of(Proxy),
)


def get_proxy(name: str) -> Proxy:
    """The proxy called ``name``.

    Raises:
        UnknownNameError: there is no proxy of that name.
    """
    return cast(Proxy, PROXIES.load(name))


__all__ = ["PROXIES", "Proxy", "ProxyError", "get_proxy"]
