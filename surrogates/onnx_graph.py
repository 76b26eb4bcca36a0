"""ONNX models written by hand, node by node, and run with ONNX Runtime."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import SurrogateError
from .extras import PREDICTING, import_extra

OPSET, IR_VERSION = 17, 8  # readable by every ONNX Runtime since 1.12
MOST_THREADS = 2

Floats = NDArray[np.float32]


class GraphWriter:
    """Collects constants and nodes of one float32 graph.

    Args:
        inputs: shape of every input by its name; None is any size.

    Raises:
        MissingExtraError: onnx is not installed.
    """

    def __init__(self, inputs: Mapping[str, Sequence[int | None]]) -> None:
        self._onnx = import_extra("onnx")
        self._helper = self._onnx.helper
        self._inputs = dict(inputs)
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._count = 0

    def _name(self) -> str:
        self._count += 1
        return f"t{self._count}"

    def constant(self, values: Any, kind: Any = np.float32) -> str:
        """Adds a constant array; gives its name."""
        name = self._name()
        array = np.asarray(values, kind)
        self._constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def add(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        """Adds one node; gives the name of its output."""
        out = name or self._name()
        self._nodes.append(self._helper.make_node(operator, list(inputs), [out], **attributes))
        return out

    def model(self, outputs: Mapping[str, Sequence[int | None]]) -> bytes:
        """The model, with outputs of these shapes.

        Args:
            outputs: shape of every output by the name that ``add`` gave it.
        """
        kind, info = self._onnx.TensorProto.FLOAT, self._helper.make_tensor_value_info
        graph = self._helper.make_graph(
            self._nodes,
            "surrogate",
            [info(n, kind, list(s)) for n, s in self._inputs.items()],
            [info(n, kind, list(s)) for n, s in outputs.items()],
            initializer=self._constants,
        )
        opsets = [self._helper.make_opsetid("", OPSET)]
        made = self._helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        self._onnx.checker.check_model(made)
        return bytes(made.SerializeToString())


class OnnxModel:
    """Runs a model; the session is created at the first run.

    Args:
        model: bytes of the ONNX file.
        threads: largest number of threads to run on; ``OMP_NUM_THREADS`` lowers it.
    """

    def __init__(self, model: bytes, threads: int = MOST_THREADS) -> None:
        self._model, self._threads = model, threads
        self._session: Any = None

    def run(self, output: str, inputs: Mapping[str, Floats]) -> Floats:
        """One output.

        Args:
            output: name of the output.
            inputs: array of every input by its name.

        Raises:
            MissingExtraError: onnxruntime is not installed.
            SurrogateError: the bytes are not a usable model, or the inputs do not fit it.
        """
        if self._session is None:
            runtime = import_extra("onnxruntime", PREDICTING)
            options = runtime.SessionOptions()
            limit = os.environ.get("OMP_NUM_THREADS", "")
            most = int(limit) if limit.isdigit() and int(limit) else self._threads
            options.intra_op_num_threads = min(most, self._threads, os.cpu_count() or 1)
            options.inter_op_num_threads = 1
            # Between two calls a waiting thread would take a core from who calls.
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            options.log_severity_level = 3
            try:
                self._session = runtime.InferenceSession(
                    self._model, options, providers=["CPUExecutionProvider"]
                )
            except Exception as error:  # ONNX Runtime has no common base for what it raises
                raise SurrogateError(f"a model cannot be loaded: {error}") from error
        given = {name: np.ascontiguousarray(x, np.float32) for name, x in inputs.items()}
        try:
            return np.asarray(self._session.run([output], given)[0])
        except Exception as error:
            raise SurrogateError(f"a model cannot be run: {error}") from error
