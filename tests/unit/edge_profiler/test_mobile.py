"""Networks and cascades in ORT format: they answer as their ONNX files, and say what they need."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

from biglittle.bench.cascade import Cascade  # noqa: E402
from biglittle.bench.errors import ProfileError  # noqa: E402
from biglittle.bench.spaces import get_space  # noqa: E402
from biglittle.edge_profiler import mobile as module  # noqa: E402
from biglittle.edge_profiler.cascade_graph import cascade_graph  # noqa: E402
from biglittle.edge_profiler.mobile import OPERATORS, write_mobile  # noqa: E402
from biglittle.edge_profiler.onnx_network import onnx_model  # noqa: E402

ARCH = "8" * 22


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A cascade with an ``If`` node and a network of another size."""
    folder = tmp_path_factory.mktemp("onnx")
    cascade = Cascade.exits_of(ARCH, ["4s", "12"], [("margin", 0.3), ("margin", 0.2)])
    models = {
        "cascade": cascade_graph(get_space("fbnet"), cascade, 10),
        "single": onnx_model(get_space("fbnet-16"), ARCH, 7),
    }
    for name, model in models.items():
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
    return sorted(folder.iterdir())


def test_a_cascade_answers_as_before_in_the_other_format(files: list[Path], tmp_path: Path) -> None:
    written = write_mobile(files, tmp_path / "out")
    assert sorted(written.sha256) == ["cascade.ort", OPERATORS, "single.ort"]
    assert max(written.difference.values()) <= module.TOLERANCE
    content = (tmp_path / "out" / "cascade.ort").read_bytes()
    assert content[4:8] == b"ORTM"  # the mark of the format, behind a flatbuffer's root
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    image = np.zeros((1, 3, 32, 32), np.float32)
    assert session.run(["logits"], {"images": image})[0].shape == (1, 10)


def test_the_operators_are_those_of_the_files(files: list[Path], tmp_path: Path) -> None:
    write_mobile(files, tmp_path / "both")
    write_mobile(files[1:], tmp_path / "one")
    both, one = ((tmp_path / name / OPERATORS).read_text() for name in ("both", "one"))
    assert both.startswith("# Of cascade.ort, single.ort\n")
    assert "If" in both
    assert "If" not in one
    lines = both.splitlines()[1:]
    assert all(len(line.split(";")) == 3 for line in lines)
    assert "/tmp" not in both
    assert str(tmp_path) not in both


def test_what_is_no_network_is_one_line_and_leaves_nothing(
    files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd
) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    for models, text in [
        ([tmp_path / "bad.onnx"], "does not take the files"),
        ([tmp_path / "absent.onnx"], "No such file"),
        ([], "0 ONNX files were given"),
        ([files[0], files[0]], "no two of one name"),
    ]:
        with pytest.raises(ProfileError, match=text) as error:
            write_mobile(models, tmp_path / "out")
        assert "\n" not in str(error.value)
    monkeypatch.setattr(module, "TOLERANCE", -1.0)
    with pytest.raises(ProfileError, match=r"answers otherwise than single\.onnx"):
        write_mobile(files[1:], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_verb_takes_a_folder(files: list[Path], tmp_path: Path, command_line) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "phone"
    code, text, _ = command_line("mobile", str(files[0].parent), "--out", str(out))
    assert code == 0
    assert "--include_ops_by_config required_operators.config" in text
    assert sorted(p.name for p in out.iterdir() if p.suffix) == [
        *("cascade.ort", "required_operators.config", "single.ort")
    ]
