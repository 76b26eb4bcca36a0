"""What a linked view is given: rows, names, words and commands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.figures import FIGURES
from biglittle.bench.synthetic import DEVICE
from biglittle.searchers import SearchOutcome
from biglittle.searchers.pages.view import (
    Axes,
    Commands,
    view_document,
    view_section,
)
from biglittle.searchers.pages.view_rows import PairGroup, SingleGroup
from biglittle.searchers.pair_curves import table_curves

COMMANDS = Commands.of({"board": "board.json"}, "", True)


def test_rows_are_pairs_then_networks(outcome: SearchOutcome) -> None:
    singles = outcome.singles
    twice = replace(singles, architecture=np.array([*singles.architecture[:7], "", "6" * 22]))
    document = view_document(
        [PairGroup("pair", "board", outcome.front, {3: "at the knee"})],
        [SingleGroup("board", twice)],
        COMMANDS,
        10,
    )
    rows = document["rows"]
    assert rows["kind"] == [0] * 25 + [2] * 8  # a row that stands for none is left out
    assert document["why"] == {3: "at the knee"}
    assert len(rows["chosen"]) == 8
    for name, column in rows["figures"].items():
        assert len(column) == 33, name
    assert rows["figures"]["escalation_rate"][25:] == [None] * 8
    assert rows["figures"]["latency_p95_ms"][25:] == rows["figures"]["latency_ms"][25:]
    assert "energy_mj" not in rows["figures"]
    little = [document["networks"][k] for k in rows["little"]]
    assert little[:25] == outcome.front.little.tolist()


def test_a_network_stands_once(outcome: SearchOutcome) -> None:
    singles = outcome.singles
    same = replace(singles, architecture=np.full(9, "6" * 22))
    document = view_document(
        [PairGroup("pair", "board", outcome.front)], [SingleGroup("board", same)], COMMANDS, 10
    )
    assert document["rows"]["kind"].count(2) == 1


def test_figures_are_shown_as_the_catalogue_says(outcome: SearchOutcome) -> None:
    document = view_document([PairGroup("pair", "board", outcome.front)], [], COMMANDS, 10)
    for facts in document["figures"]:
        if facts["name"] == "gain" or facts["digits"] is None:
            continue
        for value in (0.123456, 0.987, 3.2e6):
            shown = f"{value * facts['scale']:.{facts['digits']}f}"
            assert shown == FIGURES[facts["name"]].text(value).replace(",", "")


def test_a_threshold_on_the_grid_is_named_by_its_place(table: str) -> None:
    bench = Benchmark.load(table)
    ids = bench.architectures
    cut = float(bench.curve((ids[0], ids[1]), "margin", DEVICE).threshold[40])
    points = bench.query_many(ids[0], ids[1], "margin", [cut, 0.3333], DEVICE)
    curves = table_curves(bench, {"board": points}, {"board": DEVICE})
    document = view_document([PairGroup("pair", "board", points)], [], COMMANDS, 10, curves=curves)
    rows = document["rows"]
    assert rows["threshold"] == [None, 0.3333]
    assert rows["at"][0] == 40
    assert document["thresholds"]["margin"][40] == cut
    assert rows["curve"] == [0, 0]
    other = view_document([PairGroup("pair", "else", points)], [], COMMANDS, 10, curves=curves)
    assert other["rows"]["curve"] == [-1, -1]  # the curves are of another device
    assert other["rows"]["threshold"] == [cut, 0.3333]


def test_points_whose_words_differ_have_one_each(outcome: SearchOutcome) -> None:
    words = dict(outcome.front.provenance)
    other = replace(outcome.front, provenance={**words, "latency_ms": "measured"})
    groups = [PairGroup("pair", "board", outcome.front), PairGroup("measured", "board", other)]
    document = view_document(groups, [], COMMANDS, 10)
    of = [document["words"][k] for k in document["rows"]["words"]["latency_ms"]]
    assert of == ["block-sum"] * 25 + ["measured"] * 25


@pytest.mark.parametrize(
    ("objectives", "x", "colour", "size"),
    [
        (("error", "latency_ms"), "latency_ms", "escalation_rate", ""),
        (("error", "energy_mj", "macs"), "energy_mj", "macs", "macs"),
        ((), "latency_ms", "escalation_rate", ""),
    ],
)
def test_axes_follow_the_objectives(
    objectives: tuple[str, ...], x: str, colour: str, size: str
) -> None:
    assert Axes.of(objectives) == Axes(x=x, colour=colour, size=size)


def test_a_limit_on_the_error_is_drawn_as_one_on_accuracy(outcome: SearchOutcome) -> None:
    groups = [PairGroup("pair", "board", outcome.front)]
    limits = {"error": 0.25, "latency_ms": 9.0, "energy_mj": 3.0}
    document = view_document(groups, [], COMMANDS, 10, limits=limits)
    assert document["limits"] == {"latency_ms": 9.0, "accuracy": 0.75}  # no row has an energy


def test_commands_name_what_is_not_the_default() -> None:
    commands = Commands.of({"a": "a.json"}, "mine.h5", False)
    assert commands.pair[:2] == ("biglittle", "show")
    assert commands.measured[:2] == ("biglittle", "query")
    assert ("--table", "mine.h5") == commands.pair[4:6]
    assert "{device}" not in commands.on("a.json").single
    assert commands.on("a.json").single[-1] == "a.json"


def test_networks_that_are_names_are_not_shown_layer_by_layer() -> None:
    commands = Commands.of({"a": "a"}, "mine.h5", True).known_by(["0" * 22, "resnet-50"])
    assert commands.pair[1] == "query"
    assert commands.single == ()
    assert Commands.of({"a": "a"}, "", False).known_by(["resnet-50"]).pair == ()
    assert COMMANDS.known_by(["0" * 22, f"{'8' * 22}@12"]) == COMMANDS


def test_a_note_is_escaped() -> None:
    assert "<p>a &lt;b&gt;</p>" in view_section("a <b>")
