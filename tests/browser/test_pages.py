"""Pages in a real browser: nothing to complain of, and everything works with mouse and keyboard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench.figures import FIGURES
from biglittle.bench.hypervolume import Reference
from biglittle.bench.recommend import unasked
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import SearchSettings
from biglittle.searchers.compare import Comparison
from biglittle.searchers.comparison_page import comparison_html
from biglittle.searchers.cotrained_page import write_cotrained
from biglittle.searchers.explore import device_fronts, explore
from biglittle.searchers.front_files import read_front
from biglittle.searchers.pages.view_rows import SingleGroup
from biglittle.searchers.pair_curves import table_curves
from biglittle.searchers.pair_page import write_pair_page
from biglittle.searchers.pair_report import pair_report
from biglittle.searchers.report import FrontPage, write_report
from biglittle.searchers.table_singles import best_table_single, table_single_group
from biglittle.searchers.validation_report import write_validation

Opened = Callable[..., Any]
LITTLE_ALONE = "little alone"
EVIL = '"><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    long = tmp_path_factory.mktemp("a-folder-whose-name-is-wider-than-a-window-" * 4)
    path = long / "table.h5"
    contents = synthetic_table(n_networks=14, seed=2, n_exits=3, n_test=400)
    write_table(path, contents, "test", "2020-01-01")
    return Benchmark.load(path)


@pytest.fixture(scope="module")
def table_page(bench: Benchmark, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "table.html"
    path.write_text(explore(str(bench.table.path), [DEVICE]), encoding="utf-8")
    return path


def shown_rows(tab: Any) -> list[dict[str, str]]:
    """The table's rows as they are read, by the head of the column."""
    return tab.value(
        "[...document.querySelectorAll('#view-body tr')].map(line => Object.fromEntries("
        "[...line.cells].map((cell, k) => [document.querySelectorAll('#view-head th button')[k]"
        ".firstChild.textContent, cell.textContent])))"
    )


def text(tab: Any, name: str) -> str:
    return tab.value(f"document.getElementById('view-{name}').textContent")


