"""``ort-cuda``: ONNX Runtime on an NVIDIA GPU, float32."""

from __future__ import annotations

from ._ort import OrtRuntime

# TF32 keeps 10 bits of a float32's 23: it is not what "fp32" says.
RUNTIME = OrtRuntime(
    "CUDAExecutionProvider",
    {"fp32": {"use_tf32": "0"}},
    hint="Install onnxruntime-gpu instead of onnxruntime, or on a Jetson NVIDIA's own wheel.",
)
