"""``ort-cpu``: ONNX Runtime on the processor, sequential execution."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...bench.errors import MissingExtraError, ProfileError
from . import Run

PROVIDER = "CPUExecutionProvider"


def _onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "profiler", "profiling a network") from error
    return onnxruntime


class OrtCpu:
    """ONNX Runtime's CPU provider with all graph optimisations, float32."""

    precision = "fp32"

    @property
    def description(self) -> str:
        """Name, version and provider.

        Raises:
            MissingExtraError: ``onnxruntime`` is not installed.
        """
        return f"onnxruntime {_onnxruntime().__version__} {PROVIDER}"

    def load(self, model: bytes, threads: int) -> Run:
        """A callable that runs the model once on normal noise (seed 0) of the input's shape.

        Raises:
            ProfileError: the model cannot be loaded or run.
            MissingExtraError: ``onnxruntime`` is not installed.
        """
        ort = _onnxruntime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        # Operators one after another: batch 1 is a chain, and a second pool only adds jitter.
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        try:
            session = ort.InferenceSession(model, options, providers=[PROVIDER])
            (source,) = session.get_inputs()
            images = np.random.default_rng(0).standard_normal(source.shape).astype(np.float32)
            feed = {source.name: images}
            session.run(None, feed)
        except Exception as error:  # the runtime's errors share no base of their own
            raise ProfileError(f"{self.description} cannot run the network: {error}") from error

        def run() -> None:
            session.run(None, feed)

        return run


RUNTIME = OrtCpu()
