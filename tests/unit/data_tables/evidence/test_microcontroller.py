"""Networks as TensorFlow Lite files, and what the interpreter reports of its arena for them."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import BigLittleError, MissingExtraError
from biglittle.bench.footprint import footprint
from biglittle.bench.graph import IMAGE, simplified
from biglittle.data_tables.evidence import _tflite
from biglittle.data_tables.evidence._page import load
from biglittle.data_tables.evidence.microcontroller import (
    page,
    pair_graph,
    reported_bytes,
)

SMALL = "8888888888888888888888"


def test_a_pair_is_one_graph_that_computes_the_trunk_once() -> None:
    space = get_space("fbnet")
    first, second = (simplified(space.graph(space.parse(SMALL)[0], 10, cut)) for cut in ("12", ""))
    graph, (little, big) = pair_graph(space, f"{SMALL}@12", SMALL)
    assert [graph[i].operator.kind for i in (little, big)] == ["linear", "linear"]
    assert (little, big) == (len(first) - 1, len(graph) - 1)
    assert len(graph) < len(first) + len(second)
    assert sum(IMAGE in node.inputs for node in graph) == 1
    apart, _ = pair_graph(space, "3200002020236000800000", SMALL)
    assert sum(IMAGE in node.inputs for node in apart) == 2
    for nodes in (graph, apart):
        assert all(i < k for k, node in enumerate(nodes) for i in node.inputs)


def test_without_the_package_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tflite_micro.python.tflite_micro", None)
    with pytest.raises(MissingExtraError, match=r"'tflite-micro'.*\[microcontroller\]"):
        _tflite.runtime()


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_interpreter_takes_at_least_what_is_alive(precision: str) -> None:
    pytest.importorskip("tflite_micro")
    space = get_space("fbnet")
    row = space.parse(SMALL)
    model = _tflite.tflite_model(simplified(space.graph(row[0], 10)), precision)
    parts = footprint(space, row, 10, precisions=np.array([precision]))
    alive = max(parts.reading_kib[0], parts.others_kib[0]) * 1024
    reported = reported_bytes(model)
    assert alive <= reported["head"] <= 1.05 * alive
    assert reported["total"] >= reported["head"] + reported["tail"]


def test_an_operator_that_is_not_written_is_named() -> None:
    pytest.importorskip("tflite_micro")
    space = get_space("nb201")
    row = np.full(space.n_layers, space.choices.index("avg_pool_3x3"), np.uint8)
    with pytest.raises(BigLittleError, match=r"'avg_pool' is not written as TensorFlow Lite"):
        _tflite.tflite_model(simplified(space.graph(row, 10)), "int8")


def test_the_page_says_how_far_it_was_off_and_that_it_is_modelled() -> None:
    figures = load("microcontroller")
    assert figures is not None
    text = page(figures)
    n_rows = len(figures["networks"]) + len(figures["pairs"])
    assert len(figures["networks"]) >= 6
    assert f"of {n_rows} rows" in text
    assert "modelled" in text
    assert "nothing ran on a microcontroller" in text
    assert all(row["head_kib"] >= row["ram_kib"] - 1e-3 for row in figures["networks"])
