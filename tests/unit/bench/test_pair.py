"""What is taken for a pair, and what is not."""

from __future__ import annotations

import pytest

from biglittle.bench import Pair
from biglittle.bench.errors import ArchitectureError


def test_two_ids_are_an_inherited_pair() -> None:
    assert Pair.of(("8", "0")) == Pair("8", "0", training="inherited", seed=0)
    joint = Pair("8", "0", "joint", 2)
    assert Pair.of(joint) is joint


@pytest.mark.parametrize("given", ["88", ("8",), ("8", 0), ("8", "0", "1"), None])
def test_anything_else_says_what_to_pass(given: object) -> None:
    with pytest.raises(ArchitectureError, match=r"pass Pair\(little=..., big=...\), or two ids"):
        Pair.of(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [(8e20, "6" * 22), ("6" * 22, 10**21), (None, None)])
def test_ids_without_quotes_are_named(given: tuple[object, object]) -> None:
    with pytest.raises(ArchitectureError, match="is not the name of a network but of type"):
        Pair(*given)  # type: ignore[arg-type]