def choose(tab: Any, name: str, value: str) -> None:
    tab.value(
        f"(() => {{ const c = document.getElementById('view-{name}'); c.value = {value!r}; "
        "c.dispatchEvent(new Event(c.tagName === 'SELECT' ? 'change' : 'input')); })()"
    )
    tab.settle()


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 400])
def test_a_page_opens_in_silence_and_is_no_wider_than_its_window(
    opened: Opened, table_page: Path, width: int, dark: bool
) -> None:
    tab = opened(table_page, width=width, dark=dark)
    assert tab.value("document.documentElement.scrollWidth") <= width
    assert tab.value("document.querySelectorAll('#view-svg circle').length") > 5
    ground = tab.value("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (not dark)
    tab.value("document.getElementById('theme').click()")
    tab.settle()
    assert tab.value("getComputedStyle(document.body).backgroundColor") != ground
    assert tab.complaints == []


def test_the_first_screen_has_pair_gate_threshold_and_gain(
    opened: Opened, table_page: Path
) -> None:
    tab = opened(table_page)
    seen = tab.value(
        "[...document.querySelectorAll('.verdict p')].filter(p => "
        "p.getBoundingClientRect().bottom < 800).map(p => p.textContent).join(' ')"
    )
    for part in ("\u2192", "gate ", "threshold ", " points"):
        assert part in seen


def test_the_slider_moves_the_point_along_its_curve(
    opened: Opened, table_page: Path, bench: Benchmark
) -> None:
    tab = opened(table_page)
    little, big = text(tab, "little"), text(tab, "big")
    gate = text(tab, "gate").split()[0]
    curve, val = (bench.curve(Pair(little, big), gate, DEVICE, s) for s in ("test", "val"))
    slider = "document.getElementById('view-threshold')"
    last = int(tab.value(f"{slider}.max"))
    before = tab.value("document.querySelector('.selected').getAttribute('cx')")
    for at in (0, last // 2, last):
        tab.value(f"{slider}.value = {at}; {slider}.dispatchEvent(new Event('input'))")
        tab.settle()
        threshold = float(text(tab, "gate").split()[1])
        place = int(np.argmin(np.abs(curve.threshold - threshold)))
        figures = tab.value(
            "Object.fromEntries([...document.querySelectorAll('#view-figures tr')].map(line => "
            "[line.cells[0].firstChild.textContent.split(',')[0], line.cells[1].textContent]))"
        )
        for name in ("accuracy", "escalation_rate", "latency_ms", "latency_p95_ms", "macs"):
            expected = FIGURES[name].text(float(getattr(curve, name)[place]))
            shown = figures[FIGURES[name].label]
            assert len(shown) == len(expected), (name, at)
            unit = 10.0 ** -len(expected.partition(".")[2])  # halves are rounded either way
            assert abs(float(shown) - float(expected)) < 1.5 * unit, (name, at)
        assert f"{100 * val.accuracy[place]:.2f} %" in text(tab, "val")
        words = text(tab, "command").split()
        assert float(words[words.index("--threshold") + 1]) == curve.threshold[place]
    assert tab.value("document.querySelector('.selected').getAttribute('cx')") != before
    tab.value("document.getElementById('view-back').click()")
    tab.settle()
    assert tab.value("document.querySelector('.selected').getAttribute('cx')") == before
    tab.value(f"{slider}.focus()")
    tab.press("ArrowRight", 2)
    assert tab.value("document.getElementById('view-back').disabled") is False
    assert tab.complaints == []


def test_rows_sort_and_filter(opened: Opened, table_page: Path, bench: Benchmark) -> None:
    tab = opened(table_page)
    fronts = device_fronts(bench, DEVICE)
    pairs = "[...document.querySelectorAll('#view-kinds input')].find(b => b.value === 'single')"
    tab.value(f"{pairs}.click()")
    tab.settle()
    n_whole = int((fronts.fronts & 8 > 0).sum())
    assert text(tab, "count") == f"{n_whole} points"
    head = (
        "[...document.querySelectorAll('#view-head button')]"
        ".find(b => b.textContent.startsWith('acc'))"
    )
    for up in (True, False):
        tab.value(f"{head}.click()")
        tab.settle()
        accuracy = [float(row["acc"]) for row in shown_rows(tab)]
        assert accuracy == sorted(accuracy, reverse=not up)
        sort = tab.value(f"{head}.closest('th').getAttribute('aria-sort')")
        assert sort == ("ascending" if up else "descending")
    choose(tab, "couplings", "prefix")
    choose(tab, "gates", "margin")
    of = (fronts.points.coupling == "prefix") & (fronts.points.gate == "margin")
    rows = shown_rows(tab)
    assert len(rows) == int(of.sum())
    pairs_shown = [row for row in rows if row["gate"] != LITTLE_ALONE]
    assert {(row["coupling"], row["gate"]) for row in pairs_shown} == {("prefix", "margin")}
    limit = float(np.median(fronts.points.latency_ms[of]))
    choose(tab, "budget", str(limit))
    assert len(shown_rows(tab)) == int((fronts.points.latency_ms[of] <= limit).sum())
    choose(tab, "budget", "")
    choose(tab, "text", "@12")
    assert all("@12" in row["little"] + row["big"] for row in shown_rows(tab))
    assert tab.complaints == []


def test_a_point_that_never_escalates_is_its_little_network_alone(
    opened: Opened, bench: Benchmark, tmp_path: Path
) -> None:
    cuts = bench.curve((bench.architectures[0], bench.architectures[1]), "margin", DEVICE).threshold
    points = bench.query_many([0, 0, 1], [1, 1, 1], "margin", cuts[[0, 128, 128]], DEVICE)
    assert unasked(points).tolist() == [True, False, True]  # the last is paired with itself
    config = {"sources": {"device": DEVICE}}
    curves = table_curves(bench, {DEVICE: points}, {DEVICE: DEVICE})
    page = FrontPage(points, config, 10, curves=curves)
    tab = opened(write_report(tmp_path / "report.html", page))
    rows = {(row["little"], row["gate"]): row for row in shown_rows(tab)}
    first, second = str(points.little[0]), str(points.big[0])
    assert rows.keys() == {(first, LITTLE_ALONE), (first, "margin"), (second, LITTLE_ALONE)}
    for name in (first, second):
        alone = rows[name, LITTLE_ALONE]
        assert [alone[column] for column in ("big", "threshold", "coupling")] == [""] * 3
    assert (rows[first, "margin"]["big"], rows[first, "margin"]["threshold"]) == (
        second, f"{cuts[128]:.4f}",
    )  # fmt: skip
    shown = {}
    for at in range(3):
        tab.value(f"document.querySelector('[data-row=\"{at}\"]').click()")
        tab.settle()
        told = tab.value("document.getElementById('view-threshold').getAttribute('aria-valuetext')")
        shown[at] = (text(tab, "big"), text(tab, "gate"), told.split(", ")[0])
    assert shown == {
        0: ("-", f"margin {cuts[0]:.4f} (little alone)", first),
        1: (second, f"margin {cuts[128]:.4f}", f"{first} \u2192 {second}"),
        2: ("-", f"margin {cuts[128]:.4f} (little alone)", second),
    }
    choose(tab, "text", second)  # which the first never asks
    assert {(row["little"], row["gate"]) for row in shown_rows(tab)} == {*rows} - {
        (first, LITTLE_ALONE)
    }
    assert tab.complaints == []


def test_axes_colour_and_size_are_chosen(opened: Opened, table_page: Path) -> None:
    tab = opened(table_page)
    choose(tab, "x", "macs")
    choose(tab, "y", "gain")
    choose(tab, "colour", "coupling")
    choose(tab, "size", "peak_memory_mib")
    titles = tab.value("[...document.querySelectorAll('#view-svg .title')].map(t => t.textContent)")
    assert titles == ["mean MACs, M", "gain over a single network, points"]
    assert "prefix" in text(tab, "key")
    assert "size: peak memory" in text(tab, "key")
    radii = tab.value(
        "[...new Set([...document.querySelectorAll('#view-svg circle:not([class])')]"
        ".map(c => c.getAttribute('r')))].length"
    )
    assert radii > 1
    assert tab.complaints == []


def test_gains_are_over_the_single_network_that_val_chooses(
    opened: Opened, table_page: Path, bench: Benchmark
) -> None:
    tab = opened(table_page)
    fronts = device_fronts(bench, DEVICE)
    points = fronts.points.take(np.flatnonzero(fronts.fronts & 8))
    singles = best_table_single(bench, points, DEVICE)
    expected = {
        (str(little), *(("", "") if one else (str(big), f"{threshold:.4f}"))): f"{100 * gain:+.2f}"
        for little, big, threshold, gain, one in zip(
            points.little, points.big, points.threshold, points.accuracy - singles.accuracy,
            unasked(points), strict=True,
        )
        if np.isfinite(gain)
    }  # fmt: skip
    tab.value("document.getElementById('view-every').click()")
    tab.settle()
    pairs = [row for row in shown_rows(tab) if row["gate"]]
    rows = {(r["little"], r["big"], r["threshold"]): r["gain"] for r in pairs}
    compared = [(rows[key], gain) for key, gain in expected.items() if key in rows]
    assert len(compared) == len(expected)
    assert all(a.replace("-0.00", "+0.00") == b.replace("-0.00", "+0.00") for a, b in compared)


def test_what_was_measured_is_held_against_what_was_measured(
    opened: Opened, bench: Benchmark, tmp_path: Path
) -> None:
    fronts = device_fronts(bench, DEVICE)
    points = fronts.points.take(np.flatnonzero(fronts.fronts & 8))
    of_table = table_single_group(bench, DEVICE, DEVICE, "measured")
    flattered = replace(of_table.singles, accuracy=of_table.singles.accuracy + 0.05)
    config = {"sources": {"device": DEVICE, "evaluator": "surrogate"}}
    front = FrontPage(points, config, 10, (), SingleGroup(DEVICE, flattered), points, {}, of_table)
    tab = opened(write_report(tmp_path / "report.html", front))
    gains = {}
    for kind in ("pair", "measured"):
        tab.value(
            "[...document.querySelectorAll('#view-kinds input')].forEach(b => { "
            f"if (b.checked !== (b.value === {kind!r})) b.click(); }})"
        )
        tab.settle()
        gains[kind] = [float(row["gain"] or "nan") for row in shown_rows(tab)]
    singles = best_table_single(bench, points, DEVICE)
    expected = np.sort(100 * (points.accuracy - singles.accuracy))
    assert np.allclose(np.sort(gains["measured"]), expected, atol=0.006, equal_nan=True)
    assert np.nanmean(gains["pair"]) < np.nanmean(gains["measured"]) - 1
    assert tab.complaints == []


def test_the_keyboard_reaches_every_point(opened: Opened, table_page: Path) -> None:
    tab = opened(table_page)
    tab.value("document.getElementById('view-svg').focus()")
    chosen = "document.querySelector('#view-body [aria-selected=\"true\"]').dataset.row"
    tab.press("Home")
    first = tab.value(chosen)
    tab.press("ArrowRight")
    second = tab.value(chosen)
    assert second != first
    tab.press("ArrowLeft")
    assert tab.value(chosen) == first
    tab.value("document.querySelector('#view-body [aria-selected=\"true\"]').focus()")
    tab.press("ArrowDown")
    assert tab.value("document.activeElement.getAttribute('aria-selected')") == "true"
    assert tab.value(chosen) != first
    unnamed = tab.value(
        "[...document.querySelectorAll('button, input, select')].filter(e => !e.closest('[hidden]')"
        " && !e.textContent.trim() && !e.ariaLabel && !e.labels?.length).length"
    )
    assert unnamed == 0
    assert tab.complaints == []


def test_a_click_in_the_plot_selects_a_row(opened: Opened, table_page: Path) -> None:
    tab = opened(table_page)
    before = text(tab, "command")
    tab.value("document.getElementById('view-svg').scrollIntoView()")
    place = tab.value(
        "(() => { const mark = [...document.querySelectorAll('#view-svg circle:not([class])')]"
        ".pop().getBoundingClientRect(); return [mark.x + mark.width / 2, "
        "mark.y + mark.height / 2]; })()"
    )
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        tab.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left",
                 clickCount=1)  # fmt: skip
    tab.settle()
    assert tab.value("document.querySelector('.tip').hidden") is False
    assert text(tab, "command") != before
    assert tab.value("document.querySelectorAll('#view-body [aria-selected=\"true\"]').length") == 1
    assert tab.complaints == []


def test_plot_and_table_show_what_the_pointer_is_on(opened: Opened, table_page: Path) -> None:
    tab = opened(table_page)
    tab.value("document.getElementById('view-rows').scrollIntoView()")
    place = tab.value(
        "(() => { const box = document.querySelector('#view-body [aria-selected=\"true\"]')"
        ".getBoundingClientRect(); return [box.x + 30, box.y + box.height / 2]; })()"
    )
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
    tab.settle()
    halo = "document.querySelector('#view-svg .hovered')"
    assert tab.value(f"getComputedStyle({halo}).visibility") == "visible"
    ring = "document.querySelector('#view-svg .selected')"
    for axis in ("cx", "cy"):
        places = [float(tab.value(f"{mark}.getAttribute('{axis}')")) for mark in (halo, ring)]
        assert places[0] == pytest.approx(places[1])
    tab.value("document.getElementById('view-svg').scrollIntoView()")
    place = tab.value(
        f"(() => {{ const box = {ring}.getBoundingClientRect(); "
        "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
    )
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=place[0], y=place[1])
    tab.settle()
    hovered = tab.value("document.querySelector('#view-body .hovered')?.dataset.row")
    selected = tab.value(
        "document.querySelector('#view-body [aria-selected=\"true\"]').dataset.row"
    )
    assert hovered == selected
    assert tab.complaints == []


