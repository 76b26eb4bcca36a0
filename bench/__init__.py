"""The bench: spaces, pairs, gates, tables and their exact evaluation. Needs numpy and h5py only.

The table and what reads it are imported when first asked for, so that a board which only measures
(``biglittle.edge_profiler``) needs no h5py.
"""

from typing import TYPE_CHECKING, Any

from .cost import NetworkCosts
from .device import DeviceProfile, load_device, shipped_devices
from .errors import BigLittleError
from .evaluator import Candidates, Evaluator, NetworkFigures
from .figures import FIGURES, Figure
from .gate import Gate
from .gates import GATES
from .pair import Pair
from .points import OperatingPoint, Points
from .spaces import SPACES, SearchSpace, get_space

if TYPE_CHECKING:
    from .benchmark import Benchmark, Front
    from .curve import Curve, Curves
    from .table import Table

_LATE = {
    "Benchmark": "benchmark",
    "Curve": "curve",
    "Curves": "curve",
    "Front": "benchmark",
    "Table": "table",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_LATE[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})


__all__ = [
    "FIGURES",
    "GATES",
    "SPACES",
    "Benchmark",
    "BigLittleError",
    "Candidates",
    "Curve",
    "Curves",
    "DeviceProfile",
    "Evaluator",
    "Figure",
    "Front",
    "Gate",
    "NetworkCosts",
    "NetworkFigures",
    "OperatingPoint",
    "Pair",
    "Points",
    "SearchSpace",
    "Table",
    "get_space",
    "load_device",
    "shipped_devices",
]
