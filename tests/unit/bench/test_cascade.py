"""What is taken for a cascade, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from biglittle.bench import Cascade, Gate, Pair
from biglittle.bench.errors import ArchitectureError, GateError, UnknownNameError

A, B, C = "8" * 22, "0" * 22, "3" * 22
MARGIN = ("margin", 0.4)


def test_lists_and_tuples_are_the_same_cascade() -> None:
    cascade = Cascade([A, B], [MARGIN])  # type: ignore[arg-type, list-item]
    assert cascade == Cascade((A, B), (Gate(*MARGIN),))
    assert hash(cascade) == hash(Cascade.of((A, B), MARGIN))
    assert (cascade.thresholds, cascade.metrics) == ((0.4,), ("margin",))


def test_a_pair_with_its_gate_is_a_cascade_of_two() -> None:
    pair = Pair(A, B, "joint", 2)
    assert Cascade.of(pair, Gate("entropy", 0.5)).pair == pair
    assert Cascade((A, B, C), (Gate(*MARGIN),) * 2).pair is None


def test_a_network_with_exits_is_a_chain_that_ends_with_the_whole() -> None:
    chain = Cascade.exits_of(A, ["4", "8", "12s"], MARGIN)
    assert chain.networks == (f"{A}@4", f"{A}@8", f"{A}@12s", A)
    assert chain.gates == (Gate(*MARGIN),) * 3
    assert Cascade.exits_of(A, ["4", "8"], [MARGIN, ("entropy", 0.2)]).metrics == (
        "margin",
        "entropy",
    )
    assert Cascade.exits_of(f"{A}:int8", ["4"], Gate(*MARGIN)).networks == (
        f"{A}@4:int8",
        f"{A}:int8",
    )


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        ((A,), "1 network given; a cascade has 2 to 4"),
        ((A, B, C, A, B), "5 networks given; a cascade has 2 to 4"),
        (A, "is not a list of networks"),
        ((A, ""), "does not name a network"),
    ],
)
def test_networks_that_are_not_two_to_four_names(networks: Any, message: str) -> None:
    n_gates = 1 if isinstance(networks, str) else len(networks) - 1
    with pytest.raises(ArchitectureError, match=message):
        Cascade(networks, (Gate(*MARGIN),) * n_gates)


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ((), "0 gates were given for 3 networks; expected 2"),
        ((MARGIN,), "1 gate was given for 3 networks; expected 2"),
        ((MARGIN,) * 3, "3 gates were given for 3 networks; expected 2"),
        (Gate(*MARGIN), "is not a list of gates"),
        (("margin", "margin"), "is not a gate, which is a metric and a threshold"),
    ],
)
def test_gates_are_one_fewer_than_networks(gates: Any, message: str) -> None:
    with pytest.raises(GateError, match=message):
        Cascade((A, B, C), gates)
    with pytest.raises(UnknownNameError, match="Did you mean 'margin'"):
        Cascade((A, B), (("margn", 0.4),))  # type: ignore[arg-type]


def test_three_networks_are_not_trained_as_one_pair() -> None:
    with pytest.raises(ArchitectureError, match="cannot be joint as one pair"):
        Cascade((A, B, C), (Gate(*MARGIN),) * 2, training="joint")


@pytest.mark.parametrize(
    ("architecture", "exits", "message"),
    [
        (A, ["8", "4"], "exits 8, 4 do not follow one another"),
        (A, ["8s", "8"], "each deeper than the one before"),
        (A, ["first"], "does not name a network"),
        (A, "12", "are one text"),
        (A, [], "1 network given"),
        (f"{A}@4", ["8"], "is cut already"),
    ],
)
def test_exits_run_on_and_never_back(architecture: str, exits: Sequence[str], message: str) -> None:
    with pytest.raises(ArchitectureError, match=message):
        Cascade.exits_of(architecture, exits, MARGIN)
