"""LiteRT files of networks and cascades, where the converter is installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from biglittle.bench.cascade import Cascade
from biglittle.bench.errors import ProfileError
from biglittle.bench.spaces import get_space
from biglittle.edge_profiler.cascade_graph import cascade_graph
from biglittle.edge_profiler.litert import INSTALL, write_litert
from biglittle.edge_profiler.mobile import TOLERANCE

ARCH = "8" * 22


@pytest.fixture
def cascade(tmp_path: Path) -> Path:
    """A network and one of its exits, with the gate between them."""
    stages = Cascade.exits_of(ARCH, ["4s"], [("margin", 0.003)])
    path = tmp_path / "cascade.onnx"
    path.write_bytes(cascade_graph(get_space("fbnet"), stages, 10).SerializeToString())
    return path


def test_a_cascade_becomes_a_file_for_each_network(  # type: ignore[no-untyped-def]
    cascade: Path, tmp_path: Path, command_line
) -> None:
    pytest.importorskip("litert_torch", reason="needs litert-torch: LiteRT files are not tested")
    out = tmp_path / "out"
    code, text, err = command_line("mobile", str(cascade), "--format", "litert", "--out", str(out))
    assert code == 0, err
    assert "cascade.1.tflite then cascade.2.tflite: as cascade.onnx does" in text
    names = ["cascade.1.tflite", "cascade.2.tflite", "cascade.litert.json"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert all((out / name).read_bytes()[4:8] == b"TFL3" for name in names[:2])
    first, second = json.loads((out / names[2]).read_text())["stages"]
    assert first["inputs"] == ["images"]
    assert first["outputs"][1] == "escalated"
    assert second["inputs"] == first["outputs"][2:]  # the features that the exit reads
    written = write_litert([cascade], tmp_path / "again")
    assert written.difference["cascade"] <= TOLERANCE


def test_without_the_converter_it_says_how_to_get_it(
    cascade: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "litert_torch", None)
    with pytest.raises(ProfileError, match="an environment of its own") as caught:
        write_litert([cascade], tmp_path / "out")
    assert INSTALL in str(caught.value)
    assert not (tmp_path / "out").exists()
