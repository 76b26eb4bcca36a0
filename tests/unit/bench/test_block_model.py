"""The model in a predicted profile: any network of the space, predicted and never block-sum."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench import get_space, load_device
from biglittle.bench.block_model import block_model
from biglittle.bench.device import SHIPPED
from biglittle.bench.errors import DeviceError

SPACE = get_space("fbnet")
PREDICTED = ("jetson-agx-orin-cpu", "jetson-nano", "raspberry-pi-5")


@pytest.mark.parametrize("name", PREDICTED)
def test_shipped_predictions_say_so_and_their_model_agrees_with_the_list(name: str) -> None:
    profile = load_device(name)
    assert profile.provenance["latency_ms"] == "predicted"
    assert profile.provenance["energy_mj"] == "modelled"
    listed = sorted(profile.measured_ms)
    genomes = SPACE.parse(listed)
    model = block_model(profile, SPACE)
    assert model is not None
    latency = profile.latency_ms(SPACE, genomes)
    assert model.latency_ms(genomes) == pytest.approx(latency, abs=2e-4)
    for ours, theirs in zip(
        model.latency_interval_ms(genomes),
        profile.latency_interval_ms(SPACE, genomes),
        strict=True,
    ):
        assert ours == pytest.approx(theirs, abs=1e-3)
    energy = profile.network_energy_mj(SPACE, genomes)
    assert model.energy_mj(latency) == pytest.approx(energy, abs=1e-3, nan_ok=True)


def test_any_network_has_a_figure_and_dearer_choices_cost_more() -> None:
    model = block_model(load_device("raspberry-pi-5"), SPACE)
    assert model is not None
    cheap, dear = model.latency_ms(SPACE.parse(["8" * 22, "7" * 22]))
    assert 0 < cheap < dear / 3
    rows = SPACE.sample(np.random.default_rng(0), 200)
    assert np.isfinite(model.latency_ms(rows)).all()


def test_the_nano_says_that_it_extrapolates_and_the_pi_that_its_energy_is_the_core() -> None:
    assert load_device("jetson-nano").description.startswith("EXTRAPOLATION")
    notes = " ".join(load_device("raspberry-pi-5").facts["notes"])
    assert "core rail only" in notes


def test_a_profile_without_a_model_has_none() -> None:
    assert block_model(load_device("raspberry-pi-4"), SPACE) is None


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"latency_ms": {"constant": 1.0, "blocks": [[1.0]]}}, r"shape \(1, 1\)"),
        ({"latency_low_factor": 1.5}, "factors around"),
        ({"latency_ms": {}}, "incomplete"),
    ],
)
def test_a_wrong_model_is_refused(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    raw = json.loads((SHIPPED / "raspberry-pi-5.json").read_text())
    raw["model"] |= change
    (tmp_path / "wrong.json").write_text(json.dumps(raw))
    with pytest.raises(DeviceError, match=text):
        block_model(load_device(tmp_path / "wrong.json"), SPACE)


def test_a_model_of_another_space_is_refused() -> None:
    with pytest.raises(DeviceError, match="is of space 'fbnet'"):
        block_model(load_device("raspberry-pi-5"), get_space("nb201"))


def test_a_profile_with_a_model_covers_networks_it_does_not_list() -> None:
    profile = load_device("raspberry-pi-5")
    model = block_model(profile, SPACE)
    assert model is not None
    genomes = SPACE.sample(np.random.default_rng(7), 20)
    unlisted = [a not in profile.measured_ms for a in SPACE.format(genomes)]
    assert all(unlisted)
    latency = profile.latency_ms(SPACE, genomes)
    assert np.allclose(latency, model.latency_ms(genomes))
    low, high = profile.latency_interval_ms(SPACE, genomes)
    assert (low < latency).all()
    assert (latency < high).all()
    assert np.allclose(profile.network_energy_mj(SPACE, genomes), model.energy_mj(latency))
    listed = list(profile.measured_ms)[:5]
    known = profile.latency_ms(SPACE, SPACE.parse(listed))
    assert known.tolist() == [profile.measured_ms[a] for a in listed]
