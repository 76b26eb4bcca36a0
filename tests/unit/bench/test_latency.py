"""What a profile says of single networks: as a sum, as listed, or as predicted, and which it is."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from biglittle.bench import get_space, load_device
from biglittle.bench.device import parse_profile
from biglittle.bench.device_document import FORMAT_2
from biglittle.bench.device_profile import DeviceProfile
from biglittle.bench.errors import DeviceError
from biglittle.bench.latency import BlockSum, Predicted
from biglittle.bench.latency_listed import Listed
from biglittle.bench.operator_features import NAMES, network_features
from biglittle.edge_profiler.anchors import anchor_networks

SPACE = get_space("fbnet")


PREDICTED = ("jetson-agx-orin-cpu", "jetson-nano", "raspberry-pi-5")


@pytest.mark.parametrize("name", PREDICTED)
def test_shipped_predictions_say_so_and_their_model_agrees_with_the_list(name: str) -> None:
    profile = load_device(name)
    assert profile.provenance["latency_ms"] == "predicted"
    assert profile.provenance.get("energy_mj") in (None, "modelled")  # None: it has no energy
    listed = sorted(profile.measured_ms)
    genomes = SPACE.parse(listed)
    assert isinstance(profile.latency, Predicted)
    model = profile.latency.terms
    latency = profile.latency_ms(SPACE, genomes)
    assert model.latency_ms(genomes) == pytest.approx(latency, abs=2e-4)
    low, high = profile.latency_interval_ms(SPACE, genomes)
    assert latency * model.low == pytest.approx(low, abs=1e-3)
    assert latency * model.high == pytest.approx(high, abs=1e-3)
    if model.power_mw is not None:
        energy = profile.network_energy_mj(SPACE, genomes)
        assert latency * model.power_mw / 1000 == pytest.approx(energy, abs=1e-3)


def test_any_network_has_a_figure_and_dearer_choices_cost_more() -> None:
    model = load_device("raspberry-pi-5").latency
    assert model.complete
    cheap, expensive = model.latency_ms(SPACE.parse(["8" * 22, "7" * 22]))
    assert 0 < cheap < expensive / 3
    rows = SPACE.sample(np.random.default_rng(0), 200)
    assert np.isfinite(model.latency_ms(rows)).all()


def test_the_nano_says_that_it_extrapolates_and_the_pi_that_its_energy_is_the_core() -> None:
    assert load_device("jetson-nano").description.startswith("EXTRAPOLATION")
    notes = " ".join(load_device("raspberry-pi-5").facts["notes"])
    assert "core rail only" in notes


def test_a_block_table_is_a_sum_and_says_so() -> None:
    profile = load_device("raspberry-pi-4")
    assert isinstance(profile.latency, BlockSum)
    rows = SPACE.sample(np.random.default_rng(0), 5)
    assert profile.latency.provenance(rows)["latency_ms"] == "block-sum"
    assert np.isnan(profile.latency.interval_ms(rows)).all()
    blocks = profile.latency.blocks()
    assert profile.latency.latency_ms(rows)[0] == pytest.approx(
        blocks.constant_ms + sum(blocks.blocks_ms[i, c] for i, c in enumerate(rows[0]))
    )


def test_a_model_of_another_space_is_refused() -> None:
    with pytest.raises(DeviceError, match="is of space 'fbnet'"):
        load_device("raspberry-pi-5").latency_ms(get_space("nb201"), np.zeros((1, 6), np.uint8))


def test_a_profile_with_a_model_covers_networks_it_does_not_list() -> None:
    profile = load_device("raspberry-pi-5")
    model = profile.latency
    assert isinstance(model, Predicted)
    genomes = SPACE.sample(np.random.default_rng(7), 20)
    assert all(a not in profile.measured_ms for a in SPACE.format(genomes))
    latency = profile.latency_ms(SPACE, genomes)
    assert np.allclose(latency, model.terms.latency_ms(genomes))
    low, high = profile.latency_interval_ms(SPACE, genomes)
    assert (low < latency).all()
    assert (latency < high).all()
    assert model.terms.power_mw is not None
    energy = profile.network_energy_mj(SPACE, genomes)
    assert np.allclose(energy, latency * model.terms.power_mw / 1000)
    listed = list(profile.measured_ms)[:5]
    assert profile.latency_ms(SPACE, SPACE.parse(listed)).tolist() == [
        profile.measured_ms[a] for a in listed
    ]


def board(n: int, **changes: Any) -> DeviceProfile:
    """A board whose latency is a sum over operators, of which n networks were measured."""
    truth = np.zeros(len(NAMES))
    for name, value in (("networks", 1.0), ("pointwise.macs", 0.1), ("depthwise.roof2", 0.2)):
        truth[NAMES.index(name)] = value
    ids = anchor_networks(SPACE, n)
    ms = network_features(SPACE, SPACE.parse(ids), 10) @ truth
    ms *= np.exp(np.random.default_rng(0).normal(0, 0.005, n))
    rows = [
        {"architecture": a, "latency_ms": float(v), "provenance": "measured"} | changes
        for a, v in zip(ids, ms, strict=True)
    ]
    document = {
        "format": FORMAT_2, "device": "my-board", "description": "a board", "soc": None,
        "space": SPACE.name, "space_hash": SPACE.hash, "n_classes": 10, "runtime": "fake 1.0",
        "precision": "fp32", "threads": 1, "batch": 1, "source": "made up", "author": None,
        "date": "2026-01-02", "tool_version": None, "networks": rows,
    }  # fmt: skip
    return parse_profile(document, "board.json")


def test_ten_measured_networks_predict_all_others_and_stand_as_they_were_measured() -> None:
    pytest.importorskip("scipy")
    profile = board(10)
    assert profile.provenance["latency_ms"] == "measured"  # of what the file holds
    others = SPACE.sample(np.random.default_rng(3), 50)
    measured = SPACE.parse(list(profile.measured_ms))
    model = profile.latency
    assert model.provenance(measured)["latency_ms"] == "measured"
    assert model.provenance(np.vstack([measured, others]))["latency_ms"] == "predicted"
    assert model.provenance()["latency_ms"] == "predicted"
    assert model.latency_ms(measured).tolist() == list(profile.measured_ms.values())
    assert np.isnan(model.interval_ms(measured)).all()  # nobody stated one of a measurement
    low, high = model.interval_ms(others)
    latency = model.latency_ms(others)
    assert (low < latency).all()
    assert (latency < high).all()
    assert model.coverage == pytest.approx(9 / 11)  # as much as ten networks can give
    blocks = model.blocks()
    assert blocks.latency_ms(others) == pytest.approx(latency)


def test_energies_of_the_measured_networks_stand_and_others_are_modelled() -> None:
    pytest.importorskip("scipy")
    profile = board(10, energy_mj=6.0)
    measured = SPACE.parse(list(profile.measured_ms))
    others = SPACE.sample(np.random.default_rng(3), 50)
    assert profile.latency.energy_mj(measured).tolist() == [6.0] * 10
    assert profile.latency.provenance(measured)["energy_mj"] == "measured"
    assert profile.latency.provenance()["energy_mj"] == "modelled"
    power = 6.0 / np.median(list(profile.measured_ms.values()))
    ratio = profile.latency.energy_mj(others) / profile.latency.latency_ms(others)
    assert np.isfinite(ratio).all()
    assert ratio == pytest.approx(np.full(50, ratio[0]))
    assert ratio[0] == pytest.approx(power, rel=0.1)


def test_four_networks_are_a_list_and_nothing_more() -> None:
    profile = board(4)
    assert isinstance(profile.latency, Listed)
    others = SPACE.sample(np.random.default_rng(3), 5)
    assert np.isnan(profile.latency.latency_ms(others)).all()
    with pytest.raises(DeviceError, match="anchors:10"):
        profile.check_complete()
    with pytest.raises(DeviceError, match="anchors:10"):
        profile.latency.blocks()
    with pytest.raises(DeviceError, match="anchors:10"):
        profile.latency.operators()


def test_cells_are_predicted_too_but_are_not_a_sum_over_layers() -> None:
    pytest.importorskip("scipy")
    cells = get_space("nb201")
    ids = anchor_networks(cells, 8)
    figures = dict(zip(ids, (cells.macs(cells.parse(ids), 10) / 1e7).tolist(), strict=True))
    profile = DeviceProfile(
        "board", "", cells.name, cells.hash, 10, "none", "none", measured_ms=figures
    )
    assert np.isfinite(profile.latency_ms(cells, cells.parse(["333333", "321032"]))).all()
    with pytest.raises(DeviceError, match="not a sum over layers"):
        profile.latency.blocks()


@pytest.mark.parametrize(
    ("low", "high", "wide"),
    [(0.51, 1.99, False), (0.49, 1.2, True), (0.9, 2.01, True), (0.78, 12.56, True)],
)
def test_an_interval_beyond_a_factor_of_two_is_warned_of(
    low: float, high: float, wide: bool
) -> None:
    model = load_device("raspberry-pi-5").latency
    assert isinstance(model, Predicted)
    terms = dataclasses.replace(model.terms, low=low, high=high, coverage=0.82)
    model = Predicted(model.listed, lambda: terms)
    assert bool(model.warning) == wide
    if wide:
        assert f"82% interval: from {low - 1:+.0%} to {high - 1:+.0%}" in model.warning
    interval = f"82% interval: from {low - 1:+.0%} to {high - 1:+.0%}"
    expected = f"of 100 networks about 82 are expected to take {low:.3g} to {high:.3g} times that"
    assert model.promise == f"Latencies are predicted; {expected} ({interval})."
    none = dataclasses.replace(terms, low=float("nan"), high=float("nan"), coverage=None)
    assert Predicted(model.listed, lambda: none).warning == ""
    assert load_device("raspberry-pi-4").latency.warning == ""
