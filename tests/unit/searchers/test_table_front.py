"""The exact front of a table, as it is answered: document, caveats, interrupts."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from biglittle.bench import Benchmark, load_device
from biglittle.bench.figures import FIGURES
from biglittle.bench.synthetic import DEVICE
from biglittle.searchers.table_front import TableFront, print_table_front, table_front

TWO = ("error", "latency_ms")


def printed(answer: TableFront) -> str:
    text = io.StringIO()
    print_table_front(answer, Console(file=text, width=200), top=3)
    return text.getvalue()


def test_the_document_says_what_was_asked_and_where_it_was_chosen(table: str) -> None:
    answer = table_front(table, DEVICE, TWO, {"macs": 5e7}, ("margin",))
    config = answer.document()["config"]
    assert config["limits"] == {"macs": 5e7}
    assert (config["gates"], config["objectives"]) == (["margin"], list(TWO))
    assert (config["chosen_on"], config["reported_on"]) == ("val", "test")
    assert config["complete"] is True
    assert config["table_file"] == table
    assert answer.front.points.split == "test"
    assert "chosen on val, shown on test" in printed(answer)


def test_networks_alone_are_not_told_as_pairs(tmp_path: Path) -> None:
    labels = np.arange(40) % 4
    answers = {"a": np.eye(4)[labels] + 0.1, "b": np.eye(4)[(labels + (labels > 2)) % 4] + 0.2}
    given = {name: array / array.sum(axis=1, keepdims=True) for name, array in answers.items()}
    out = str(tmp_path / "two.h5")
    Benchmark.from_answers(given, labels, costs={"a": 2.0, "b": 1.0}, out=out)
    head = "Exact front of 2 networks alone and 2 pairs of them (either network as little), "
    assert head in printed(table_front(out, None, TWO, {}))
    ends = printed(table_front(out, None, TWO, {}, little="b"))
    assert "Exact front of 2 pairs, networks alone among them, " in ends


def test_where_latencies_of_exits_are_predicted_a_front_says_so() -> None:
    answer = table_front(
        "fbnet-cifar10", "raspberry-pi-4", TWO, {}, ("margin",), couplings=("prefix",)
    )
    names = {*answer.front.points.little.tolist(), *answer.front.points.big.tolist()}
    told = answer.document()["config"]["latency"]
    assert "cut at an exit are predicted there" in told
    assert told.split()[-1].rstrip(".") in names
    assert told in " ".join(printed(answer).split())


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_of_the_catalogue_can_be_limited(table: str, name: str) -> None:
    everything = Benchmark.load(table).front(DEVICE, TWO).chosen.figure(name)
    limit = float(sorted(everything)[len(everything) // 2])
    answer = table_front(table, DEVICE, TWO, {name: limit})
    values = answer.front.chosen.figure(name)
    assert len(values)
    assert (values >= limit if name == "accuracy" else values <= limit).all()
    if name in ("latency_worst_ms", "params"):
        assert FIGURES[name].head in printed(answer)


def test_a_bound_and_an_interrupt_are_said(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    answer = table_front(table, DEVICE, TWO, {}, ("oracle",), stop)
    assert answer.document()["config"]["complete"] is False
    text = printed(answer)
    assert "No device can run oracle" in text
    assert "Interrupted" in text


def test_latencies_that_may_be_twice_as_long_are_warned_of_beside_the_answer(table: str) -> None:
    board = "jetson-nano"  # its interval goes beyond a factor of two
    answer = table_front(table, board, TWO, {}, ("margin",))
    assert load_device(board).latency.warning in answer.document()["config"]["latency_warning"]
    lines = " ".join(printed(answer).split())
    assert lines.startswith(f"Which pair? Warning: on {board} predicted latencies may be off")
    assert "latency_warning" not in table_front(table, DEVICE, TWO, {}).document()["config"]


def test_a_front_is_written_as_json_or_as_a_page(command_line, table: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    asked = ("front", "--table", table, "--device", DEVICE, "--out")
    for name in ("front.json", "front.html", "again.HTML"):
        code, _, err = command_line(*asked, str(tmp_path / name))
        assert code == 0, err
    assert json.loads((tmp_path / "front.json").read_text(encoding="utf-8"))["front"]
    page = (tmp_path / "front.html").read_bytes()
    assert page == (tmp_path / "again.HTML").read_bytes()
    text = page.decode()
    assert text.index('class="verdict') < text.index('id="view-plot"')
