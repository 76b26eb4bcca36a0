"""Plots: what is drawn, what the axes say, and what cannot be drawn."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from biglittle.bench import Benchmark, BigLittleError, Pair
from biglittle.bench.errors import MissingExtraError, UnknownNameError
from biglittle.bench.synthetic import DEVICE

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def _no_window() -> None:
    matplotlib.use("Agg")


def test_a_curve_is_a_line_with_units_and_provenance(bench: Benchmark, pair: Pair) -> None:
    curve = bench.curve(pair, "margin", DEVICE)
    ax = curve.plot(label="a pair")
    (line,) = ax.lines
    assert line.get_linestyle() == "-"
    assert sorted(line.get_xdata()) == sorted(curve.latency_ms)
    assert line.get_label() == "a pair"
    assert ax.get_xlabel() == f"mean latency (ms), {DEVICE}, simulated"
    assert ax.get_ylabel() == "accuracy, test, measured"


def test_fronts_and_networks_are_points_in_the_axes_that_are_given(bench: Benchmark) -> None:
    networks = bench.networks()
    ax = networks.plot(f"{DEVICE}.latency_ms", "accuracy_test")
    assert ax.get_xlabel().startswith(f"mean latency (ms), {DEVICE}, ")
    assert ax.get_ylabel() == "accuracy, test, measured"
    assert bench.front(DEVICE).plot(ax=ax, color="black") is ax
    assert [line.get_linestyle() for line in ax.lines] == ["None", "None"]
    assert ax.lines[1].get_color() == "black"


def test_axes_say_the_provenance_of_all_that_is_drawn(bench: Benchmark) -> None:
    shipped = Benchmark.load("fbnet-cifar10")
    ax = shipped.networks(["raspberry-pi-4"]).plot("raspberry-pi-4.latency_ms", "accuracy_test")
    assert ax.get_xlabel() == "mean latency (ms), raspberry-pi-4, block-sum or predicted"
    given = Benchmark.from_answers({"a": np.eye(2)[[0, 1] * 4]}, [0, 1] * 4, costs={"a": 1.0})
    given.networks().plot("given.latency_ms", "accuracy_test", ax=ax)
    expected = "mean latency (ms), raspberry-pi-4, given, block-sum or predicted"
    assert {*ax.get_xlabel().replace(" or ", ", ").split(", ")} == {
        *expected.replace(" or ", ", ").split(", ")
    }
    assert ax.get_ylabel() == "accuracy, test, measured or given"
    bench.networks().plot("macs", ax=ax, y="accuracy_val")
    assert ax.get_xlabel() == "mean MACs (M), modelled"
    assert ax.get_ylabel() == "accuracy, test, val, measured or given"


def test_macs_are_drawn_in_millions(bench: Benchmark) -> None:
    ax = bench.networks().plot("macs", "accuracy_val")
    assert ax.get_xlabel() == "mean MACs (M), modelled"
    assert ax.get_ylabel() == "accuracy, val, measured"
    assert np.sort(ax.lines[0].get_xdata()) == pytest.approx(np.sort(bench.table.macs / 1e6))


@pytest.mark.parametrize("name", ["calibration_error_test", "threshold"])
def test_any_column_of_numbers_can_be_drawn(bench: Benchmark, pair: Pair, name: str) -> None:
    what = bench.networks() if "test" in name else bench.curve(pair, "margin", DEVICE)
    assert what.plot(name, "macs").get_xlabel().startswith(name)


def test_what_cannot_be_drawn_is_said(bench: Benchmark, pair: Pair) -> None:
    front = bench.front(DEVICE)
    with pytest.raises(UnknownNameError, match=r"column 'latency'.*Did you mean 'latency_ms'"):
        front.plot("latency")
    with pytest.raises(BigLittleError, match=r"'gate' is not a column of numbers.*latency_ms"):
        front.plot("gate")
    given = Benchmark.from_answers({"a": np.eye(2)[[0, 1] * 4]}, [0, 1] * 4)
    with pytest.raises(BigLittleError, match=r"'given\.latency_ms' has no figure in any row"):
        given.networks().plot("given.latency_ms", "accuracy_test")


def test_without_matplotlib_the_pip_line_is_given(
    bench: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*'\.\[frames\]'"):
        bench.front(DEVICE).plot()
