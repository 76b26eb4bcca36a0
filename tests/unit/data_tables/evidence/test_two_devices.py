"""What a second board is worth, as the page says it."""

from __future__ import annotations

import json

from biglittle.data_tables.evidence import _page, two_devices

FIGURES = json.loads((_page.FIGURES / "two_devices.json").read_text(encoding="utf-8"))


def test_the_page_has_a_row_for_every_way_and_says_what_is_modelled() -> None:
    text = two_devices.page(FIGURES)
    assert "All modelled" in text
    for name in two_devices.WAYS:
        assert f"| {name} | {FIGURES['ways'][name]['points']} |" in text


def test_features_are_sent_for_pairs_that_share_a_trunk_alone() -> None:
    ways = FIGURES["ways"]
    assert ways["in turn, features sent"]["points"] < FIGURES["points"]
    assert ways["at once"]["points"] == ways["in turn, input sent"]["points"] == FIGURES["points"]
    # Both at once are never later than in turn, and never take less energy.
    for cost in ("latency_ms", "latency_worst_ms"):
        once, turn = ways["at once"][cost], ways["in turn, input sent"][cost]
        assert all(a <= b for a, b in zip(once, turn, strict=True))
