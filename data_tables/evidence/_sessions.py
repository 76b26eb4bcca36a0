"""Sessions of ONNX Runtime on one thread, as steps that measure graphs want them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ...bench.spaces import SearchSpace
from ...edge_profiler.runtimes import Run

if TYPE_CHECKING:
    import onnx


#: What the sessions run in, as figures name it.
RUNTIME = f"onnxruntime {onnxruntime.__version__} CPUExecutionProvider"


def session(model: onnx.ModelProto | Path) -> onnxruntime.InferenceSession:
    """A session of a graph, or of a file that holds one, on one thread of the CPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    content = str(model) if isinstance(model, Path) else model.SerializeToString()
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def noise(space: SearchSpace) -> NDArray[np.float32]:
    """An image of noise, as networks of the space take it, (1, channels, height, width)."""
    stem = space.stem[0]
    shape = (1, stem.in_channels, stem.height, stem.width)
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def alone(model: onnx.ModelProto, values: Any) -> Run:
    """Runs a graph on one input, again and again."""
    one = session(model)
    feed = {one.get_inputs()[0].name: values}
    return lambda: one.run(None, feed)


def busy() -> dict[str, Any]:
    """How busy the machine is, and whether this process goes first."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    first = hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) != os.SCHED_OTHER
    return {"load_average": load, "real_time_priority": first}


def busy_text(figures: Mapping[str, Any]) -> str:
    """The same in words, a sentence with a space before it; "" where nobody knows."""
    load = figures["load_average"]
    if load is None:
        return ""
    first = ", measured at real-time priority, so that what else ran had to wait"
    return f" Load {load:.1f} when it began{first if figures['real_time_priority'] else ''}."