def test_the_download_is_a_front(opened: Opened, table_page: Path, tmp_path: Path) -> None:
    tab = opened(table_page)
    tab.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    n_pairs = tab.value(
        "[...document.querySelectorAll('#view-kinds input')].find(b => b.value === 'pair')"
        ".parentElement.querySelector('output').textContent"
    )
    tab.value("document.getElementById('view-csv').click()")
    written = tmp_path / "front.csv"
    for _ in range(200):  # the file is there before what stands in it
        if written.exists() and written.stat().st_size and not [*tmp_path.glob("*.crdownload")]:
            break
        tab.settle()
    front = read_front(tmp_path / "front.csv")
    assert f" ({len(front.points)})" == n_pairs
    assert {*front.points.provenance} >= {"accuracy", "latency_ms", "macs"}
    assert front.question.devices == {DEVICE: DEVICE}


def test_names_of_others_are_texts(opened: Opened, table_page: Path, tmp_path: Path) -> None:
    page = table_page.read_text(encoding="utf-8")
    path = tmp_path / "evil.html"
    name = EVIL.replace('"', '\\"').replace("<", "\\u003c")
    path.write_text(page.replace('"networks":["', f'"networks":["{name}'), encoding="utf-8")
    tab = opened(path)
    assert tab.value("document.images.length") == 0
    assert EVIL in tab.value("document.body.textContent")
    assert tab.complaints == []


