"""What co-trained pairs are held against beside their own parts, at equal mean latency.

- The best single network: of those of the same seed that take no longer than the pair, the most
  accurate on val; of networks that were trained alone, or of all, since the exit of a pair and its
  whole network are single networks too.
- The static cascade: two whole networks with the same big one, trained apart.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...bench import Benchmark, load_device
from ...bench.cost import NetworkCosts, SharedCosts
from ._coupled_answers import Bits, RunAnswers, compared
from ._coupled_plan import (
    ALONE,
    BASE,
    METHODS,
    costs_of,
    mean_latency_ms,
    methods_of,
    pair_terms,
    rate_at,
)

SINGLE, ANY = "the best single network", "the best single network however trained"
SINGLE_RATES = (0.2, 0.5)  # shares of val that a pair escalates at most when it is held against it
CASCADE = "the static cascade"  # two networks trained apart, with the same big one
CASCADE_RATE = 0.1  # at which it escalates, and whose mean latency the pair gets
#: A pair of the plan under one seed: answers by method, and of its single networks.
Cell = dict[str, Any]
Entries = list[dict[str, Any] | None]


@dataclass(frozen=True)
class _Single:
    """A network of a run, as it answers alone.

    Attributes:
        alone: whether it was trained alone.
        latency_ms: its latency on the device.
        right: whether it is right about each image of val and test.
    """

    alone: bool
    latency_ms: float
    right: Bits


def _singles(
    bench: Benchmark, plan: Mapping[str, Any], answers: Mapping[str, RunAnswers]
) -> dict[int, list[_Single]]:
    """All networks that were trained under each seed, whether alone or in a pair."""
    trained: list[tuple[int, str, bool, Bits]] = []
    for run, answer in answers.items():
        *names, method, last = run.split("~")
        seed = int(last.removeprefix("s"))
        roles = (ALONE,) if method == ALONE else ("little", "big")
        named = dict(zip(roles, names, strict=True))
        trained += [
            (seed, named[role], method == ALONE, right) for role, right in answer.right.items()
        ]
    profile, table = load_device(plan["device"]), bench.table
    each = sorted({name for _, name, _, _ in trained})
    latency = costs_of(table.space, profile, each, table.n_classes)[0].latency_ms
    out: dict[int, list[_Single]] = {}
    for seed, name, alone, right in trained:
        one = _Single(alone, float(latency[each.index(name)]), right)
        out.setdefault(seed, []).append(one)
    return out


def _terms(
    bench: Benchmark, plan: Mapping[str, Any]
) -> list[tuple[str, NetworkCosts, SharedCosts | None]]:
    """What the networks of each pair of the plan cost on its device, and what they share."""
    profile, table = load_device(plan["device"]), bench.table
    return [
        pair_terms(table.space, profile, pair["little"], pair["big"], table.n_classes)
        for pair in plan["pairs"]
    ]


def against_singles(
    bench: Benchmark,
    plan: Mapping[str, Any],
    cells: list[Cell],
    answers: Mapping[str, RunAnswers],
) -> Entries:
    """Pairs against the best single network of their seed that takes no longer on average."""
    if not cells:
        return []
    singles, n_val = _singles(bench, plan, answers), len(bench.table.val_index)
    terms = _terms(bench, plan)
    entries = []
    methods = [(coupling, method) for coupling in METHODS for method in methods_of(coupling)]
    for (coupling, method), rate, against in itertools.product(
        methods, SINGLE_RATES, (SINGLE, ANY)
    ):
        tests = []
        for cell in (c for c in cells if c["coupling"] == coupling and method in c["bits"]):
            bits, (_, costs, shared) = cell["bits"][method], terms[cell["pair"]]
            cut = bits.cut(rate)
            mean_ms = mean_latency_ms(costs, shared, float((bits.codes[:n_val] < cut).mean()))
            within = [
                one.right
                for one in singles.get(cell["seed"], [])
                if one.latency_ms <= mean_ms * (1 + 1e-9) and (one.alone or against == ANY)
            ]
            if within:
                best = max(within, key=lambda right: float(right[:n_val].mean()))
                tests.append((bits.test(cut)[0], best[n_val:]))
        entries.append(row_of(coupling, method, against, f"pair at {rate:g}", tests))
    return entries


def against_cascades(bench: Benchmark, plan: Mapping[str, Any], cells: list[Cell]) -> Entries:
    """Pairs that share a trunk against two whole networks trained apart, at equal mean latency.

    The cascade is the sibling pair of the same big network under the same seed.
    """
    pairs, terms = plan["pairs"], _terms(bench, plan)
    cascades = {
        (pairs[c["pair"]]["big"], c["seed"]): c
        for c in cells
        if c["coupling"] == "sibling" and BASE in c["bits"]
    }
    entries = []
    for method in methods_of("prefix"):
        tests = []
        for cell in (c for c in cells if c["coupling"] == "prefix" and method in c["bits"]):
            cascade = cascades.get((pairs[cell["pair"]]["big"], cell["seed"]))
            if cascade is None:
                continue
            theirs, own = cascade["bits"][BASE], cell["bits"][method]
            _, costs, shared = terms[cascade["pair"]]
            mean_ms = mean_latency_ms(costs, shared, CASCADE_RATE)
            _, costs, shared = terms[cell["pair"]]
            rate = rate_at(costs, shared, mean_ms)
            tests.append((own.test(own.cut(rate))[0], theirs.test(theirs.cut(CASCADE_RATE))[0]))
        entries.append(row_of("prefix", method, CASCADE, "pair at equal latency", tests))
    return entries


def row_of(
    coupling: str, method: str, against: str, what: str, tests: list[Any]
) -> dict[str, Any] | None:
    """A row of the comparison; None without runs.

    Args:
        coupling: coupling of the pairs.
        method: method that trained them.
        against: what they are held against.
        what: which part of them is.
        tests: for each run whether the pair and the other are right, shape (n_images,) each.
    """
    gain = compared(tests)
    if gain is None:
        return None
    return {"coupling": coupling, "method": method, "against": against, "what": what, **gain}
