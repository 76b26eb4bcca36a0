"""The page "Add your board", from `profile` to `validate`, on five networks and a made-up clock.

Five are the fewest from which others are predicted. The clock is the runtime's own, so that the
page holds on a machine that does anything else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench import get_space, load_device
from biglittle.edge_profiler import session
from biglittle.edge_profiler.anchors import anchor_networks
from biglittle.edge_profiler.profile import profile_networks
from biglittle.edge_profiler.profile_file import Profile
from biglittle.edge_profiler.validate import networks_of, pairs_of

onnx = pytest.importorskip("onnx")
pytest.importorskip("scipy")

IDS = anchor_networks(get_space("fbnet"), 5)


class Board:
    """A runtime that takes 0.05 ms for every node, and thrice that now and then if it is noisy."""

    description, precision = "made-up 1.0 CPU", "fp32"

    def __init__(self) -> None:
        self.now_ns, self.runs, self.noisy = 0, 0, ""
        self.measured: list[str] = []

    def load(self, model: bytes, threads: int) -> Callable[[], None]:
        graph = onnx.load_from_string(model).graph
        name = graph.name.removeprefix("fbnet_")
        self.measured.append(name)
        cost_ns = 50_000 * len(graph.node)

        def run() -> None:
            self.runs += 1
            late = name == self.noisy and self.runs % 4 == 0
            self.now_ns += cost_ns * (3 if late else 1)

        return run

    def profile(
        self, space: Any, ids: Any, classes: int, protocol: Any, *_: Any, **more: Any
    ) -> Profile:
        return profile_networks(
            space, ids, classes, protocol, self, clock=lambda: self.now_ns, sleep=lambda s: None,
            **more,
        )  # fmt: skip


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Board:
    made, real = Board(), session.run_request

    def run_request(request: Any, out: Any, on_progress: Any = None) -> Profile:
        return real(request, out, on_progress, made.profile)

    monkeypatch.setattr(session, "run_request", run_request)
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return made


def test_the_page_works_from_profile_to_validate(board: Board, command_line: Any) -> None:
    def run(*arguments: str, code: int = 0) -> str:
        got, out, err = command_line(*arguments)
        assert got == code, out + err
        return str(out + err)

    board.noisy = IDS[2]
    measure = ("--networks", "anchors:5", "--name", "my-board", "--rounds", "4")
    text = run("profile", *measure, "--out", "board.json")
    assert "1 of 5 networks are noisy" in text
    assert IDS[2] in run("device", "check", "board.json")
    board.noisy, board.measured = "", []
    run("profile", "--again", "noisy", "--out", "board.json")
    assert [a for a in board.measured if a in IDS] == [IDS[2]]
    assert "noisy" not in run("device", "check", "board.json")

    assert "search --device my-board" in run("device", "add", "board.json")
    assert "measured of 5 networks, others predicted" in " ".join(run("device", "list").split())
    times = [n["latency_ms"] for n in json.loads(Path("board.json").read_text())["networks"]]
    most = f"{1.5 * min(times):.3f}"  # of a small front it is soon known what is exact in it
    search = ("search", "--device", "my-board", "--latency-ms-max", most, "--budget", "100")
    text = " ".join(run(*search, "--out", "out").split())
    assert "Latencies of all but the 5 measured networks are predicted" in text
    document = json.loads(Path("out/front.json").read_text())
    assert "5 measured networks are predicted" in document["config"]["sources"]["latency"]
    wide = load_device("my-board").latency.warning
    assert bool(wide) == ("Warning: on my-board" in text)
    front = document["front"]
    assert {p["provenance"]["latency_ms"] for p in front} == {"predicted"}

    lines = Path("out/front.csv").read_text().splitlines()
    Path("few.csv").write_text("\n".join([lines[0], *lines[-3:]]) + "\n")
    validate = ("validate", "few.csv", "--device", "my-board", "--measure", "here", "--out", "kept")
    got, out, err = command_line(*validate)
    assert got in (0, 1), out + err  # five networks of a made-up runtime promise nothing
    measured = json.loads(Path("kept/measured.json").read_text())
    assert all(n["latency_ms"] > 0 for n in measured["networks"])


def test_the_table_knows_all_its_networks_on_a_board_of_which_five_were_measured(
    board: Board, command_line: Any
) -> None:
    from biglittle.bench import Benchmark

    assert command_line("profile", "--networks", "anchors:5", "--name", "my-board")[0] == 0
    assert command_line("device", "add", "profile.json")[0] == 0
    bench = Benchmark.load("fbnet-cifar10")
    costs = bench.costs("my-board")
    rows = bench.table.rows(exits=True)  # what they take in int8 nobody measured
    assert (costs.latency_ms[rows] > 0).all()
    assert np.isnan(costs.latency_ms[bench.table.networks["precision"] == "int8"]).all()
    assert costs.provenance["latency_ms"] == "predicted"
    assert bench.promise("my-board").startswith("Latencies of all but the 5 measured networks")
    assert bench.promise("raspberry-pi-4") == ""
    code, out, _ = command_line("query", "8" * 22, "0" * 22, "--device", "my-board", "--json")
    assert (code, json.loads(out)["provenance"]["latency_ms"]) == (0, "predicted")
    code, out, _ = command_line("query", "8" * 22, "0" * 22, "--device", "my-board")
    assert (code, "5 measured networks are predicted" in " ".join(out.split())) == (0, True)
    most = f"{1.2 * costs.latency_ms[rows].min() + costs.gate_ms:.3f}"  # a small front is soon made
    asked = ("--gate", "margin", "--latency-ms-max", most, "--json")
    code, out, err = command_line("front", "--device", "my-board", *asked)
    assert code == 0, err
    document = json.loads(out)
    assert (code, "are predicted" in document["config"]["latency"]) == (0, True)
    assert {p["provenance"]["latency_ms"] for p in document["front"]} == {"predicted"}


def test_a_front_is_measured_as_validate_measures_it(board: Board, command_line: Any) -> None:
    from biglittle.searchers.front_files import read_front

    asked = ("--device", "raspberry-pi-4", "--gate", "margin", "--latency-ms-max", "2")
    assert command_line("front", *asked, "--out", "front.json")[0] == 0
    code, out, err = command_line("profile", "--networks", "front.json", "--name", "my-board")
    assert code == 0, err
    measured = json.loads(Path("profile.json").read_text())
    points = read_front("front.json").points
    names = {n["architecture"] for n in measured["networks"]}
    assert names <= {*networks_of(points)}
    pairs = {(p["little"], p["big"]) for p in measured["pairs"]}
    assert {*pairs} <= {pair for members in pairs_of(points).values() for pair in members}
    assert f"{len(names)} network" in err
    assert f"{len(pairs)} pair" in err
    assert "--all measures the rest" in " ".join(err.split())
    validate = ("validate", "front.json", "--profile", "profile.json", "--device", "raspberry-pi-4")
    code, out, err = command_line(*validate, "--out", "kept")
    assert code in (0, 1), out + err
    assert "no network of this front" not in err
    code, _, err = command_line("profile", "--networks", "front.json", "--pairs", "8:0")
    assert (code, "leave out --pairs and --blocks" in err) == (1, True)


def test_networks_cut_at_exits_alone_are_told_of_whole_ones_and_the_advice_works(
    board: Board, command_line: Any
) -> None:
    cut = ",".join(f"3200002020236000800000@{cut}" for cut in (8, 16))  # both in the table
    measure = ("--networks", cut, "--name", "my-board", "--rounds", "4")
    assert command_line("profile", *measure, "--out", "cut.json")[0] == 0
    code, out, err = command_line("device", "check", "cut.json")
    assert code == 1, out + err
    assert "all 2 networks with a latency are cut at exits" in out + err
    asked = ("search", "--on", "table", "--device", "cut.json", "--budget", "50", "--out", "out")
    code, out, err = command_line(*asked)
    assert code == 1, out + err
    assert "networks cut at exits alone have a latency" in " ".join((out + err).split())
    more = "biglittle profile --networks anchors:10 --out cut.json"
    assert more in " ".join((out + err).split())
    force = ("device", "add", "cut.json", "--force", "--reason", "a test")
    assert command_line(*force)[0] == 0

    _, out, err = command_line("device", "check", "cut.json")
    (advice,) = [line.strip() for line in (out + err).splitlines() if "anchors:10" in line]
    assert advice == "biglittle profile --networks anchors:10 --rounds 4 --out cut.json"
    code, out, err = command_line(*advice.split()[1:])
    assert code == 0, out + err
    _, out, err = command_line("device", "check", "cut.json")
    assert "exits" not in out + err
    code, out, err = command_line(*asked)
    assert code == 0, out + err