def _validation(folder: Path) -> Path:
    errors = {"n": 2, "mape": 0.25, "within_10": 0.5, "spearman": None, "optimism": 2.5}
    latency = {"predicted": 12.5, "measured": 13.75, "provenance": "measured"}
    point = {"little": EVIL, "big": "0" * 22, "gate": "margin", "threshold": 0.25}
    point |= {"accuracy": 0.75, "escalation_rate": 0.125, "latency_ms": latency, "on_front": True}
    document = {
        **{
            "device": EVIL,
            "measured_on": "here",
            "kept": True,
            "verdict": "Kept: all.",
            "notes": [],
        },
        **{"accuracy": [], "points_measured": 1, "points_still_on_front": 1, "networks": errors},
        **{"interval": {"stated": 0.8}, "figures": {"latency_ms": errors}, "points": [point]},
        "singles": [{"architecture": EVIL, "predicted": 2.0, "measured": 2.5, "low": 1, "high": 3}],
    }
    return write_validation(folder / "validation.html", document)


def _cotrained(folder: Path) -> Path:
    words = {"accuracy": "measured", "escalation_rate": "measured", "latency_ms": "modelled"}
    test = {"little": EVIL, "big": "0" * 22, "gate": "margin", "threshold": 0.25, "accuracy": 0.75}
    test |= {"escalation_rate": 0.25, "latency_ms": 3.25, "little_accuracy": 0.7}
    test |= {"big_accuracy": 0.8, "provenance": words}
    report = {"config": {"method": "gated"}, "promised": test, "before": {"test": test}}
    return write_cotrained(folder, [{**report, "after": {"val": test, "test": test}}])


