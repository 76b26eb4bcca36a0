"""Networks that are known by name alone, as a space."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.errors import ArchitectureError, UnknownNameError
from biglittle.bench.spaces import canonical_name, listed_space, network_names, parse_networks

NAMES = ["mobilenet v2 (0.35)", "hf-hub:timm/résnet@224", "yolo@640"]


@pytest.mark.parametrize("n", [1, 3, 256, 257, 1000])
def test_names_and_genomes_are_inverse(n: int) -> None:
    names = (NAMES + [f"network {i}" for i in range(n)])[:n]
    space = listed_space(names)
    genomes = space.parse(names)
    assert genomes.dtype == np.uint8
    assert space.format(genomes) == names
    assert space.sizes(genomes).tolist() == list(range(1, n + 1))
    assert space.encode(genomes).sum(axis=1).tolist() == [space.n_layers] * n


def test_an_at_sign_in_a_name_is_no_exit() -> None:
    space = listed_space(NAMES)
    genomes, exits = parse_networks(space, NAMES)
    assert exits.tolist() == [0, 0, 0]
    assert network_names(space, genomes, exits) == NAMES
    assert canonical_name(space, NAMES[2]) == NAMES[2]


def test_a_list_is_told_from_another_by_its_hash() -> None:
    assert listed_space(NAMES).hash == listed_space(list(NAMES)).hash
    assert listed_space(NAMES).hash != listed_space(NAMES[::-1]).hash


def test_an_unknown_network_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean 'yolo@640'\?"):
        listed_space(NAMES).parse("yolo@64")


@pytest.mark.parametrize("count", ["macs", "params", "peak_activation", "graph"])
def test_nothing_is_made_up_about_what_networks_are_built_of(count: str) -> None:
    with pytest.raises(ArchitectureError, match="known by their answers alone"):
        getattr(listed_space(NAMES), count)(NAMES, 10)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "0 networks; expected 1 to 65,536"),
        (["a", "b", "a"], "two networks are called 'a'"),
        ([""], "not empty"),
        ([" a"], "no blanks at its ends"),
        (["a\nb"], "one line of at most 200"),
        (["a" * 201], "one line of at most 200"),
    ],
)
def test_names_that_cannot_be_told_apart_or_printed(names: list[str], message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        listed_space(names)
