"""What the pages of device figures are made with."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from biglittle.bench import shipped_devices
from biglittle.bench.errors import SurrogateError
from biglittle.bench.operator_features import NAMES
from biglittle.bench.operator_model import PRIORS as FILE
from biglittle.bench.operator_model import load_priors
from biglittle.data_tables.evidence import few_anchors
from biglittle.data_tables.evidence import profiler as profiler_figures
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


def test_priors_are_no_device_and_fit_the_features() -> None:
    priors = load_priors()
    assert priors.shape == (20, len(NAMES))
    assert (priors >= 0).all()
    assert np.isfinite(priors).all()
    assert "operators" not in shipped_devices()
    assert "raspi4" not in json.loads(FILE.read_text())["devices"]


def test_priors_of_other_features_are_refused(tmp_path: Path) -> None:
    document = json.loads(FILE.read_text())
    document["names"][0] = "nets"
    path = tmp_path / "operators.json"
    path.write_text(json.dumps(document))
    with pytest.raises(SurrogateError, match="few_anchors"):
        load_priors(path)


def test_no_near_relative_tells_about_a_device() -> None:
    assert few_anchors.kin("titanx_64") == few_anchors.kin("1080ti_1")
    assert few_anchors.kin("titan_rtx_1") != few_anchors.kin("titanx_1")
    assert few_anchors.kin("gold_6240") == few_anchors.kin("silver_4114")
    assert few_anchors.kind("samsung_s7") == "phone"


def test_what_the_profiler_needs_is_added_up_from_what_is_installed() -> None:
    sizes = profiler_figures.installed_mib(("numpy", "no-such-package"))
    assert set(sizes) == {"numpy"}
    assert 10 < sizes["numpy"][0] < 200


def test_figures_of_a_busy_machine_say_so_on_the_page() -> None:
    found = {
        "device": "here", "runtime": "ort", "load_average": 3.0, "repeats": 5, "import_s": 0.2,
        "networks": [
            {"ratio_range": 0.004, "raw_range": 0.2}, {"ratio_range": 0.006, "raw_range": 0.1},
        ],
        "installed_mib": {"numpy": (55.0, 13.0), "onnx": (22.0, 3.0)},
        "anchors": 40, "anchors_s": 61.0, "failed": 0, "null_network_us": 5.0,
    }  # fmt: skip
    text = profiler_figures.page(found)
    assert "within 0.60 %" in text
    assert "a stopwatch alone within 20.0 %" in text
    assert "77 MiB" in text
    assert "40 anchors take 61 s" in text
    assert "busy machine" in text
    assert "busy" not in profiler_figures.page({**found, "load_average": 0.1})
