"""The recovered block table against the published sums it was recovered from."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import get_space, load_device
from biglittle.data_tables.devices.make_raspberry_pi_4 import make_profile
from biglittle.data_tables.reference import read_rows

REFERENCE = Path(
    os.environ.get("BIGLITTLE_REFERENCE_DATA")
    or Path(__file__).parents[2].parent / "shared" / "data"
)
pytestmark = [
    pytest.mark.reference_data,
    pytest.mark.skipif(
        not REFERENCE.is_dir(), reason=f"published measurements are not in {REFERENCE}"
    ),
]


def test_shipped_profile_gives_back_every_published_sum() -> None:
    rows = read_rows(REFERENCE / "fbnet" / "latency_ms.csv.gz")
    space, profile = get_space("fbnet"), load_device("raspberry-pi-4")
    published = np.array([float(r["raspi4"]) for r in rows])
    ours = profile.latency_ms(space, space.parse([r["arch"] for r in rows]))
    assert np.abs(ours - published).max() < 1e-5


def test_the_shipped_profile_is_what_its_script_makes() -> None:
    made = make_profile(REFERENCE)
    profile = load_device("raspberry-pi-4")
    assert profile.block_ms is not None
    assert np.allclose(profile.block_ms, made["block_table"]["latency_ms"], atol=1e-6)  # type: ignore[index]
    assert profile.load_power_mw == made["load_power"]["power_mw"]  # type: ignore[index]
