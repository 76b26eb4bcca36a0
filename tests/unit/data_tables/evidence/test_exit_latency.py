"""What is said of exits on a block table: the splits add up, and the ranges hold what is told."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space, load_device
from biglittle.data_tables.evidence import _page, exit_latency

SPACE = get_space("fbnet")
FIGURES = _page.load("exit_latency")


def test_the_kept_figures_are_of_the_profile_that_ships() -> None:
    pytest.importorskip("scipy")
    assert FIGURES is not None
    model = load_device(exit_latency.DEVICE).latency
    assert FIGURES["constant_ms"] == pytest.approx(model.blocks().constant_ms)
    genome = SPACE.parse(FIGURES["architecture"])
    for name, exit_figures in FIGURES["exits"].items():
        whole = model.latency_ms(genome, SPACE.exit_numbers([name]))
        assert exit_figures["latency_ms"] == pytest.approx(float(whole[0]), rel=1e-2)


def test_every_split_adds_up_and_lies_in_the_range_that_is_told() -> None:
    assert FIGURES is not None
    for name, split in FIGURES["splits"].items():
        ends = [split[n] for n in ("start_ms", "layers_ms", "head_ms")]
        total = split.get("sum_ms", FIGURES["constant_ms"])
        assert sum(ends) == pytest.approx(total), name
        if "sum_ms" not in split:
            for n, end in zip(("start_ms", "layers_ms", "head_ms"), ends, strict=True):
                low, high = FIGURES["range"][n]
                assert low <= end <= high
    for exit_figures in FIGURES["exits"].values():
        low, high = exit_figures["latency_low_ms"], exit_figures["latency_high_ms"]
        assert low < exit_figures["latency_ms"] < high < 2 * FIGURES["whole_ms"]
        own_low, own_high = exit_figures["interval_ms"]
        assert own_low < exit_figures["latency_ms"] < own_high
        assert own_high - own_low > 1.5  # what the constant does not explain alone is 1.8 ms
    page = exit_latency.page(FIGURES)
    assert all(f"| @{name} |" in page for name in exit_latency.EXITS)


def test_blocks_of_a_device_that_a_sum_over_operators_describes_are_predicted() -> None:
    pytest.importorskip("scipy")
    model = load_device("raspberry-pi-5").latency
    own = exit_latency.relative_to_last(model.blocks())
    rows = SPACE.sample(np.random.default_rng(0), 5)
    assert own.latency_ms(rows) == pytest.approx(model.blocks().latency_ms(rows))
    truth = np.abs(own.blocks_ms) + 1e-3
    errors = exit_latency.block_errors(SPACE, truth)
    assert errors["layer"]["groups"] == SPACE.n_layers
    assert errors["shape"]["groups"] < SPACE.n_layers
    assert all(0 <= e["median"] <= e["within_90_percent"] for e in errors.values())