def _compared(folder: Path) -> Path:
    at, regret = np.array([50, 100]), {"nsga2": np.full((3, 2), 0.1), "random": np.ones((3, 2))}
    box = Reference(("error", "latency_ms"), np.zeros(2), np.ones(2), 0.5, 3)
    seconds = {name: np.ones(3) for name in regret}
    result = Comparison(at, regret, seconds, True, box, SearchSettings(budget=100), {})
    path = folder / "compare.html"
    path.write_text(comparison_html(result, EVIL), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("make", [_validation, _cotrained, _compared])
def test_pages_of_charts_open_in_silence(
    opened: Opened, tmp_path: Path, make: Callable[[Path], Path], width: int
) -> None:
    tab = opened(make(tmp_path), width=width)
    assert tab.value("document.documentElement.scrollWidth") <= width
    assert tab.value("document.images.length") == 0
    assert tab.value("document.querySelector('main > :first-child').className").startswith(
        "verdict"
    )
    assert tab.value("document.querySelectorAll('figure svg path').length") > 0
    tab.value("document.querySelector('figure').scrollIntoView()")
    circle = tab.value(
        "(() => { const mark = document.querySelector('figure circle').getBoundingClientRect(); "
        "return [mark.x + mark.width / 2, mark.y + mark.height / 2]; })()"
    )
    tab.call("Input.dispatchMouseEvent", type="mouseMoved", x=circle[0], y=circle[1])
    tab.settle()
    assert tab.value("document.querySelector('.tip').hidden") is False
    assert tab.complaints == []


def test_a_page_of_a_pair_draws_its_charts(
    opened: Opened, bench: Benchmark, tmp_path: Path
) -> None:
    ids = bench.architectures
    report = pair_report(bench, Pair(ids[0], ids[5]), Gate("margin", 0.4), DEVICE)
    path = write_pair_page(tmp_path / "pair.html", bench, report, str(bench.table.path))
    tab = opened(path)
    drawn = tab.value(
        "[...document.querySelectorAll('figure[data-chart] svg')].map(s => "
        "s.querySelectorAll('path, rect, circle').length)"
    )
    assert len(drawn) == 2
    assert min(drawn) > 8
    assert tab.complaints == []
