"""What the profiler asks of an installation: little, and it says what is missing."""

import subprocess
import sys

import pytest

from biglittle.bench.errors import MissingExtraError
from biglittle.edge_profiler import get_runtime


def test_importing_the_profiler_imports_no_heavy_module():
    heavy = "('torch', 'onnx', 'onnxruntime', 'pymoo', 'xgboost', 'rich', 'importlib.metadata')"
    code = f"import sys, biglittle.edge_profiler; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_missing_runtime_is_named_with_its_pip_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"'onnxruntime'.*'\.\[profiler\]'"):
        get_runtime("ort-cpu").load(b"", 1)
