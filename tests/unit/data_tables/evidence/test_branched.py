"""The search for networks of two branches, and what the page says of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

pytest.importorskip("scipy")

from biglittle.bench import get_space
from biglittle.bench.branched_costs import BranchedOnPlatform
from biglittle.data_tables.evidence import _page, branched

FIGURES = json.loads((_page.FIGURES / "branched.json").read_text(encoding="utf-8"))


def test_a_search_gives_what_nothing_it_saw_beats() -> None:
    space = get_space("branched")
    costs = BranchedOnPlatform(branched.platform_of(*branched.LINKS[0]), space, 10)
    genomes, values = branched.searched(costs, generations=2, seed=0)
    assert len(genomes) == len(values) > 3
    for genome, value in zip(genomes, values, strict=True):
        cost = costs.cost(space.format(genome)[0])
        assert value[0] == cost.latency_ms
        assert value[1] == -space.macs(genome, 10)[0]
        beaten = (values <= value).all(axis=1) & (values < value).any(axis=1)
        assert not beaten.any()
    again, _ = branched.searched(costs, generations=2, seed=0)
    assert np.array_equal(genomes, again)


def test_the_page_names_the_trade_off_and_its_price() -> None:
    text = branched.page(FIGURES)
    assert "energy of one board" in text
    assert "All modelled" in text
    assert text.count("`mobilenet-v2`") == len(branched.LINKS)
    rows = [row for link in FIGURES["links"] for row in link["bases"]]
    for row in rows:
        assert row["branched"]["latency_ms"] <= row["base"]["latency_ms"]
        assert row["branched"]["energy_mj"] > row["branched"]["base_alone_mj"]
