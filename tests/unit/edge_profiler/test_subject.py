"""Any ONNX file is measured like a network; a cascade by its branches."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from biglittle.bench import get_space  # noqa: E402
from biglittle.bench.datasets import get_dataset  # noqa: E402
from biglittle.bench.device_document import Profile  # noqa: E402
from biglittle.bench.document_problems import problems  # noqa: E402
from biglittle.bench.errors import ProfileError  # noqa: E402
from biglittle.bench.gate import Gate  # noqa: E402
from biglittle.edge_profiler import __main__ as light  # noqa: E402
from biglittle.edge_profiler import onnx_model, profile_networks  # noqa: E402
from biglittle.edge_profiler.deployable import describe, with_pixels  # noqa: E402
from biglittle.edge_profiler.onnx_cascade import cascade_model  # noqa: E402
from biglittle.edge_profiler.protocol import Protocol  # noqa: E402
from biglittle.edge_profiler.remote import profile_on_host  # noqa: E402
from biglittle.edge_profiler.session import ProfileRequest, summary  # noqa: E402
from biglittle.edge_profiler.subject import file_subjects, onnx_files  # noqa: E402

SPACE, CIFAR = get_space("fbnet"), get_dataset("cifar10")
A, B = "8" * 22, "1" + "8" * 21
# A busy test machine may drift as it likes: what is tested is that figures come out.
TINY = Protocol(warm_up=1, rounds=1, runs_per_round=2, idle_gap_s=0, energy_s=0, max_drift=2.0)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A network as others export it, with a free batch, and a cascade of this package."""
    folder = tmp_path_factory.mktemp("my, networks")
    little, big = onnx_model(SPACE, A, 10), onnx_model(SPACE, B, 10)
    cascade = with_pixels(cascade_model(little, big, "entropy", 1.2), CIFAR)
    ids = {"little": A, "big": B}
    describe(cascade, "cascade", ids, SPACE, CIFAR, {}, Gate("entropy", 1.2))
    little.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    paths = {name: folder / f"{name}.onnx" for name in ("mine", "cascade", "broken")}
    onnx.save(little, paths["mine"])
    onnx.save(cascade, paths["cascade"])
    paths["broken"].write_bytes(b"no model")
    return paths


def test_files_are_named_by_path_one_or_several(files: dict[str, Path], tmp_path: Path) -> None:
    assert onnx_files(str(files["mine"])) == [files["mine"]]  # its folder's name has a comma
    for name in ("a.onnx", "b.onnx"):
        (tmp_path / name).write_bytes(b"")
    both = f"{tmp_path}/a.onnx, {tmp_path}/b.onnx"
    assert [p.name for p in onnx_files(both)] == ["a.onnx", "b.onnx"]
    assert onnx_files(A) == onnx_files("anchors:10") == onnx_files("ids.txt") == []
    for text in ("absent.onnx", f"{A},{tmp_path}/a.onnx", f"{tmp_path}/a.onnx,{A}"):
        with pytest.raises(ProfileError, match=r"no ONNX file .* in a run of their own"):
            onnx_files(text)
    with pytest.raises(ProfileError, match="cannot be read as ONNX"):
        file_subjects([files["broken"]])


def test_both_branches_of_a_cascade_and_nothing_else_changed(files: dict[str, Path]) -> None:
    kept, escalated = file_subjects([files["cascade"]])
    pixels = np.random.default_rng(0).integers(0, 256, (4, 1, 32, 32, 3), np.uint8)
    for subject, goes in ((kept, False), (escalated, True)):
        session = ort.InferenceSession(subject.model(), providers=["CPUExecutionProvider"])
        said = [session.run(["escalated"], {"images": x})[0] for x in pixels]
        assert [bool(x) for x in said] == [goes] * 4
    assert kept.names["branch"] == "kept"
    assert kept.names["sha256"] == escalated.names["sha256"]


def test_files_are_measured_beside_networks_and_not_twice(
    files: dict[str, Path], tmp_path: Path
) -> None:
    out, subjects = tmp_path / "p.json", file_subjects([files["mine"], files["cascade"]])
    told: list[tuple[int, int]] = []

    def run(ids: list[str], pairs: tuple[tuple[str, str], ...] = ()) -> dict[str, object]:
        told.clear()
        return profile_networks(
            SPACE, ids, 10, TINY, out=out, models=subjects, pairs=pairs, reference=A,
            on_progress=lambda done, total, entry: told.append((done, total)),
        )  # fmt: skip

    got = run([])
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert [m.get("branch") for m in got["models"]] == [None, "kept", "escalated"]  # type: ignore[union-attr,attr-defined]
    assert all(m["latency_ms"] > 0 for m in got["models"])  # type: ignore[attr-defined]
    assert got["networks"] == []
    assert not list(problems(json.loads(out.read_text()) | {"device": "mine"}, Profile))
    again = run([B], ((A, B),))
    assert told == [(1, 2), (2, 2)]  # a network and a pair; the files are known by their contents
    assert [m["sha256"] for m in again["models"]] == [m["sha256"] for m in got["models"]]  # type: ignore[attr-defined]
    text = "\n".join(summary(got, out))
    assert "cascade.onnx, escalated: " in text
    assert "device check" not in text  # there is nothing to contribute yet


def test_the_light_command_line_takes_files(
    files: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("biglittle.edge_profiler.session.Protocol", lambda **given: TINY)
    asked = ["--networks", str(files["mine"]), "--rounds", "2", "--out", str(tmp_path / "p.json")]
    assert light.main(asked) == 0
    said = capsys.readouterr()
    assert "1/1 mine.onnx" in said.err
    assert "mine.onnx: " in said.out
    assert "(measured)" in said.out


def test_a_bad_file_is_told_and_the_others_are_measured(
    files: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("biglittle.edge_profiler.session.Protocol", lambda **given: TINY)
    folder, out = tmp_path / "plain", tmp_path / "p.json"
    folder.mkdir()
    (folder / "broken.onnx").write_bytes(b"no model")
    free = onnx_model(SPACE, A, 10)
    for side, name in zip(free.graph.input[0].type.tensor_type.shape.dim, "n?hw", strict=True):
        side.dim_param = name
    onnx.save(free, folder / "free.onnx")
    asked = ["--networks", f"{folder}/broken.onnx,{folder}/free.onnx", "--out", str(out)]
    assert light.main(asked) == 1
    told = capsys.readouterr()
    assert "2 of 2 ONNX files have no figure" in told.err
    assert "--shape 1,3,224,224" in told.err
    assert light.main([*asked, "--shape", "3,32,32"]) == 1
    told = capsys.readouterr()
    assert "free.onnx: " in told.out
    assert "broken.onnx: cannot be read as ONNX" in told.err
    assert "1 of 2" in told.err
    document = json.loads(out.read_text())
    assert [m["shape"] for m in document["models"] if m["latency_ms"]] == ["3,32,32"]
    assert not list(problems(document | {"device": "mine"}, Profile))


def test_a_board_over_ssh_is_told_apart(files: dict[str, Path], tmp_path: Path) -> None:
    request = ProfileRequest(networks=str(files["mine"]))
    with pytest.raises(ProfileError, match="copy them to the board"):
        profile_on_host(request, "user@board", tmp_path / "p.json", print)
