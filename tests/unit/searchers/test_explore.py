"""A table and a saved front as a page: what a filter admits is the front of what it admits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import ConstraintError
from biglittle.bench.rows import COUPLINGS
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import explore as explore_module
from biglittle.searchers.explore import OBJECTIVES, device_fronts, explore, saved_front
from biglittle.searchers.front_files import read_front


@pytest.fixture(scope="module")
def cut_table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of a made-up table some of whose networks are cut at exits."""
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(n_networks=12, seed=2, n_exits=3), "test", "2020-01-01")
    return str(path)


def test_a_table_without_latencies_is_told_what_is_missing(tmp_path: Path) -> None:
    answers, labels = {"a": np.eye(2)[[0, 1] * 4], "b": np.eye(2)[[0, 0] * 4]}, [0, 1] * 4
    Benchmark.from_answers(answers, labels, out=tmp_path / "nocost.h5")
    with pytest.raises(ConstraintError, match="has no latency_ms on given"):
        explore(str(tmp_path / "nocost.h5"), ())


def view_of(text: str) -> dict[str, Any]:
    block = re.search(r'id="page-data">(.*?)</script>', text, re.DOTALL)
    assert block is not None
    return json.loads(block[1])["view"]


def test_each_filter_admits_the_front_of_what_it_admits(cut_table: str) -> None:
    bench = Benchmark.load(cut_table)
    fronts = device_fronts(bench, DEVICE)
    for coupling in ("", *COUPLINGS):
        for gate in ("", *bench.table.metrics):
            bit = 1 << ((0 if coupling else 2) + (0 if gate else 1))
            admitted = (fronts.fronts & bit) > 0
            if coupling:
                admitted &= fronts.points.coupling == coupling
            if gate:
                admitted &= fronts.points.gate == gate
            asked = {
                "gates": (gate,) if gate else None,
                "couplings": (coupling,) if coupling else None,
            }
            exact = bench.front(DEVICE, OBJECTIVES, **asked).chosen
            mine = fronts.chosen.take(np.flatnonzero(admitted))
            values = [
                {*zip(p.accuracy.tolist(), p.latency_ms.tolist(), strict=True)}
                for p in (mine, exact)
            ]
            assert values[0] == values[1], (coupling, gate)


def test_a_table_is_one_page_with_all_its_networks(cut_table: str) -> None:
    moves: list[tuple[int, int]] = []
    text = explore(cut_table, [DEVICE], lambda *done: moves.append(done))
    view, bench = view_of(text), Benchmark.load(cut_table)
    singles = view["rows"]["kind"].count(2)
    assert singles == len(bench.table.rows(exits=True))
    assert moves[-1] == (len(COUPLINGS) * len(bench.table.metrics),) * 2
    assert {"sibling", "prefix"} <= {*view["couplings"]}
    assert min(view["rows"]["curve"][: len(view["rows"]["kind"]) - singles]) >= 0
    assert view["selected"] is not None
    assert str(view["selected"]) in view["why"]
    assert text == explore(cut_table, [DEVICE])
    assert len(text) < 6_000_000


def test_a_page_that_would_be_too_large_has_fewer_places_on_its_curves(
    cut_table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = explore(cut_table, [DEVICE])
    monkeypatch.setattr(explore_module, "MOST_BYTES", len(whole) - 1)
    smaller = explore(cut_table, [DEVICE])
    assert len(smaller) < len(whole)
    steps = [{c["cuts"]["step"] for c in view_of(text)["curves"]} for text in (whole, smaller)]
    assert steps == [{8}, {16}]
    points = [view_of(text)["rows"]["figures"] for text in (whole, smaller)]
    assert points[0] == points[1]  # the points themselves are all there
    monkeypatch.setattr(explore_module, "MOST_BYTES", 1)
    assert {c["cuts"]["step"] for c in view_of(explore(cut_table, [DEVICE]))["curves"]} == {32}


def test_a_saved_front_has_the_curves_of_its_table(search, table: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert search("--budget", "60", "--out", str(tmp_path))[0] == 0
    view = view_of(explore(str(tmp_path), ()))
    written = view_of((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert view["rows"] == written["rows"]
    assert view["curves"] == written["curves"]
    assert view["curves"]
    of_csv = view_of(explore(str(tmp_path / "front.csv"), ()))
    assert of_csv["rows"]["figures"]["accuracy"] == view["rows"]["figures"]["accuracy"]


def test_a_saved_front_whose_table_is_gone_has_no_curves(search, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert search("--budget", "60", "--out", str(tmp_path))[0] == 0
    path = tmp_path / "front.json"
    document = json.loads(path.read_text())
    document["config"]["sources"]["table_file"] = str(tmp_path / "gone.h5")
    path.write_text(json.dumps(document))
    assert not saved_front(read_front(path)).curves
    view = view_of(explore(str(path), ()))
    assert view["curves"] == []
    assert {*view["rows"]["curve"]} == {-1}


def test_anybodys_networks_are_explored_by_their_names(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 400)
    answers = {
        name: np.eye(10)[np.where(rng.random(400) < right, labels, (labels + 1) % 10)] * 0.8 + 0.02
        for name, right in (("<b>tiny</b>", 0.5), ("huge", 0.9))
    }
    costs = {"<b>tiny</b>": 1.0, "huge": 9.0}
    bench = Benchmark.from_answers(answers, labels, costs, out=tmp_path / "mine.h5")
    text = explore(str(tmp_path / "mine.h5"), ())
    view = view_of(text)
    assert {*view["networks"]} == {*costs}
    assert view["devices"] == [*bench.devices]
    assert "<b>tiny" not in text
    assert view["commands"]["single"] == []
    assert "given" in {view["words"][w] for w in [view["rows"]["words"]["latency_ms"]]}


@pytest.mark.parametrize(
    ("target", "device", "said"),
    [
        ("no-such-table", "", "no-such-table"),
        ("gone.json", "", "cannot read"),
        ("gone.json", "raspberry-pi-4", "leave --device out"),
        ("fbnet-cifar10", "raspberry-pi-44", "raspberry-pi-4"),
    ],
)
def test_bad_input_is_said_in_one_line(
    command_line,
    tmp_path: Path,
    target: str,
    device: str,
    said: str,  # type: ignore[no-untyped-def]
) -> None:
    out = tmp_path / "new" / "page.html"
    given = ("--device", device) if device else ()
    code, stdout, err = command_line("explore", target, *given, "--out", str(out))
    assert code == 1
    assert not stdout
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not out.exists()


def test_the_verb_writes_a_page(command_line, cut_table: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "new" / "page.html"
    code, stdout, err = command_line("explore", cut_table, "--device", DEVICE, "--out", str(out))
    assert code == 0, err
    assert stdout.startswith(f"Written: {out} (")
    assert err.startswith(f"Making {out}: ")  # beforehand, where nobody sees a bar
    assert "fronts of" in err
    assert "minutes" in err
    assert err.count("\n") == 1
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
