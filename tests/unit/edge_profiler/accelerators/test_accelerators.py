"""Accelerators: their files, what is spread over them, and what the analytic model says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench.device import parse_profile
from biglittle.bench.errors import AcceleratorError, BigLittleError, UnknownNameError
from biglittle.bench.operators import Operator
from biglittle.bench.spaces import get_space
from biglittle.edge_profiler.accelerators import (
    Parameters,
    accelerators,
    from_parameters,
    load_accelerator,
    parse_accelerator,
)
from biglittle.edge_profiler.accelerators.analytic import analytic_costs, grid_costs
from biglittle.edge_profiler.accelerators.mapping import layers_of, loops_of, spread
from biglittle.edge_profiler.accelerators.profile import accelerator_profile
from biglittle.edge_profiler.accelerators.table import (
    layer_costs,
    layer_key,
    read_layers,
    write_layers,
    zigzag_name,
)
from biglittle.edge_profiler.block_graphs import distinct_blocks

FBNET = get_space("fbnet")
SMALL = Parameters("small", 16, 16, 64, 128, 64)
NUMBERS = """name = "mine"
rows = 16
columns = 16
weight_buffer_kib = 64
activation_buffer_kib = 128
bandwidth_bits = 64
"""


def fbnet_layers() -> list[Operator]:
    blocks = distinct_blocks(FBNET, 10)
    return list(dict.fromkeys(op for b in blocks for op in layers_of(b.operators)))


@pytest.mark.parametrize("name", accelerators())
def test_those_that_ship_are_read_and_run_every_layer(name: str) -> None:
    accelerator = load_accelerator(name)
    layers = fbnet_layers()
    cycles, energy_pj = analytic_costs(accelerator, layers)
    macs = np.array([op.macs for op in layers])
    assert (cycles >= macs / accelerator.units).all()
    assert (energy_pj > macs * accelerator.mac_pj).all()
    # Every weight comes from outside of the chip once at least.
    weights = np.array([op.macs // (op.out_height * op.out_width) for op in layers])
    assert (cycles >= weights * accelerator.weight_bits / accelerator.bandwidth_bits * 0.99).all()


def test_a_layer_by_hand() -> None:
    # One step of the array; 16 inputs, 256 weights and 16 outputs of 8 bits at 64 a cycle are 36.
    cycles, energy_pj = analytic_costs(from_parameters(SMALL), [Operator("linear", 16, 16, 1, 1)])
    assert cycles[0] == pytest.approx(36)
    outside = (16 + 256 + 16) * 8 * 1300 / 64
    assert outside < energy_pj[0] < 1.2 * outside


def test_cycles_of_the_array_fall_with_the_product_of_the_bits() -> None:
    layer = Operator("conv", 64, 64, 32, 32)
    wide = {"weight_buffer_kib": 4096, "activation_buffer_kib": 4096, "bandwidth_bits": 65536}
    cycles = {
        bits: analytic_costs(
            from_parameters(
                Parameters("a", 8, 8, **wide, weight_bits=bits, activation_bits=bits)  # type: ignore[arg-type]
            ),
            [layer],
        )[0][0]
        for bits in (4, 8, 16)
    }
    assert cycles[8] / cycles[4] == pytest.approx(4, rel=0.1)
    assert cycles[16] / cycles[8] == pytest.approx(4, rel=0.1)


def test_a_wider_way_outside_is_never_slower() -> None:
    layers = fbnet_layers()
    narrow, wide = (from_parameters(Parameters("a", 16, 16, 64, 128, bits)) for bits in (32, 256))
    before, after = (analytic_costs(a, layers) for a in (narrow, wide))
    # The best product of energy and cycles stands, so that cycles alone may rise a little.
    assert (after[0] * after[1] <= before[0] * before[1] * (1 + 1e-9)).all()
    assert after[0].sum() < before[0].sum()


def test_loops_are_spread_evenly_and_within_the_array() -> None:
    accelerator = from_parameters(SMALL)
    assert spread(accelerator, loops_of(Operator("conv", 24, 72, 8, 8)))[0] == {"C": 12}
    depthwise = loops_of(Operator("conv", 32, 32, 8, 8, kernel=3, groups=32))
    assert spread(accelerator, depthwise) == ({"FY": 3, "FX": 3}, {"G": 16})
    for op in fbnet_layers():
        for side, units in zip(spread(accelerator, loops_of(op)), accelerator.sides, strict=True):
            assert np.prod(list(side.values()), dtype=int) <= units


def test_narrow_windows_with_a_step_read_what_they_need() -> None:
    accelerator = from_parameters(SMALL)
    skipping, whole = Operator("conv", 24, 32, 32, 32, stride=2), Operator("conv", 24, 32, 16, 16)
    both = np.array(analytic_costs(accelerator, [skipping, whole]))
    assert both[:, 0].tolist() == both[:, 1].tolist()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (NUMBERS + "speed = 3\n", "speed"),
        (NUMBERS.replace("rows = 16", "rows = 0"), "rows"),
        (NUMBERS.replace("bandwidth_bits = 64", "bandwidth_bits = -64"), "bandwidth_bits"),
        (NUMBERS.replace("rows = 16\n", ""), "rows"),
        (NUMBERS + "weight_bits = 5\n", "weight_bits"),
        (NUMBERS.replace("rows = 16", "rows = 15") + "activation_bits = 16\n", "even number"),
        (NUMBERS.replace("rows = 16", "rows = [16"), "TOML"),
    ],
)
def test_numbers_that_make_no_accelerator(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(AcceleratorError, match=says):
        load_accelerator(path)


def changed(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = dict(load_accelerator("mcu-array").document)
    return {**document, **changes}


def array(**changes: Any) -> dict[str, Any]:
    return {**load_accelerator("mcu-array").document["operational_array"], **changes}


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (changed(voltage=1), "voltage"),
        (changed(operational_array=array(sizes=[0, 8])), "sizes"),
        (changed(operational_array=array(dimensions=["D2", "D1"])), "D1, D2"),
        (changed(operational_array=array(adc_resolution=3)), "adc_resolution"),
        (changed(memories={}), "memories"),
        (changed(dataflows={"D1": ["Q, 3"], "D2": []}), "dataflows"),
        ([], "expected"),
    ],
)
def test_documents_that_are_no_accelerator(document: Any, says: str) -> None:
    with pytest.raises(AcceleratorError, match=says):
        parse_accelerator(document, "mine.yaml")


def test_memories_that_do_not_reach_the_array() -> None:
    memories = dict(changed()["memories"])
    del memories["weight_registers"], memories["weight_buffer"]
    with pytest.raises(AcceleratorError, match="no memory on the chip that holds I2"):
        parse_accelerator(changed(memories=memories), "mine.yaml")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'eyeriss-like'"):
        load_accelerator("eyeris-like")
    with pytest.raises(AcceleratorError, match="cannot be read"):
        load_accelerator(tmp_path / "none.yaml")
    bomb = tmp_path / "bomb.yaml"
    bomb.write_text("a: &a [1, 1]\nb: [*a, *a]\n")
    with pytest.raises(AcceleratorError, match="references"):
        load_accelerator(bomb)
    tagged = tmp_path / "tagged.yaml"
    tagged.write_text("!!python/object/apply:os.getcwd []\n")
    with pytest.raises(AcceleratorError, match="not YAML"):
        load_accelerator(tagged)


def test_a_profile_is_a_sum_of_modelled_blocks_with_energies() -> None:
    raw = accelerator_profile(from_parameters(SMALL), FBNET, 10)
    profile = parse_profile(raw, "mine")
    assert profile.provenance == {"latency_ms": "modelled", "energy_mj": "modelled"}
    genomes = FBNET.sample(np.random.default_rng(0), 20)
    exits = np.arange(20) % (len(FBNET.exits) + 1)
    whole = profile.latency.latency_and_energy(genomes)
    cut = profile.latency.latency_and_energy(genomes, exits)
    table = raw["block_table"]
    for i, genome in enumerate(genomes):
        rows = table["latency_ms"], table["energies"]["energy_mj"]
        sums = [sum(row[c] for row, c in zip(r, genome, strict=True)) for r in rows]
        assert whole[0][i] == pytest.approx(table["constant_ms"] + sums[0])
        assert whole[1][i] == pytest.approx(table["energies"]["constant_mj"] + sums[1])
    assert np.isfinite(cut).all()
    assert cut[1][exits == 0] == pytest.approx(whole[1][exits == 0])
    assert (profile.latency.energy_mj(genomes[:1], np.array([1])) < whole[1][:1]).all()


def test_a_faster_clock_changes_time_and_not_energy() -> None:
    slow, fast = (accelerator_profile(from_parameters(SMALL), FBNET, 10, mhz) for mhz in (100, 400))
    assert slow["block_table"]["constant_ms"] == pytest.approx(
        4 * fast["block_table"]["constant_ms"], rel=1e-4
    )
    assert slow["block_table"]["energies"] == fast["block_table"]["energies"]


def test_blocks_that_do_not_fit_are_marked_and_their_networks_have_no_figure() -> None:
    # Half of the buffer holds 144 inputs at once, for windows of 3 by 3, but not the 240 of 5 by 5.
    tight = Parameters("tight", 16, 16, 64, 0.4, 64)
    raw = accelerator_profile(from_parameters(tight), FBNET, 10)
    lacking = {b["block"] for b in raw["blocks"] if b["latency_ms"] is None}
    assert lacking
    assert any("do not fit" in note for note in raw["notes"])
    profile = parse_profile(raw, "tight")
    assert "no figure" in profile.latency.warning
    layer, choice = next(iter(lacking)).split(".")
    genome = np.full((1, FBNET.n_layers), len(FBNET.choices) - 1, np.uint8)
    genome[0, int(layer)] = FBNET.choices.index(choice)
    assert np.isnan(profile.latency.latency_and_energy(genome)).all()


def test_an_accelerator_that_no_network_fits() -> None:
    with pytest.raises(AcceleratorError, match="larger buffers"):
        accelerator_profile(from_parameters(Parameters("none", 64, 64, 0.01, 0.01, 64)), FBNET, 10)


def test_kept_tables_are_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator, calls = from_parameters(SMALL), []
    module = "biglittle.edge_profiler.accelerators.table.zigzag_costs"

    def costs(_: Any, operator: Operator) -> tuple[float, float]:
        calls.append(operator)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return float(operator.macs), 2.0

    monkeypatch.setattr(module, costs)
    layers = fbnet_layers()[:4]
    with pytest.raises(KeyboardInterrupt):
        layer_costs(accelerator, layers, "zigzag", tmp_path)
    done = layer_costs(accelerator, layers, "zigzag", tmp_path)
    assert len(calls) == 5
    assert done[layers[0]] == (layers[0].macs, 2.0)
    (path,) = tmp_path.iterdir()
    assert read_layers(path).model == zigzag_name()
    path.write_text("{}")
    with pytest.raises(AcceleratorError, match="computed anew"):
        layer_costs(accelerator, layers, "zigzag", tmp_path)


def test_what_zigzag_gave_for_those_that_ship_needs_no_zigzag(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("biglittle.edge_profiler.accelerators.table.zigzag_costs", None)
    raw = accelerator_profile(load_accelerator("mcu-array"), FBNET, 10, model="zigzag")
    assert raw["runtime"].startswith("zigzag-dse 3")
    assert parse_profile(raw, "mcu").provenance["latency_ms"] == "modelled"


def test_tables_keep_layers_that_do_not_fit(tmp_path: Path) -> None:
    path, layer = tmp_path / "a.json", fbnet_layers()[0]
    write_layers(path, from_parameters(SMALL), {layer_key(layer): None}, "a model")
    assert read_layers(path).layers == {layer_key(layer): None}


def test_an_unknown_model() -> None:
    with pytest.raises(AcceleratorError, match="expected analytic or zigzag"):
        layer_costs(from_parameters(SMALL), fbnet_layers(), "timeloop")


def test_zigzag_agrees_live_where_it_is_installed() -> None:
    pytest.importorskip("zigzag")
    layer = Operator("linear", 64, 64, 1, 1)
    accelerator = from_parameters(SMALL)
    (live,) = layer_costs(accelerator, [layer], "zigzag").values()
    (ours,) = layer_costs(accelerator, [layer]).values()
    assert live is not None
    assert ours == pytest.approx(live, rel=0.5)


def test_without_zigzag_the_pip_line_is_given() -> None:
    try:
        import zigzag  # noqa: F401
    except ImportError:
        with pytest.raises(BigLittleError, match=r"\[accelerator\]"):
            layer_costs(from_parameters(SMALL), fbnet_layers()[:1], "zigzag")
    else:
        pytest.skip("zigzag is installed")


#: Cycles and pJ of all distinct layers on 16 x 8 units with 32 and 64 KiB and 64 bits outside.
TOTALS = {
    "weight-stationary": (1619347.0, 2001218085.9984848),
    "output-stationary": (1538728.625, 1873060564.26619),
    "row-stationary": (1535218.625, 1873085305.1989741),
}


@pytest.mark.parametrize("dataflow", TOTALS)
def test_what_all_layers_cost_stays_what_it_was(dataflow: str) -> None:
    numbers: Any = {"dataflow": dataflow}
    accelerator = from_parameters(Parameters("a", 16, 8, 32, 64, 64, **numbers))
    totals = [column.sum() for column in analytic_costs(accelerator, fbnet_layers())]
    assert totals == pytest.approx(TOTALS[dataflow], rel=1e-12)


@pytest.mark.parametrize("at_once", [1, 700, 10**9])
def test_layers_and_accelerators_together_cost_what_each_does_alone(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr("biglittle.edge_profiler.accelerators.analytic.AT_ONCE", at_once)
    large = Operator("conv", 4096, 4096, 7, 7, kernel=3)  # does not fit where buffers are small
    layers = [*fbnet_layers()[::9], large, fbnet_layers()[0]]
    # Two sizes of each memory, one accelerator twice, and one that differs in its way outside.
    numbers = [(w, a, 64) for w in (0.0625, 64) for a in (0.0625, 128)]
    numbers += [numbers[3], (64, 128, 256)]
    alike = [from_parameters(Parameters("a", 16, 8, *each)) for each in numbers]
    together = grid_costs(alike, layers)
    assert np.isnan(together[0]).any()
    assert np.isfinite(together[0]).any()
    for place, accelerator in enumerate(alike):
        for layer, operator in enumerate(layers):
            own = analytic_costs(accelerator, [operator])
            for column, alone in zip(together, own, strict=True):
                np.testing.assert_array_equal(column[place, layer], alone[0])
    same = grid_costs([alike[3]] * 3, layers)
    np.testing.assert_array_equal(same[0], np.repeat(together[0][3:4], 3, axis=0))
