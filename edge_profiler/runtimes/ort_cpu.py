"""``ort-cpu``: ONNX Runtime on the processor, sequential execution, float32."""

from __future__ import annotations

from ._ort import CPU, OrtRuntime

RUNTIME = OrtRuntime(CPU, {"fp32": {}})
