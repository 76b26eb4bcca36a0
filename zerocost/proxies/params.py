"""Number of parameters that a forward pass meets: the first of the two baselines.

    params = sum of the sizes of all parameters of modules that are called, or that the output
             depends on

Source: counted. Parameters of operators that a network carries but never runs do not count, so that
a weight-sharing network with masks does not give every architecture the same number. Operators that
run but lead nowhere do count, as in the published counts of NAS-Bench-201.
"""

from __future__ import annotations

from ..passes import Passes
from ._proxy import Proxy


def params(passes: Passes) -> float:
    """Parameters, a whole number."""
    return float(passes.counts.params)


PROXY = Proxy("params", "counted", ("counts",), False, params)
