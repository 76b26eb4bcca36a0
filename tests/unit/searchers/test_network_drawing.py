"""A network as a strip and as a table: whole, well-formed, marked where two networks differ."""

from __future__ import annotations

import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from rich.console import Console

from biglittle.bench import get_space, load_device
from biglittle.bench.anatomy import Anatomy, anatomy, differing
from biglittle.searchers.network_drawing import (
    MARK,
    network_svg,
    print_difference,
    print_network,
)

LITTLE, BIG = "8288800020000008808800", "8280002022320000800800"
SVG = "{http://www.w3.org/2000/svg}"


def _network(architecture: str) -> Anatomy:
    return anatomy(get_space("fbnet"), architecture, 10, load_device("raspberry-pi-4"))


@pytest.mark.parametrize("ids", [(LITTLE,), (LITTLE, BIG), ("1" * 22,), ("7" * 22, "8" * 22)])
def test_a_strip_is_whole_and_nothing_lies_outside(ids: tuple[str, ...]) -> None:
    networks = [_network(a) for a in ids]
    root = ET.fromstring(network_svg(networks))
    _, _, width, height = (float(v) for v in root.attrib["viewBox"].split())
    for box in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(box.attrib.get(k, 0)) for k in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
    digits = [e.text for e in root.iter(f"{SVG}text") if e.attrib["font-size"] == "10"]
    assert [d for d in digits if d and len(d) == 1] == list("".join(ids))
    assert len(list(root.iter(f"{SVG}g"))) == 24 * len(ids)


def test_layers_that_differ_are_marked() -> None:
    networks = [_network(LITTLE), _network(BIG)]
    root = ET.fromstring(network_svg(networks))
    tinted = [e for e in root.iter(f"{SVG}rect") if e.attrib.get("opacity")]
    assert len(tinted) == sum(differing(*networks))
    assert {e.attrib["fill"] for e in tinted} == {MARK}


def test_networks_of_cells_are_drawn_as_well() -> None:
    cells = get_space("nb201")
    genomes = cells.sample(np.random.default_rng(0), 4)
    for architecture in cells.format(genomes):
        ET.fromstring(network_svg([anatomy(cells, architecture, 10)]))


def test_the_terminal_shows_every_layer_and_the_whole() -> None:
    console = Console(file=io.StringIO(), width=120)
    print_network(_network(LITTLE), console)
    print_difference(_network(LITTLE), _network(BIG), console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "k3_e3" in text
    assert "13.02 ms on raspberry-pi-4 (block-sum)" in text
    assert "8 of 22 layers are not the same block" in text
    assert "\u2026" not in text  # nothing is cut short


def test_the_verb_shows_writes_and_tells(command_line, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = command_line("show", LITTLE, "--out", str(tmp_path / "x.svg"))
    assert code == 0
    assert LITTLE in out
    ET.parse(tmp_path / "x.svg")
    code, out, _ = command_line("show", LITTLE, BIG, "--json")
    assert (code, sum(json.loads(out)["differs"])) == (0, 8)
    code, out, err = command_line("show", "88")
    assert code != 0
    assert "Traceback" not in err
