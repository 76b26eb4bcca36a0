"""The chart of a page, as SVG."""

from __future__ import annotations

from xml.etree import ElementTree

from biglittle.data_tables.evidence._chart import line_chart


def test_a_chart_has_a_line_and_a_legend_for_every_series() -> None:
    svg = line_chart({"a < b": [(5, 3.0), (40, 1.0)], "c": [(5, 2.0), (40, 0.5)]}, "n", "error (%)")
    root = ElementTree.fromstring(svg)
    lines = [e for e in root if e.tag.endswith("polyline")]
    assert len(lines) == 2
    texts = [e.text for e in root if e.tag.endswith("text")]
    assert {"a < b", "c", "5", "40", "error (%)"} <= set(texts)
    (first, last) = lines[0].get("points", "").split()
    assert float(first.split(",")[0]) < float(last.split(",")[0])
    assert float(first.split(",")[1]) < float(last.split(",")[1])  # a larger y is higher up
