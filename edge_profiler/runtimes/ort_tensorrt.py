"""``ort-tensorrt``: ONNX Runtime handing its graph to TensorRT, float32 or float16."""

from __future__ import annotations

from ._ort import OrtRuntime

RUNTIME = OrtRuntime(
    "TensorrtExecutionProvider",
    {"fp32": {"trt_fp16_enable": "0"}, "fp16": {"trt_fp16_enable": "1"}},
    hint="Install onnxruntime-gpu and TensorRT, or on a Jetson NVIDIA's own wheel.",
)
