"""The edge profiler: measures networks and pairs on the machine it runs on.

It needs numpy, ``onnx``, ``onnxruntime`` and ``msgspec`` alone, so that it runs on a Raspberry Pi
or a Jetson.
``profile_networks`` gives a device profile in the format that ``biglittle.bench`` reads,
``profile_pair`` the latency of a cascade as one graph against the sum of its parts, and
``onnx_model``, ``cascade_model`` and ``chained_model`` write the graphs. A runtime is one file in
``runtimes/``; how latency is measured stands in ``protocol.py``.

Names are imported when they are first asked for, so that ``python -m`` can say what a board lacks.
"""

from typing import TYPE_CHECKING

from ..bench.late_names import late_names

if TYPE_CHECKING:
    from .machine import device_name, environment
    from .onnx_cascade import cascade_model, chained_model
    from .onnx_network import onnx_model
    from .pair_latency import profile_pair
    from .profile import profile_networks
    from .profile_file import read_profile, write_profile
    from .protocol import Measurement, Protocol, measure
    from .runtimes import RUNTIMES, Runtime, get_runtime

#: The file of every name.
_LATE = {
    "Measurement": "protocol",
    "Protocol": "protocol",
    "RUNTIMES": "runtimes",
    "Runtime": "runtimes",
    "cascade_model": "onnx_cascade",
    "chained_model": "onnx_cascade",
    "device_name": "machine",
    "environment": "machine",
    "get_runtime": "runtimes",
    "measure": "protocol",
    "onnx_model": "onnx_network",
    "profile_networks": "profile",
    "profile_pair": "pair_latency",
    "read_profile": "profile_file",
    "write_profile": "profile_file",
}

__getattr__, __dir__ = late_names(__name__, globals(), _LATE)

__all__ = [
    "RUNTIMES",
    "Measurement",
    "Protocol",
    "Runtime",
    "cascade_model",
    "chained_model",
    "device_name",
    "environment",
    "get_runtime",
    "measure",
    "onnx_model",
    "profile_networks",
    "profile_pair",
    "read_profile",
    "write_profile",
]
