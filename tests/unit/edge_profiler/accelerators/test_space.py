"""Spaces of accelerators: their area, their names, and files that describe none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.errors import AcceleratorError, ConstraintError, UnknownNameError
from biglittle.edge_profiler.accelerators import from_parameters, load_accelerator
from biglittle.edge_profiler.accelerators.parametric import (
    ADD_32_MM2,
    BIT_MM2,
    MULTIPLY_8_MM2,
    Parameters,
)
from biglittle.edge_profiler.accelerators.space import load_space, parse_space, spaces

LISTS = {
    "name": "some",
    "rows": [16, 8],
    "columns": 8,
    "weight_buffer_kib": [2, 0.5],
    "activation_buffer_kib": 16,
    "bandwidth_bits": [64, 32],
    "dataflow": ["row-stationary", "weight-stationary"],
}


def test_every_space_that_ships_can_be_read() -> None:
    assert "edge" in spaces()
    for name in spaces():
        space = load_space(name)
        assert len(space) > 1
        assert (space.areas_mm2 > 0).all()


def test_every_combination_is_one_accelerator_with_a_name_of_its_own() -> None:
    space = parse_space(LISTS, "some")
    assert space.options[0] == (8, 16)  # lists are put in order
    each = [space.parameters(place) for place in range(len(space))]
    assert len(space) == len({p.name for p in each}) == 16
    assert len({(p.rows, p.weight_buffer_kib, p.bandwidth_bits, p.dataflow) for p in each}) == 16
    places = np.arange(len(space))
    assert (space.places(space.genes(places)) == places).all()
    assert "ws-8x8-w0_5-a16-b32" in {p.name for p in each}
    for parameters in each:
        assert from_parameters(parameters).name == parameters.name


def test_area_is_that_of_units_and_memories() -> None:
    space = parse_space({**LISTS, "rows": 12, "weight_buffer_kib": 4}, "some")
    of_unit = MULTIPLY_8_MM2 + ADD_32_MM2 + (4 * 8 + 4 * 32) * BIT_MM2
    expected = 12 * 8 * of_unit + (4 + 16) * 8192 * BIT_MM2
    assert space.areas_mm2 == pytest.approx(np.full(len(space), expected))


def test_a_file_of_numbers_alone_is_a_space_of_one() -> None:
    space = load_space("parametric")
    assert len(space) == 1
    assert space.areas_mm2[0] == pytest.approx(load_accelerator("parametric").area_mm2)


def test_a_limit_of_area_that_nothing_meets_says_the_least() -> None:
    space = load_space("edge")
    within = space.within(0.3)
    assert 0 < len(within) < len(space)
    assert (space.areas_mm2[within] <= 0.3).all()
    assert len(space.within(None)) == len(space)
    with pytest.raises(ConstraintError, match="the least") as error:
        space.within(0.001)
    assert f"{space.areas_mm2.min():.4g} mm2" in str(error.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"threads": 2}, "threads"),
        ({"rows": 0}, "rows"),
        ({"rows": [8, 5000]}, "rows"),
        ({"columns": []}, "columns"),
        ({"bandwidth_bits": 0}, "bandwidth_bits"),
        ({"dataflow": "no-stationary"}, "dataflow"),
        ({"weight_bits": [4, 8]}, "weight_bits"),
        ({"weight_bits": 3}, "weight_bits"),
        ({"rows": list(range(1, 65)), "columns": list(range(1, 65))}, "at most"),
    ],
)
def test_what_is_not_a_space_is_named(change: dict[str, object], named: str) -> None:
    with pytest.raises(AcceleratorError, match=named):
        parse_space({**LISTS, **change}, "some")


def test_an_array_that_cannot_be_fused_is_refused() -> None:
    space = parse_space({**LISTS, "rows": [8, 9], "activation_bits": 16}, "some")
    with pytest.raises(AcceleratorError, match="even number"):
        _ = space.areas_mm2


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(AcceleratorError, match="cannot be read"):
        load_space(tmp_path / "none.toml")
    with pytest.raises(UnknownNameError, match="edge"):
        load_space("egde")
    file = tmp_path / "some.toml"
    file.write_text('name = "some"\nrows = [1\n')
    with pytest.raises(AcceleratorError, match=r"some\.toml"):
        load_space(file)
    with pytest.raises(AcceleratorError, match="no field 'rows'"):
        parse_space({"name": "some"}, "some")


def test_bits_are_those_of_every_accelerator() -> None:
    space = parse_space({**LISTS, "weight_bits": 4, "activation_bits": 8}, "some")
    parameters = space.parameters(3)
    assert isinstance(parameters, Parameters)
    assert (parameters.weight_bits, parameters.activation_bits) == (4, 8)
    assert parameters.name.endswith("-w4a8")
