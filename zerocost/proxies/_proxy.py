"""What a proxy is: a name, a source, the passes it needs and an equation over what they leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...bench.errors import BigLittleError
from ..passes import Passes


class ProxyError(BigLittleError):
    """A proxy that has no value for a network; names the proxy and, where known, the layer.

    Attributes:
        proxy: name of the proxy; "" where the network itself cannot be scored.
    """

    def __init__(self, proxy: str, reason: str) -> None:
        super().__init__(f"proxy {proxy!r}: {reason}" if proxy else reason)
        self.proxy = proxy
        self.reason = reason


@dataclass(frozen=True)
class Proxy:
    """One zero-cost proxy.

    Attributes:
        name: key of the proxy, equal to the file's name.
        source: paper that the equation is from.
        needs: names of the shared passes it reads (``passes.PASSES``); it may read no other.
        labels: whether it needs the batch's labels.
        compute: gives the score; it may only read what the passes left. It raises ``PassError``, or
            returns something that is not finite, where the network has no such figure.
    """

    name: str
    source: str
    needs: tuple[str, ...]
    labels: bool
    compute: Callable[[Passes], float]
