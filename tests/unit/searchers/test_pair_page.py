"""The page of a pair says whether it pays, draws it, and moves it along its curve."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from biglittle.bench import Benchmark, Gate, Guarantee, Pair
from biglittle.bench.errors import BigLittleError
from biglittle.bench.synthetic import DEVICE
from biglittle.searchers.pair_page import pair_answer, write_pair_page
from biglittle.searchers.pair_report import pair_report


@pytest.fixture(scope="module")
def bench() -> Benchmark:
    return Benchmark.load("fbnet-cifar10")


def data_of(text: str) -> dict[str, Any]:
    block = re.search(r'id="page-data">(.*?)</script>', text, re.DOTALL)
    assert block is not None
    return json.loads(block[1])


def _page(
    bench: Benchmark,
    path: Path,
    threshold: float = 0.37,
    big: str = "6" * 22,
    little: str = "0800000000000000000008",
) -> str:
    pair = Pair(little, big)
    report = pair_report(bench, pair, Gate("margin", threshold), "raspberry-pi-4")
    return write_pair_page(path, bench, report).read_text(encoding="utf-8")


def test_it_answers_first_then_shows_the_curve(bench: Benchmark, tmp_path: Path) -> None:
    text = _page(bench, tmp_path / "new" / "pair.html")
    order = ('class="verdict', "best single network", "<svg xmlns", "The pair on its curve")
    places = [text.index(part) for part in (*order, "Which classes reach", "Operating point")]
    assert places == sorted(places)
    assert text.count("data-chart=") == 2
    data = data_of(text)
    view = data["view"]
    (first, *rest) = view["rows"]["kind"]
    assert first == 0
    assert set(rest) == {2}
    assert len(rest) == len(bench.table.rows(exits=True))
    assert view["selected"] == 0
    assert len(view["curves"]) == 1
    assert len(data["charts"]) == 2
    assert {*re.findall(r"https?:[^\"<> ]*", text)} == {"http://www.w3.org/2000/svg"}


def test_its_gain_is_over_the_single_network_that_val_chooses(bench: Benchmark) -> None:
    pair = Pair("0800000000000000000008", "6" * 22)
    report = pair_report(bench, pair, Gate("margin", 0.37), "raspberry-pi-4")
    answer = pair_answer(bench, report)
    assert answer.single is not None
    single = bench.row(str(answer.single["architecture"]))
    costs, rows = bench.costs("raspberry-pi-4").latency_ms, bench.table.rows(exits=True)
    as_fast = rows[costs[rows] <= report.point.latency_ms]
    val = bench.accuracy("val")
    assert val[single] == val[as_fast].max()
    gain = report.point.accuracy - bench.accuracy("test")[single]
    assert answer.gain == pytest.approx(gain)
    assert answer.gain_low < answer.gain < answer.gain_high


@pytest.mark.parametrize(
    ("little", "big", "threshold", "kind", "word"),
    [
        ("0800000000000000000008", "6" * 22, 0.37, "good", "This pair pays"),
        ("0800000000000000000008", "6" * 22, 1.0, "open", "As good as a single network"),
        ("6" * 22, "0800000000000000000008", 0.9, "bad", "A single network is better"),
    ],  # escalating everything is big alone, and so is a little that is better than its big
)
def test_a_verdict_has_the_colour_of_its_word(
    bench: Benchmark, tmp_path: Path, little: str, big: str, threshold: float, kind: str, word: str
) -> None:
    text = _page(bench, tmp_path / "pair.html", threshold, big, little)
    assert f'<section class="verdict {kind}"' in text
    assert f'<b class="word">{word}</b>' in text


def test_a_bound_is_never_a_choice(bench: Benchmark, tmp_path: Path) -> None:
    pair = Pair("0800000000000000000008", "6" * 22)
    report = pair_report(bench, pair, Gate("oracle", 1.0), "raspberry-pi-4")
    text = write_pair_page(tmp_path / "p.html", bench, report).read_text(encoding="utf-8")
    assert '<b class="word">No device can run oracle</b>' in text
    assert "a bound or a control" in text
    assert data_of(text)["view"]["curves"]


def test_a_table_without_a_profile_of_its_device_draws_no_networks(
    table: str, tmp_path: Path
) -> None:
    bench = Benchmark.load(table)
    pair = Pair(bench.architectures[0], bench.architectures[1])
    report = pair_report(bench, pair, Gate("margin", 0.4), DEVICE)
    text = write_pair_page(tmp_path / "p.html", bench, report, table).read_text(encoding="utf-8")
    assert '<div class="strip">' not in text
    assert "simulated" in text
    words = data_of(text)["view"]["commands"]["pair"]
    assert words[words.index("--table") + 1] == str(Path(table).resolve())


def test_unwritable(bench: Benchmark, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BigLittleError, match="cannot write"):
        _page(bench, tmp_path / "file" / "pair.html")


@pytest.mark.parametrize("gate", ["post_hoc", "temperature", "oracle"])
def test_every_kind_of_gate_has_a_page(bench: Benchmark, tmp_path: Path, gate: str) -> None:
    pair = Pair("0800000000000000000008", "6" * 22)
    report = pair_report(bench, pair, Gate(gate, 0.2), "raspberry-pi-4")
    text = write_pair_page(tmp_path / "pair.html", bench, report).read_text(encoding="utf-8")
    assert "AUROC of little" in text
    answer = pair_answer(bench, report)
    assert answer.gain is not None
    assert (answer.gain_low is None) == (gate == "oracle")


def test_what_is_guaranteed_stands_with_the_verdict(bench: Benchmark, tmp_path: Path) -> None:
    pair = Pair("0800000000000000000008", "6" * 22)
    promised = Guarantee("loss", 0.01).choose(bench, pair, "margin", "raspberry-pi-4")
    report = pair_report(bench, pair, promised.gate, "raspberry-pi-4", promise=promised.text())
    text = write_pair_page(tmp_path / "pair.html", bench, report).read_text(encoding="utf-8")
    assert text.index("Promised: accuracy at most 1.00 points below big") < text.index("<svg xmlns")
