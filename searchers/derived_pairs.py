"""Pairs with a coupling that is asked for, derived from what a search in weights ended with."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..bench import Pair
from ..bench.coupling import coupling_names, pair_kinds
from ..bench.errors import ConstraintError
from .evaluators.live import LiveEvaluator


def check_heads(there: bool, couplings: Sequence[str] | None) -> None:
    """Nothing, if a supernet has exit heads or none are needed.

    Args:
        there: whether it has them.
        couplings: the only ones that pairs may have; None: all that there are.

    Raises:
        ConstraintError: ``prefix`` is asked of a supernet without exit heads.
    """
    if couplings is not None and "prefix" in couplings and not there:
        raise ConstraintError(
            "coupling prefix needs exit heads beside the supernet (exits.safetensors), and "
            "networks as they are, without --epochs; leave prefix out, or train the heads: "
            "biglittle table build --stage exits."
        )


def derived_pairs(
    live: LiveEvaluator, pairs: Sequence[Pair], couplings: Sequence[str]
) -> list[Pair]:
    """Pairs with one of some couplings: of those that a search ended with, and of their exits.

    Args:
        live: the supernet's networks; says at which exits it has heads.
        pairs: whole networks that a search ended with.
        couplings: those that are asked for; with ``prefix`` each exit of a big network is paired
            with it.

    Raises:
        ConstraintError: the supernet has no exit heads, or no pair has such a coupling.
    """
    check_heads(live.exits is not None, couplings)
    space, exits = live.space, live.exits
    little, big = (
        space.parse(list(ids)) for ids in zip(*((p.little, p.big) for p in pairs), strict=True)
    )
    names = coupling_names(pair_kinds(space, little, big))
    out = [p for p, name in zip(pairs, names.tolist(), strict=True) if name in couplings]
    if "prefix" in couplings and exits is not None:
        cuts = space.exit_names(np.flatnonzero(exits)[1:].astype(np.uint8))
        bigs = dict.fromkeys(p.big for p in pairs)
        out += [Pair(f"{a}@{cut}", a) for a in bigs for cut in cuts]
    if not out:
        raise ConstraintError(
            f"no pair that the search ended with has coupling {' or '.join(couplings)}; name more "
            "couplings, or take another searcher."
        )
    return out
