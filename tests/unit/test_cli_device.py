"""Device profiles on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from biglittle import __main__
from biglittle.bench.device import SHIPPED

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["biglittle", *arguments])
        try:
            __main__.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    raw = json.loads((SHIPPED / "raspberry-pi-4.json").read_text())
    path = tmp_path / "upload.json"
    path.write_text(json.dumps(raw | {"device": "my-pi"}))
    return path


def test_a_profile_is_checked_added_listed_shown_and_removed(run: Run, mine: Path) -> None:
    code, out, _ = run("device", "check", str(mine))
    assert (code, "passes" in out) == (0, True)
    assert run("device", "add", str(mine))[0] == 0
    assert "my-pi (yours): Raspberry Pi 4" in run("device", "list")[1].replace("\n", " ")
    listed = json.loads(run("device", "list", "--json")[1])
    assert (listed["my-pi"]["where"], listed["raspberry-pi-4"]["where"]) == ("yours", "shipped")
    assert "block-sum" in run("device", "show", "my-pi")[1]
    assert run("device", "add", str(mine))[0] == 1
    assert run("device", "add", str(mine), "--replace")[0] == 0
    assert run("device", "remove", "my-pi")[0] == 0
    assert "my-pi" not in run("device", "list")[1]


def test_a_bad_profile_ends_with_exit_code_1_and_says_why(run: Run, mine: Path) -> None:
    raw = json.loads(mine.read_text())
    mine.write_text(json.dumps(raw | {"space_hash": "0" * 64}))
    code, out, _ = run("device", "check", str(mine))
    assert (code, "other-space" in out) == (1, True)
    raw["block_table"]["constant_ms"] = -1
    mine.write_text(json.dumps(raw))
    code, out, _ = run("device", "check", str(mine))
    assert (code, "constant_ms is -1, expected at least 0" in out) == (1, True)
    code, out, _ = run("device", "check", str(mine), "--json")
    assert (code, json.loads(out)["passed"]) == (1, False)
    code, _, err = run("device", "add", str(mine))
    assert (code, "does not pass" in err) == (1, True)
    code, _, err = run("device", "check", "raspbery-pi-4")
    assert (code, "Did you mean" in err) == (1, True)


def test_a_broken_file_of_the_users_does_not_hide_the_others(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data" / "devices").mkdir(parents=True)
    (tmp_path / "data" / "devices" / "broken.json").write_text("{")
    code, out, _ = run("device", "list")
    assert (code, "cannot be read" in out, "raspberry-pi-4" in out) == (0, True, True)


def test_any_onnx_network_is_predicted_on_a_device(run: Run, tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    from biglittle.bench import get_space
    from biglittle.edge_profiler import onnx_model

    path = tmp_path / "net.onnx"
    onnx.save(onnx_model(get_space("fbnet"), "8" * 22, 10), str(path))
    code, out, _ = run("device", "predict", "raspberry-pi-5", str(path), str(path), "--json")
    one, two = json.loads(out)["predictions"]
    assert (code, one == two, one["network"]) == (0, True, "net.onnx")
    assert one["provenance"] == {"latency_ms": "predicted", "energy_mj": "modelled"}
    assert "interval" in run("device", "predict", "raspberry-pi-5", str(path))[1]
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"nothing")
    files = (str(path), str(bad), str(tmp_path / "none.onnx"))
    code, out, err = run("device", "predict", "raspberry-pi-5", *files, "--json")
    answer = json.loads(out)  # the good one is answered, the others say why not
    assert (code, [p["network"] for p in answer["predictions"]]) == (1, ["net.onnx"])
    assert [r["network"] for r in answer["refused"]] == ["bad.onnx", "none.onnx"]
    assert "2 of 3 files have no figure" in err
    assert "no such file" in err
    code, out, err = run("device", "predict", "raspberry-pi-5", *files, "--shape", "3x32x32")
    assert (code, out.startswith("net.onnx on raspberry-pi-5")) == (1, True)
    code, _, err = run("device", "predict", "raspberry-pi-5", str(path), "--shape", "h,w")
    assert (code, "expected for example 1,3,224,224" in err) == (1, True)
    code, _, err = run("device", "predict", "raspberry-pi-5", str(path), "--rate", "2")
    assert (code, "expected 0 to 1" in err) == (1, True)
    code, _, err = run("device", "predict", "raspberry-pi-5", str(tmp_path / "none.onnx"))
    assert (code, "cannot be read" in err) == (1, True)
