"""The bench: spaces, pairs, gates, tables and their exact evaluation. Needs numpy and h5py only."""

from .benchmark import Benchmark, Curve, Front
from .device import DeviceProfile, load_device, shipped_devices
from .errors import BigLittleError
from .cost import NetworkCosts
from .evaluator import Candidates, Evaluator, NetworkFigures
from .gate import Gate
from .gates import GATES
from .objective import OBJECTIVES, Objective
from .pair import Pair
from .points import OperatingPoint, Points
from .spaces import SPACES, SearchSpace, get_space
from .table import Table

__all__ = [
    "GATES",
    "OBJECTIVES",
    "SPACES",
    "Benchmark",
    "BigLittleError",
    "Candidates",
    "Curve",
    "DeviceProfile",
    "Evaluator",
    "Front",
    "Gate",
    "NetworkCosts",
    "NetworkFigures",
    "Objective",
    "OperatingPoint",
    "Pair",
    "Points",
    "SearchSpace",
    "Table",
    "get_space",
    "load_device",
    "shipped_devices",
]
