"""ONNX Runtime's providers: those that are absent, and those that fall back."""

from __future__ import annotations

import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler import get_runtime, onnx_model

pytest.importorskip("onnx")
MODEL = onnx_model(get_space("fbnet"), "8" * 22, 10).SerializeToString()


def test_a_provider_that_is_absent_names_those_that_are_here(monkeypatch):
    ort = pytest.importorskip("onnxruntime")
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CPUExecutionProvider"])
    for name, provider in (("ort-cuda", "CUDA"), ("ort-tensorrt", "Tensorrt")):
        with pytest.raises(ProfileError, match=f"no {provider}.*has CPUExec.*onnxruntime-gpu"):
            get_runtime(name).load(MODEL, 1)


def test_a_silent_fall_back_to_the_cpu_is_no_measurement(monkeypatch):
    ort = pytest.importorskip("onnxruntime")
    monkeypatch.setattr(ort, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    session = ort.InferenceSession

    def falls_back(model, options, providers):
        return session(model, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(ort, "InferenceSession", falls_back)
    with pytest.raises(ProfileError, match="did not start, and onnxruntime went on with CPU"):
        get_runtime("ort-cuda").load(MODEL, 1)
