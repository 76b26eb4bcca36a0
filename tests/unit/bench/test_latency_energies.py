"""Block tables with an energy for every block."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from biglittle.bench.device import SHIPPED, parse_profile
from biglittle.bench.errors import DeviceError
from biglittle.bench.spaces import get_space

FBNET = get_space("fbnet")


def document(**of_table: Any) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads((SHIPPED / "raspberry-pi-4.json").read_text())
    raw.pop("load_power", None)
    shape = FBNET.n_layers, len(FBNET.choices)
    energies = {"constant_mj": 2.0, "energy_mj": np.ones(shape).tolist()}
    raw["block_table"] |= {"energies": energies, **of_table}
    return raw


def test_energies_of_blocks_are_added_up() -> None:
    profile = parse_profile(document(), "mine")
    genomes = FBNET.sample(np.random.default_rng(0), 3)
    assert profile.latency.energy_mj(genomes).tolist() == [2.0 + FBNET.n_layers] * 3
    assert profile.provenance == {"latency_ms": "block-sum", "energy_mj": "modelled"}


def test_the_word_of_a_table_is_that_of_its_sums() -> None:
    profile = parse_profile(document(provenance="modelled"), "mine")
    assert profile.latency.provenance()["latency_ms"] == "modelled"


def test_exits_have_a_figure_where_their_heads_do() -> None:
    name = FBNET.exits[0].name
    energies = document()["block_table"]["energies"] | {"start_mj": 0.5, "heads_mj": {name: 3.0}}
    profile = parse_profile(document(energies=energies), "mine")
    genomes = FBNET.sample(np.random.default_rng(0), 2)
    got = profile.latency.energy_mj(genomes, np.array([1, 2]))
    assert got[0] == 0.5 + 3.0 + FBNET.exit_after[1] + 1
    assert np.isnan(got[1])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"energies": {"constant_mj": 1, "energy_mj": [[1.0]]}}, "shape"),
        ({"energies": {"constant_mj": -1, "energy_mj": [[1.0]]}}, "constant_mj"),
        ({"provenance": "measured"}, "provenance"),
    ],
)
def test_tables_that_cannot_be(change: dict[str, Any], says: str) -> None:
    with pytest.raises(DeviceError, match=says):
        parse_profile(document(**change), "mine")


def test_a_power_beside_energies_is_refused() -> None:
    raw = document() | {"load_power": {"power_mw": 5, "source": "here"}}
    with pytest.raises(DeviceError, match="expected one of them"):
        parse_profile(raw, "mine")
