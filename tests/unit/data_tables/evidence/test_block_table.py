"""What the page says of a table of blocks follows from its figures."""

from __future__ import annotations

import json

import pytest

from biglittle.bench import get_space
from biglittle.bench.device_profile import DeviceProfile
from biglittle.data_tables.evidence import _page, block_table

FIGURES = json.loads((_page.FIGURES / "block_table.json").read_text(encoding="utf-8"))
SPACE = get_space("fbnet")


def test_the_page_names_load_errors_and_what_it_stands_beside() -> None:
    text = block_table.page(FIGURES)
    assert f"Load {FIGURES['load_average']:.1f} when it began" in text
    sums = FIGURES["sums"]
    row = next(line for line in text.splitlines() if "corrected (block-sum)" in line)
    assert f"| {100 * sums['median_error']:.1f} % |" in row
    assert row.endswith(f"| {sums['spearman']:.3f} |")
    assert f"{FIGURES['seconds'] / 60:.1f} minutes" in text
    assert "0.63 ms for 78.9 %" in text
    without = block_table.page(FIGURES | {"sums_of_exits": sums | {"spearman": None}})
    assert "| - |" in without


def test_errors_are_those_of_networks_that_were_measured() -> None:
    ids = ["0" * 22, "8" * 22, "3" * 22]
    said = DeviceProfile(
        *("mine", "", SPACE.name, SPACE.hash, 10, "none", "none"),
        measured_ms=dict(zip(ids, (1.0, 2.0, 3.0), strict=True)),
    )
    took = dict(zip(ids, (1.0, 4.0, None), strict=True))
    entries = {a: {"latency_ms": ms} for a, ms in took.items()}
    errors = block_table._errors(said, ids, entries)
    assert errors["networks"] == 2
    assert errors["median_error"] == pytest.approx(0.25)
    assert errors["mean_bias"] == pytest.approx(-0.25)
    assert errors["max_error"] == pytest.approx(0.5)
    assert (errors["latency_ms_min"], errors["latency_ms_max"]) == (1.0, 4.0)
