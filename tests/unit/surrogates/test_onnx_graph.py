"""ONNX models written node by node, and what runs them."""

import sys

import numpy as np
import pytest

from biglittle.bench.errors import MissingExtraError, SurrogateError
from biglittle.surrogates.onnx_graph import GraphWriter, OnnxModel


@pytest.fixture(scope="module")
def model():
    """2 x + 1 over columns."""
    pytest.importorskip("onnx")
    writer = GraphWriter({"x": [None, 3]})
    doubled = writer.add("Mul", "x", writer.constant(2.0))
    writer.add("Add", doubled, writer.constant([1.0, 1.0, 1.0]), name="y")
    return writer.model({"y": [None, 3]})


@pytest.mark.parametrize("threads", ["", "1", "0", "many"])
def test_a_model_computes_what_was_written(model, threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    x = np.arange(6).reshape(2, 3)  # not float32: converted
    runner = OnnxModel(model)
    for _ in range(2):
        np.testing.assert_array_equal(runner.run("y", {"x": x}), 2 * x + 1)


def test_bytes_and_inputs_that_do_not_fit_are_refused(model):
    with pytest.raises(SurrogateError, match="cannot be loaded"):
        OnnxModel(model[:20]).run("y", {"x": np.zeros((1, 3))})
    with pytest.raises(SurrogateError, match="cannot be run"):
        OnnxModel(model).run("y", {"x": np.zeros((1, 2))})


def test_without_the_runtime_the_pip_line_is_told(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match="predicting with a surrogate"):
        OnnxModel(model).run("y", {"x": np.zeros((1, 3))})
