"""A network as a strip and as a table: whole, well-formed, marked where two networks differ."""

from __future__ import annotations

import dataclasses
import io
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from rich.console import Console

from biglittle.bench import Benchmark, get_space, load_device
from biglittle.bench.anatomy import NOT_RUN, Anatomy, anatomy, differing
from biglittle.searchers.network_drawing import print_difference, print_network, print_networks
from biglittle.searchers.network_svg import MARK, network_svg, trunk_svg

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


def test_a_network_that_is_cut_ends_at_its_exit() -> None:
    cut, big = _network(f"{LITTLE}@14"), _network(BIG)
    root = ET.fromstring(network_svg([cut, big]))
    texts = [t.text for t in root.iter(f"{SVG}text")]
    assert {"little @14", "big", "exit", "14"} <= {*texts}
    assert texts.count("head") == 1
    run = [layer for layer in cut.layers if layer.choice != NOT_RUN]
    assert len(list(root.iter(f"{SVG}g"))) == len(run) + len(big.layers) < 2 * len(big.layers)


def test_layers_that_differ_are_marked() -> None:
    networks = [_network(LITTLE), _network(BIG)]
    root = ET.fromstring(network_svg(networks))
    tinted = [e for e in root.iter(f"{SVG}rect") if e.attrib.get("opacity")]
    assert len(tinted) == sum(differing(*networks))
    assert {e.attrib["fill"] for e in tinted} == {MARK}


@pytest.mark.parametrize("exits", [("14", ""), ("4s", "12"), ("18", "")])
def test_a_shared_trunk_is_drawn_once(exits: tuple[str, str]) -> None:
    arch = "8088880080000088808880"
    names = [f"{arch}@{name}" if name else arch for name in exits]
    little, big = (_network(name) for name in names)
    root = ET.fromstring(trunk_svg(little, big) or "")
    _, _, width, height = (float(v) for v in root.attrib["viewBox"].split())
    texts = [t.text or "" for t in root.iter(f"{SVG}text")]
    assert sum(text.partition(" @")[0] == "big" for text in texts) == 1
    assert sum(text.startswith("little answers here") for text in texts) == 1
    assert f"exit {exits[0]}" in texts
    digits = [layer.digit for layer in big.layers if layer.digit]
    run = [layer.digit for layer in big.layers if layer.digit and layer.choice != NOT_RUN]
    assert len([t for t in texts if t in {*digits}]) == len(run)  # each layer stands once
    (trunk,) = [r for r in root.iter(f"{SVG}rect") if r.attrib.get("opacity")]
    assert float(trunk.attrib["width"]) == pytest.approx(34 * (int(exits[0].rstrip("s")) + 2) - 4)
    for text in root.iter(f"{SVG}text"):
        assert 0 <= float(text.attrib["x"]) <= width
        assert 0 <= float(text.attrib["y"]) <= height


@pytest.mark.parametrize("ids", [(LITTLE, BIG), (LITTLE, LITTLE), (f"{LITTLE}@14", BIG)])
def test_networks_without_a_common_trunk_are_not_drawn_as_one(ids: tuple[str, str]) -> None:
    assert trunk_svg(*(_network(name) for name in ids)) is None


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
    assert "13.0 ms on raspberry-pi-4 (block-sum)" in text
    assert "8 of 22 layers are not the same block" in text
    assert "\u2026" not in text  # nothing is cut short


def test_a_fast_board_keeps_three_digits() -> None:
    network = dataclasses.replace(_network(LITTLE), latency_ms=0.08124)
    console = Console(file=io.StringIO(), width=120)
    print_network(network, console)
    text = " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]
    assert "0.0812 ms on raspberry-pi-4" in text
    assert "0.0812 ms" in network_svg([network])


@pytest.mark.parametrize("device", ["raspberry-pi-4", "raspberry-pi-5", "amd-epyc-f25-m17"])
def test_the_column_of_latencies_adds_up_to_what_stands_below_it(device: str) -> None:
    console = Console(file=io.StringIO(), width=160)
    network = anatomy(get_space("fbnet"), "08" * 11, 10, load_device(device))
    print_network(network, console)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert f"ms, {network.layer_provenance}" in lines[1]
    rows = {words[0]: words for line in lines if (words := line.rstrip(" #").split())}
    parts = [float(r[-1]) for name, r in rows.items() if name.isdigit() and "." in r[-1]]
    constant, total = float(rows["const"][-1]), float(rows["sum"][-1])
    timed = [layer for layer in network.layers if layer.latency_ms]
    assert len(timed) > 3
    assert sum(x.latency_ms or 0 for x in timed) + constant == pytest.approx(total, abs=0.02)
    assert sum(parts) > 0
    whole = f"{network.latency_ms:.3f}"
    if network.provenance == network.layer_provenance:
        assert rows["sum"][-1] == whole
    else:
        assert any(f"as a whole: {whole} ms ({network.provenance})" in line for line in lines)


def test_a_network_has_the_classes_of_the_table_not_of_the_board(command_line) -> None:  # type: ignore[no-untyped-def]
    bench = Benchmark.load("fbnet-cifar10")
    classes, network = bench.table.n_classes, str(bench.architectures[0])
    assert load_device("raspberry-pi-4").n_classes != classes
    code, out, _ = command_line("show", network, "--json")
    shown = json.loads(out)
    assert shown["macs"] == bench.costs("raspberry-pi-4").macs[0]
    assert (code, shown["n_classes"], shown["layers"][-1]["shape"][0]) == (0, classes, classes)


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


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("ids", [(LITTLE,), (f"{LITTLE}@14",), (LITTLE, BIG), (BIG, "7" * 22)])
def test_every_column_of_a_network_stands_in_a_narrow_terminal(
    ids: tuple[str, ...], width: int
) -> None:
    networks = [_network(a) for a in ids]
    out = io.StringIO()
    print_networks(networks, Console(file=out, width=width))
    text = out.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for network in networks:
        assert f"{network.parts_ms:.3f}" in text
        assert str(network.layer_provenance) in text


@pytest.mark.parametrize("width", [80, 130])
def test_of_two_networks_each_keeps_its_own_provenance(width: int) -> None:
    """Blocks of a whole network are measured on a Pi 4, those of one cut at an exit are not."""
    cut, whole = _network(f"{LITTLE}@14"), _network(BIG)
    assert cut.layer_provenance != whole.layer_provenance
    for pair in ((cut, whole), (whole, cut)):
        out = io.StringIO()
        print_difference(*pair, Console(file=out, width=width))
        text = out.getvalue()
        for name, network in zip(("little", "big"), pair, strict=True):
            head = f"{name} ms, {network.layer_provenance}"
            assert head in text or f"{name} ms: {network.layer_provenance}" in text
