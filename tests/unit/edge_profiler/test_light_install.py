"""What the profiler asks of an installation: little, and it says what is missing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from biglittle import edge_profiler
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


def test_a_missing_runtime_is_named_before_a_pair_is_trained(monkeypatch):
    from biglittle.edge_profiler.deploy import check_exportable

    pytest.importorskip("onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match="deploying a pair"):
        check_exportable()


def test_one_file_alone_reads_a_command_line():
    folder = Path(edge_profiler.__file__).parent
    imports = {
        path.relative_to(folder).as_posix(): name
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [a.name for a in node.names] if isinstance(node, ast.Import) else [str(node.module)]
        )
        if name.partition(".")[0] in ("argparse", "typer", "click", "rich")
    }
    assert imports == {"__main__.py": "argparse"}  # which every Python has
