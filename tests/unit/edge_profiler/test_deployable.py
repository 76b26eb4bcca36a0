"""What deployed files say of themselves, and the lines that run them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
from biglittle.bench import Gate  # noqa: E402
from biglittle.edge_profiler.deploy import deploy_pair  # noqa: E402
from biglittle.edge_profiler.deployable import CPP, PYTHON, metadata  # noqa: E402


def test_every_file_says_what_it_takes_and_what_it_is(tmp_path: Path, trained_pair) -> None:  # type: ignore[no-untyped-def]
    deploy_pair(tmp_path, replace(trained_pair, gate=Gate("margin", 0.25)))
    for role in ("little", "big", "cascade"):
        session = ort.InferenceSession(str(tmp_path / f"{role}.onnx"))
        (source,) = session.get_inputs()
        assert (source.name, source.type, source.shape) == (
            "images", "tensor(uint8)", [1, 32, 32, 3],
        )  # fmt: skip
        facts = metadata(onnx.load(tmp_path / f"{role}.onnx"))
        assert facts["role"] == role
        assert (facts["little"], facts["big"]) == trained_pair.architectures
        assert (facts["gate"], facts["threshold"], facts["space"]) == ("margin", 0.25, "fbnet")
        assert facts["classes"] == list(trained_pair.dataset.classes)
        assert facts["provenance"] == trained_pair.origin
        told = facts["input"]
        assert (told["layout"], told["range"], told["shape"]) == ("NHWC", [0, 255], source.shape)
        assert told["normalisation"]["mean"] == list(trained_pair.dataset.mean)
        assert set(facts["outputs"]) == {o.name for o in session.get_outputs()}


def test_the_ten_lines_of_python_run(  # type: ignore[no-untyped-def]
    tmp_path: Path,
    trained_pair,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nothing_is_sure = replace(trained_pair, gate=Gate("max_prob", np.inf))
    facts = deploy_pair(tmp_path, nothing_is_sure)
    assert facts["python"] == PYTHON.splitlines()
    assert facts["c++"] == CPP.splitlines()
    assert max(len(facts["python"]), len(facts["c++"])) <= 10
    monkeypatch.chdir(tmp_path)
    exec("\n".join(facts["python"]), {})  # what the report says, as a reader would paste it
    said = capsys.readouterr().out.split(" ", 1)
    assert said[0] in trained_pair.dataset.classes
    assert said[1] == "from the big network\n"


def test_the_page_has_the_lines_of_the_report() -> None:
    page = (Path(__file__).parents[3] / "cotrain" / "README.md").read_text()
    assert f"\n{PYTHON}```" in page
    assert f"```cpp\n{CPP}```" in page
