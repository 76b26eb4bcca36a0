"""Sum of the norms of the weights.

    l2_norm = sum_l ||w_l||_2        l over convolutions and linear layers

Source: Abdelfattah et al. 2021, "Zero-Cost Proxies for Lightweight NAS" (their code). It looks at
no image. Layers that are never run count, since nothing is run.
"""

from __future__ import annotations

from ..passes import Passes
from ._proxy import Proxy


def l2_norm(passes: Passes) -> float:
    """The sum of norms."""
    return sum(float(w.value.norm()) for w in passes.weights)


PROXY = Proxy("l2_norm", "Abdelfattah et al. 2021", ("weights",), False, l2_norm)
