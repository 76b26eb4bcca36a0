"""Contracts of what others may add, as classes of tests: a plug-in that passes them is one of ours.

A file of tests of one's own needs pytest and these lines::

    from biglittle.testing import GateContract
    from mine import METRIC


    class TestMine(GateContract):
        entry = METRIC

The tests of this package are these classes over what ships, so they say what is asked today.
"""

from typing import TYPE_CHECKING

import pytest

from ..bench.late_names import late_names

if TYPE_CHECKING:
    from ._contract import Contract
    from .gates import GateContract
    from .measuring import MeterContract, RuntimeContract
    from .methods import MethodContract
    from .proxies import ProxyContract
    from .searchers import SearcherContract
    from .spaces import SpaceContract
    from .surrogates import MemberContract

#: The file of every name.
_LATE = {
    "Contract": "_contract",
    "GateContract": "gates",
    "MemberContract": "surrogates",
    "MeterContract": "measuring",
    "MethodContract": "methods",
    "ProxyContract": "proxies",
    "RuntimeContract": "measuring",
    "SearcherContract": "searchers",
    "SpaceContract": "spaces",
}
pytest.register_assert_rewrite(*(f"{__name__}.{file}" for file in {*_LATE.values()}))

__getattr__, __dir__ = late_names(__name__, globals(), _LATE)

__all__ = [
    "Contract",
    "GateContract",
    "MemberContract",
    "MeterContract",
    "MethodContract",
    "ProxyContract",
    "RuntimeContract",
    "SearcherContract",
    "SpaceContract",
]
