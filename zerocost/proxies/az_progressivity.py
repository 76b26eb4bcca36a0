"""Progressivity of AZ-NAS: whether features grow richer from block to block.

    az_progressivity = min over blocks of s_l - s_(l-1)

s are the entropies that ``az_expressivity`` sums.

Source: Lee and Ham 2024, "AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture Search".

"""

from __future__ import annotations

import itertools

from ..passes import Passes
from ._expressivity import entropies
from ._proxy import Proxy


def az_progressivity(passes: Passes) -> float:
    """The smallest step, in nat."""
    s = entropies(passes)
    return min(after - before for before, after in itertools.pairwise(s))


PROXY = Proxy("az_progressivity", "Lee and Ham 2024", ("block_maps",), False, az_progressivity)
