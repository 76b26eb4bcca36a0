"""A pair explained: in the terminal, and where there is little to draw."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from rich.console import Console

from biglittle.bench import Benchmark, Gate, OperatingPoint, Pair, Table
from biglittle.bench.diagnostics import diagnose
from biglittle.bench.figures import FIGURES
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers.pair_report import (
    PairReport,
    class_rows,
    pair_report,
    print_pair,
    text_plot,
)

CLASSES = (*"abcdefghi", "<script>alert(1)</script>")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(), "1", "2026-01-01")
    return Table(path)


def _report(table: Table, little: int, big: int, cut: int = 80, gate: str = "margin") -> PairReport:
    diagnostics = diagnose(table, little, big, gate, cut)
    ids, costs = table.networks["architecture"], ("latency_ms", "latency_p95_ms")
    point = OperatingPoint(
        little=str(ids[little]),
        big=str(ids[big]),
        gate=gate,
        threshold=float(diagnostics.threshold[0]),
        accuracy=float(diagnostics.accuracy[0]),
        escalation_rate=float(diagnostics.escalation_rate[0]),
        latency_ms=12.5,
        latency_p95_ms=20.0,
        latency_worst_ms=20.0,
        energy_mj=None,
        macs=float(diagnostics.macs[0]),
        params=5e5,
        peak_memory_mib=3.0,
        provenance={
            "accuracy": "measured",
            "escalation_rate": "measured",
            **dict.fromkeys(costs, "block-sum"),
            **dict.fromkeys(("energy_mj", "macs", "peak_memory_mib"), "modelled"),
        },
    )
    curve = diagnose(table, little, big, gate, np.arange(257))
    return PairReport(point, "some-board", diagnostics, curve, CLASSES)


def _printed(report: PairReport, width: int = 100) -> str:
    text = io.StringIO()
    print_pair(report, Console(file=text, width=width))
    return text.getvalue()


def test_every_figure_has_its_provenance(table: Table) -> None:
    text = _printed(_report(table, 0, 5))
    for line in text.splitlines():
        if re.match(r" (accuracy|escalated,|kept|little alone|this gate)", line):
            assert "measured" in line
        if re.match(r" (random|oracle|worst-case|mean MACs)", line):
            assert "modelled" in line
        if re.match(r" (mean|p95) latency", line):
            assert "block-sum" in line
    (energy,) = [line for line in text.splitlines() if line.startswith(" mean energy")]
    assert energy.split() == ["mean", "energy", "not", "available"]  # and no word for it
    point = _report(table, 0, 5).point
    assert f"{FIGURES['params'].text(point.params)} M" in text  # as every table shows it
    assert text.count("modelled") >= 8
    assert "…" not in text  # nothing cut short


@pytest.mark.parametrize(("little", "big"), [(0, 5), (5, 0), (3, 3), (1, 9)])
@pytest.mark.parametrize("cut", [0, 80, 256])
def test_the_plot_is_at_most_72_plain_columns(
    table: Table, little: int, big: int, cut: int
) -> None:
    lines = text_plot(_report(table, little, big, cut))
    assert max(map(len, lines)) <= 72
    assert "\n".join(lines).isascii()
    assert "\n".join(lines).count("@") == 2  # the point and the legend


def test_the_plot_puts_the_ends_where_they_are(table: Table) -> None:
    report = _report(table, 0, 5)
    lines = [line for line in text_plot(report) if "|" in line]
    marks = [line.split("|", 1)[1].ljust(64) for line in lines]
    high, low = (float(lines[k].split("|")[0]) for k in (0, -1))
    for column, accuracy in (
        (0, report.diagnostics.little_accuracy[0]),
        (63, report.diagnostics.big_accuracy[0]),
    ):
        row = round((high - 100 * accuracy) / (high - low) * (len(lines) - 1))
        assert marks[row][column] == "*"
    scale = next(line for line in text_plot(report) if line.endswith("100"))
    assert (scale.index("0"), len(scale)) == (8, 72)


def test_classes_without_images_are_not_nought(table: Table) -> None:
    report = _report(table, 0, 5)
    report.diagnostics.class_accuracy[0, 2] = np.nan
    assert class_rows(report)[2][:2] == ("c", "-")


@pytest.mark.parametrize("gate", ["margin", "per_class"])
def test_a_report_of_a_table_agrees_with_its_operating_point(gate: str) -> None:
    bench, pair = Benchmark.load("fbnet-cifar10"), Pair("8" * 22, "0" * 22)
    report = pair_report(bench, pair, Gate(gate, 0.42), "raspberry-pi-4", "val")
    assert report.point == bench.query(pair, Gate(gate, 0.42), "raspberry-pi-4", "val")
    assert report.diagnostics.accuracy[0] == report.point.accuracy
    assert report.diagnostics.split == "val"
    assert len(report.curve.accuracy) == 257
    assert "airplane" in report.classes
    assert (report.class_thresholds is None) == (gate == "margin")


def test_a_narrow_terminal_cuts_no_word(table: Table) -> None:
    report = _report(table, 0, 5)
    text = _printed(report, 80)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert "AURC: little's mean error, the surest answers first" in text
    (line,) = [x for x in text.splitlines() if "calibration error of the gate" in x]
    assert "not a probability" in line
    assert not any(word in line for word in ("measured", "modelled"))  # there is no figure
    record = report.diagnostics.record(0)
    assert record["gate_calibration_error"] is None
    assert "gate_calibration_error" not in record["provenance"]
    assert record["provenance"]["class_accuracy"] == "measured"
