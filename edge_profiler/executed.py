"""Which nodes of a graph a runtime executed, as its own profile of a run tells.

An ``If`` node is worth something only if the branch that is not taken does not run. ONNX Runtime
writes an event for every node that it executes, those in branches too; what has no event was not
executed. No time is looked at, so that the answer is the same on every processor.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..bench.documents import read_json
from .onnx_graph import INPUT
from .runtimes._ort import CPU, import_onnxruntime

if TYPE_CHECKING:
    import onnx

_SUFFIX = "_kernel_time"


def executed_nodes(
    model: onnx.ModelProto, image: NDArray[Any], optimised: bool = False
) -> tuple[str, ...]:
    """Names of the nodes that ONNX Runtime executed for one image, in order.

    Args:
        model: a graph with one input, ``images``.
        image: the image, of the shape and type of that input.
        optimised: whether the runtime may fuse and rename nodes, as it does when it is deployed;
            without that every node has the name that it has in ``model``.

    Raises:
        MissingExtraError: ``onnxruntime`` is not installed.
    """
    ort = import_onnxruntime("telling which nodes of a graph are executed")
    with tempfile.TemporaryDirectory() as folder:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "run")
        if not optimised:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(model.SerializeToString(), options, providers=[CPU])
        session.run(None, {INPUT: np.asarray(image)})
        events = read_json(Path(session.end_profiling()), list[dict[str, Any]])
    names = [str(event["name"]) for event in events if event.get("cat") == "Node"]
    return tuple(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
