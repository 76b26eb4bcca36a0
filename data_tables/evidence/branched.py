"""What two processors gain by networks of two branches, and what that costs in energy.

Evolution in the space ``branched`` on two boards of one kind, so that nothing but the branches
makes a difference: least latency, most multiply-accumulates and least energy at once. MACs stand
for what a network may learn; nobody trained these. Latencies are modelled: stages as the board's
model of operators predicts them, and the link as it is stated.

Source: the trade-off of SyncNAS, whose slower branch costs less than the base network, and both
together more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...bench.branched_costs import BranchedOnPlatform
from ...bench.pareto import nondominated
from ...bench.platform import EXAMPLE, Platform, parse_platform
from ...bench.spaces import Genomes, get_space
from ...bench.spaces._mobile_stages import BASES
from ._page import Step, versions

DEVICE, N_CLASSES = "raspberry-pi-4", 10
#: (name, latency in ms, Mbit/s) of what lies between the boards, as stated and not measured.
LINKS = (
    ("gigabit Ethernet", 0.3, 900.0),
    ("100 Mbit Ethernet", 0.3, 94.0),
    ("shared memory", 0.02, 20_000.0),
)
POPULATION = 100


def platform_of(name: str, latency_ms: float, bandwidth_mbit_s: float) -> Platform:
    """Two boards of one kind with this link."""
    link = {"latency_ms": latency_ms, "bandwidth_mbit_s": bandwidth_mbit_s}
    both = {"first": {"device": DEVICE}, "second": {"device": DEVICE}}
    return parse_platform({**EXAMPLE, **both, "link": link}, name)


def searched(costs: BranchedOnPlatform, generations: int, seed: int) -> tuple[Genomes, Any]:
    """Networks that no other seen one beats, and their figures: ms, -MACs, mJ, all minimised.

    Args:
        costs: prices networks on the platform.
        generations: number of generations of ``POPULATION`` children each.
        seed: seed of the random draws.
    """
    space, rng = costs.space, np.random.default_rng(seed)
    starts = space.parse([base.name for base in BASES])
    genomes = np.vstack([starts, space.sample(rng, POPULATION)])
    seen: dict[bytes, tuple[float, float, float]] = {}

    def figures(rows: Genomes) -> Any:
        for row in rows:
            if row.tobytes() not in seen:
                cost = costs.cost(space.format(row)[0])
                macs = float(space.macs(row, N_CLASSES)[0])
                seen[row.tobytes()] = (cost.latency_ms, -macs, cost.energy_mj or 0.0)
        return np.array([seen[row.tobytes()] for row in rows])

    for _ in range(generations):
        front = genomes[nondominated(figures(genomes))]
        parents = front[rng.integers(0, len(front), (2, POPULATION))]
        children = space.mutate(rng, space.crossover(rng, *parents), 2 / space.n_layers)
        genomes = np.unique(np.vstack([front, children]), axis=0)
    genomes = genomes[nondominated(figures(genomes))]
    return genomes, figures(genomes)


def _record(costs: BranchedOnPlatform, architecture: str) -> dict[str, Any]:
    cost, space = costs.cost(architecture), costs.space
    return {
        "network": space.names(space.parse(architecture))[0],
        **{name: round(ms, 3) for name, ms in vars(cost).items()},
        "macs": int(space.macs(architecture, N_CLASSES)[0]),
        "params": int(space.params(architecture, N_CLASSES)[0]),
    }


def measure(generations: int = 40, seeds: int = 3) -> dict[str, Any]:
    """Searches for networks of two branches over every link; about three minutes.

    Args:
        generations: generations of each search.
        seeds: searches with a seed each, whose fronts are put together.
    """
    space, links = get_space("branched"), []
    for name, latency_ms, bandwidth in LINKS:
        costs = BranchedOnPlatform(platform_of(name, latency_ms, bandwidth), space, N_CLASSES)
        fronts = [searched(costs, generations, seed) for seed in range(seeds)]
        genomes = np.vstack([g for g, _ in fronts])
        values = np.vstack([v for _, v in fronts])
        bases = [_record(costs, base.name) for base in BASES]
        alone = costs.powers
        assert alone is not None
        found_for = []
        for base in bases:
            # Slower than the base nowhere, and of all these the one that computes most.
            within = np.flatnonzero(values[:, 0] <= base["latency_ms"])
            best = within[np.argmin(values[within, 1])]
            record = _record(costs, space.format(genomes[best])[0])
            # Of a board that works alone, the other one switched off.
            record["base_alone_mj"] = round(alone.load_mw[0] * base["latency_ms"] / 1000, 3)
            found_for.append({"base": base, "branched": record})
        links.append(
            {
                "link": name,
                "latency_ms": latency_ms,
                "bandwidth_mbit_s": bandwidth,
                "front": len(nondominated(values)),
                "bases": found_for,
            }
        )
    return {
        "device": DEVICE,
        "generations": generations,
        "population": POPULATION,
        "seeds": seeds,
        "links": links,
    }


def page(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    lines = [
        "| link | base: ms, M MACs | two branches, no slower | slower branch, both (ms at work) "
        "| ms | M MACs | energy against base, other board waiting | other board off |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for link in figures["links"]:
        for row in link["bases"]:
            base, two = row["base"], row["branched"]
            slower, both = max(two["host_ms"], two["other_ms"]), two["host_ms"] + two["other_ms"]
            cells = [
                link["link"],
                f"`{base['network']}`: {base['latency_ms']:.1f}, {base['macs'] / 1e6:.0f}",
                f"`{two['network']}`",
                f"{slower:.1f}, {both:.1f}",
                f"{two['latency_ms']:.1f}",
                f"{two['macs'] / 1e6:.0f}",
                f"{two['energy_mj'] / base['energy_mj']:.2f} times",
                f"{two['energy_mj'] / two['base_alone_mj']:.2f} times",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    rows = [row for link in figures["links"] for row in link["bases"]]
    holds = sum(
        max(r["branched"]["host_ms"], r["branched"]["other_ms"]) < r["base"]["host_ms"]
        and r["branched"]["host_ms"] + r["branched"]["other_ms"] > r["base"]["host_ms"]
        for r in rows
    )
    more = [r["branched"]["macs"] / r["base"]["macs"] for r in rows]
    energy = [r["branched"]["energy_mj"] / r["branched"]["base_alone_mj"] for r in rows]
    lines += [
        "",
        f"In {holds} of {len(rows)} rows the slower branch is at work for less than the base takes,"
        f" and both together for more: within the base's latency {min(more):.2f} to "
        f"{max(more):.2f} times its MACs, for {min(energy):.2f} to {max(energy):.2f} times the "
        "energy of one board that works alone. What more MACs are worth in accuracy this does not "
        "say.",
        "",
        f"Two boards `{figures['device']}`, images of 32 rows, {figures['seeds']} searches of "
        f"{figures['generations']} generations of {figures['population']} networks for every link."
        " All modelled: stages by the board's model of operators, links as stated (0.3 ms and 900 "
        "or 94 Mbit/s; 0.02 ms and 20 Gbit/s), energy by wall power at work and waiting. "
        f"{versions(figures)}; `python -m biglittle.data_tables.evidence branched`.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"branched": page})
