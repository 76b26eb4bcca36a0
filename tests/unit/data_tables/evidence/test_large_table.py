"""The steps about large tables: a small one is measured, a large one is worked out."""

from __future__ import annotations

import pytest

from biglittle.data_tables.evidence import imagenet_plan, large_table


def test_a_small_table_is_written_opened_and_searched() -> None:
    figures = large_table.measure(networks=12, images=150, classes=300)
    assert figures["pairs"] == 12**2
    assert 0 < figures["peak_mib"] < figures["limit_mib"] == 4096
    conditions = {"cpu": "a-cpu", "cores": 1, "python": "3", "numpy": "2", "biglittle": "0"}
    text = large_table.large_text({**figures, "conditions": conditions})
    assert "12 networks, 300 classes and 150 images of val and of test each" in text


def test_the_plan_goes_with_networks_and_pixels() -> None:
    one, many = imagenet_plan.measure(networks=10), imagenet_plan.measure(networks=100)
    assert many["evaluation_core_h"] == pytest.approx(10 * one["evaluation_core_h"])
    assert many["training_h"] == one["training_h"]
    larger = imagenet_plan.measure(networks=10, size=128)
    assert larger["training_h"] == pytest.approx(4 * one["training_h"])
    assert 3.5 < larger["evaluation_core_h"] / one["evaluation_core_h"] < 4.1
    assert larger["table_mb"] == one["table_mb"]
