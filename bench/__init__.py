"""The bench: spaces, pairs, gates, tables and their exact evaluation. Needs numpy, h5py, msgspec.

Every name is imported when it is first asked for: a board that only measures
(``biglittle.edge_profiler``) needs no h5py, and the command line's help no numpy.
"""

from typing import TYPE_CHECKING

from .late_names import late_names

if TYPE_CHECKING:
    from .benchmark import Benchmark
    from .cascade import Cascade
    from .cascade_points import CascadeFront, CascadePoint
    from .cost import NetworkCosts
    from .curve import Curve, Curves
    from .device import load_device, shipped_devices
    from .device_profile import DeviceProfile
    from .errors import BigLittleError
    from .evaluator import Candidates, Evaluator, NetworkFigures
    from .figures import FIGURES, Figure
    from .fronts import Front
    from .gate import Gate
    from .gates import GATES
    from .guarantee import Guarantee
    from .pair import Pair
    from .points import OperatingPoint, Points
    from .spaces import SPACES, SearchSpace, get_space
    from .table import Table

#: The file of every name.
_LATE = {
    "FIGURES": "figures",
    "GATES": "gates",
    "SPACES": "spaces",
    "Benchmark": "benchmark",
    "BigLittleError": "errors",
    "Candidates": "evaluator",
    "Cascade": "cascade",
    "CascadeFront": "cascade_points",
    "CascadePoint": "cascade_points",
    "Curve": "curve",
    "Curves": "curve",
    "DeviceProfile": "device_profile",
    "Evaluator": "evaluator",
    "Figure": "figures",
    "Front": "fronts",
    "Gate": "gate",
    "Guarantee": "guarantee",
    "NetworkCosts": "cost",
    "NetworkFigures": "evaluator",
    "OperatingPoint": "points",
    "Pair": "pair",
    "Points": "points",
    "SearchSpace": "spaces",
    "Table": "table",
    "get_space": "spaces",
    "load_device": "device",
    "shipped_devices": "device",
}

__getattr__, __dir__ = late_names(__name__, globals(), _LATE)

__all__ = [
    "FIGURES",
    "GATES",
    "SPACES",
    "Benchmark",
    "BigLittleError",
    "Candidates",
    "Cascade",
    "CascadeFront",
    "CascadePoint",
    "Curve",
    "Curves",
    "DeviceProfile",
    "Evaluator",
    "Figure",
    "Front",
    "Gate",
    "Guarantee",
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
