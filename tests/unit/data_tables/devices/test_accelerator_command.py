"""``biglittle accelerator``, and that what it writes is a device like any other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from biglittle import __main__
from biglittle.bench import Benchmark, Gate, Pair

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["biglittle", "accelerator", *arguments])
        try:
            __main__.main()
            code = 0
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_list_with_and_without_a_limit_of_area(run: Run) -> None:
    code, out, _ = run("list", "--json")
    names = [r["name"] for r in json.loads(out)]
    assert code == 0
    assert {"eyeriss-like", "tpu-like", "mcu-array", "parametric"} <= {*names}
    code, out, _ = run("list", "--area-mm2", "1.5")
    assert code == 0
    assert "tpu-like" not in out
    code, _, err = run("list", "--area-mm2", "0.01")
    assert code != 0
    assert "the least is" in err
    assert "mcu-array" in err


@pytest.mark.parametrize("name", ["tpu-like", "parametric"])
def test_a_shipped_file_is_where_ones_own_begins(run: Run, tmp_path: Path, name: str) -> None:
    code, text, _ = run("show", name, "--yaml")
    assert code == 0
    mine = tmp_path / f"mine.{'toml' if name == 'parametric' else 'yaml'}"
    mine.write_text(text)
    shown = [run("show", what, "--json")[1] for what in (name, str(mine))]
    assert shown[0] == shown[1]
    assert "area" in run("show", name)[1]


def test_a_profile_is_a_device(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "mcu.json"
    code, said, _ = run("profile", "mcu-array", "--out", str(out), "--clock-mhz", "100")
    assert code == 0
    assert "nobody built or measured" in said
    assert f"biglittle front --device {out}" in said
    pair = Pair("8088880080000088808880", "6666666666666666666666")
    bench = Benchmark.load("fbnet-cifar10")
    point = bench.query(pair, Gate("margin", 0.4), device=str(out))
    assert point.latency_ms > 0
    assert point.energy_mj > 0
    assert point.provenance["latency_ms"] == point.provenance["energy_mj"] == "modelled"
    code, _, err = run("profile", "mcu-array", "--out", str(out))
    assert code != 0
    assert "--replace" in err


def test_what_cannot_be_profiled(run: Run, tmp_path: Path) -> None:
    out = str(tmp_path / "out.json")
    code, _, err = run("profile", "mcu-aray", "--out", out)
    assert code != 0
    assert "Did you mean 'mcu-array'" in err
    code, _, err = run("profile", "tpu-like", "--out", out, "--area-mm2", "1")
    assert code != 0
    assert "the least is" in err
    code, _, err = run("profile", "tpu-like", "--out", out, "--space", "nb201")
    assert code != 0
    assert "layers in a row" in err
    assert not Path(out).exists()
