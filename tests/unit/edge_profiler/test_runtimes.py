"""Runtimes that this machine lacks say so in a line; TensorRT's calls on a stand-in of its API."""

from __future__ import annotations

import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler import RUNTIMES, get_runtime, onnx_model

pytest.importorskip("onnx")
MODEL = onnx_model(get_space("fbnet"), "8" * 22, 10).SerializeToString()


@pytest.mark.parametrize("name", RUNTIMES.names())
def test_every_runtime_runs_or_says_in_one_line_why_not(name):
    pytest.importorskip("onnxruntime")
    try:
        run = get_runtime(name).load(MODEL, 1)
    except ProfileError as error:
        said = str(error)
    else:
        run()
        said = get_runtime(name).description
    assert said
    assert "\n" not in said


def test_precisions():
    assert get_runtime("ort-tensorrt", "fp16").precision == "fp16"
    assert get_runtime("tensorrt", "int8").precision == "int8"
    for name in ("ort-cpu", "ort-cuda", "tensorrt"):
        with pytest.raises(ProfileError, match="'fp8'"):
            get_runtime(name, "fp8")
