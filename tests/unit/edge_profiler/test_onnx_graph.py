"""ONNX graphs under construction, and what is said where onnx is missing."""

import sys

import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import MissingExtraError
from biglittle.edge_profiler import onnx_model


def test_a_missing_onnx_is_named_with_its_pip_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"'onnx'.*'\.\[profiler\]'"):
        onnx_model(get_space("fbnet"), "8" * 22, 10)
