"""Which networks and pairs are trained for the comparison of co-training, and in which order.

Backbones: the single networks that no other of the table beats in val accuracy and in latency on
the device, from 10 to 22 ms and with at most 25 million MACs, are cut in three by latency; the most
accurate of each third is a backbone. Each gives

- two prefix pairs, its exits after layers 16 and 12 with the whole network;
- a sibling pair: as the little network the most accurate single network with at most three quarters
  of its latency;
- its single networks: itself, and for each prefix pair one that costs what the pair costs where it
  escalates a fifth of its inputs. Whole networks so cheap are poor, so that it is cut too: of the
  table's networks cut after layers 12 or 16 whose latency is within 5 % below, the one whose whole
  network is the most accurate on val.

Everything starts from the supernet's weights, exits from the heads that were trained on its frozen
trunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench import Benchmark, load_device
from ...bench.cost import NetworkCosts, SharedCosts, network_costs, pair_figure
from ...bench.coupling import Couplings
from ...bench.device_profile import DeviceProfile
from ...bench.rows import COUPLINGS
from ...bench.spaces import SearchSpace

DEVICE = "raspberry-pi-4"
LATENCY_MS, MACS_MAX, N_BACKBONES = (10.0, 22.0), 25e6, 3
EXITS = ("16", "12")
LITTLE_SHARE = 0.75  # of a backbone's latency, at most, for the little network of a sibling pair
RATE = 0.2  # escalation at which a single network costs what the pair costs
SINGLE_EXITS, WITHIN = ("12", "16"), 0.05
SEEDS = 3
#: `joint` is left out for siblings: what share nothing learn as `independent` ones do, bit for bit.
METHODS = {
    "prefix": ("independent", "joint", "distilled"),
    "sibling": ("distilled", "gated"),  # the independent one is put together from single networks
}
ALONE = "alone"
BASE = "independent"  # the method that all others are held against


def methods_of(coupling: str) -> tuple[str, ...]:
    """The methods of pairs of a coupling, `BASE` first."""
    return tuple(dict.fromkeys((BASE, *METHODS[coupling])))


@dataclass(frozen=True)
class Job:
    """One training: of a pair by a method, or of a single network.

    Attributes:
        big: name of the big or of the single network.
        little: name of the little network; "" for a single one.
        method: key of a method; `ALONE` for a single network.
        seed: seed of weights, order and augmentation.
    """

    big: str
    little: str
    method: str
    seed: int

    @property
    def name(self) -> str:
        """Name of its record and its files."""
        parts = (self.little, self.big, self.method, f"s{self.seed}")
        return "~".join(part for part in parts if part)


def costs_of(
    space: SearchSpace, profile: DeviceProfile, names: Sequence[str], n_classes: int
) -> tuple[NetworkCosts, Couplings]:
    """Costs of networks, which may be cut at exits, and how any two are coupled.

    Args:
        space: search space of the networks.
        profile: device of the latencies.
        names: networks as ``ARCH`` or ``ARCH@EXIT``, all with weights of one supernet.
        n_classes: number of classes of the classifiers.
    """
    parts = [name.partition("@") for name in names]
    genomes, exits = space.parse([p[0] for p in parts]), space.exit_numbers([p[2] for p in parts])
    costs = network_costs(
        space,
        genomes,
        n_classes,
        latency_ms=profile.latency_ms(space, genomes, exits),
        energy_mj=np.full(len(names), np.nan),
        gate_ms=profile.gate_ms,
        provenance={"latency_ms": "predicted", "energy_mj": "modelled"},
        exits=exits,
        trunk_ms=profile.trunk_ms(space, genomes, exits),
    )
    return costs, Couplings(space, n_classes, genomes, exits, np.zeros(len(names), np.int64))


def pair_terms(
    space: SearchSpace, profile: DeviceProfile, little: str, big: str, n_classes: int
) -> tuple[str, NetworkCosts, SharedCosts | None]:
    """The coupling of a pair that was trained as one, its networks' costs, and what they share.

    Two whole networks are siblings however they started: training unties their weights.
    """
    costs, couplings = costs_of(space, profile, [little, big], n_classes)
    kind = COUPLINGS[int(couplings.kinds(0, 1))]
    if kind != "prefix":
        return "sibling", costs, None
    shared = couplings.shared(np.array([0]), np.array([1]), costs)
    return kind, costs, shared


def front_of(accuracy: NDArray[np.float64], latency: NDArray[np.float64]) -> NDArray[np.intp]:
    """Places of the networks that no cheaper one equals in accuracy, cheapest first."""
    order = np.lexsort((-accuracy, latency))
    best = np.maximum.accumulate(np.concatenate([[-1.0], accuracy[order]]))[:-1]
    return np.asarray(order[accuracy[order] > best])


def plan_of(bench: Benchmark) -> dict[str, Any]:
    """The plan by the rule above, plain JSON: pairs with their coupling, and single networks."""
    table, profile = bench.table, load_device(DEVICE)
    rows = table.rows()[table.exits[table.rows()] == 0]
    ids = table.networks["architecture"][rows]
    accuracy, macs = bench.accuracy("val")[rows], table.networks["macs"][rows]
    latency = bench.costs(DEVICE).latency_ms[rows]
    front = front_of(accuracy, latency)
    low, high = LATENCY_MS
    fits = front[(latency[front] >= low) & (latency[front] <= high) & (macs[front] <= MACS_MAX)]
    edges = np.linspace(latency[fits].min(), latency[fits].max(), N_BACKBONES + 1)
    third = np.clip(np.digitize(latency[fits], edges) - 1, 0, N_BACKBONES - 1)
    backbones = [fits[third == k][np.argmax(accuracy[fits[third == k]])] for k in range(3)][::-1]
    pairs: list[dict[str, str]] = []
    for place in backbones:
        big = str(ids[place])
        cheap = front[latency[front] <= LITTLE_SHARE * latency[place]]
        sibling = str(ids[cheap[np.argmax(accuracy[cheap])]])
        cut = [f"{big}@{name}" for name in EXITS]
        pairs += [{"little": little, "big": big, "coupling": "prefix"} for little in cut]
        pairs.append({"little": sibling, "big": big, "coupling": "sibling"})
    for pair in pairs:
        if pair["coupling"] == "prefix":
            pair["single"] = _equal_single(table, profile, ids, accuracy, pair)
    return {"device": DEVICE, "seeds": SEEDS, "single_rate": RATE, "pairs": pairs}


def _equal_single(
    table: Any,
    profile: DeviceProfile,
    ids: NDArray[Any],
    accuracy: NDArray[np.float64],
    pair: Mapping[str, str],
) -> str:
    """The cut network that costs what a prefix pair costs, by the rule above."""
    _, costs, shared = pair_terms(
        table.space, profile, pair["little"], pair["big"], table.n_classes
    )
    mean = mean_latency_ms(costs, shared, RATE)
    names = [f"{a}@{name}" for a in ids for name in SINGLE_EXITS]
    latency = costs_of(table.space, profile, names, table.n_classes)[0].latency_ms
    near = np.flatnonzero((latency <= mean) & (latency >= (1 - WITHIN) * mean))
    return str(names[near[np.argmax(np.repeat(accuracy, len(SINGLE_EXITS))[near])]])


def mean_latency_ms(costs: NetworkCosts, shared: SharedCosts | None, rate: float) -> float:
    """Mean latency of a pair, little in row 0 and big in row 1, at an escalation rate."""
    both = costs.take([0]), costs.take([1])
    return float(np.asarray(pair_figure("latency_ms", *both, rate, shared)).item())


def rate_at(costs: NetworkCosts, shared: SharedCosts | None, mean_ms: float) -> float:
    """The escalation rate at which a pair has a mean latency, within [0, 1]."""
    none, all_ = (mean_latency_ms(costs, shared, r) for r in (0.0, 1.0))
    return float(np.clip((mean_ms - none) / max(all_ - none, 1e-12), 0.0, 1.0))


def jobs_of(plan: Mapping[str, Any]) -> Iterator[Job]:
    """All jobs, so that any first part is balanced: one seed of all methods of a backbone's pairs.

    The single networks stand beside the pairs that are held against them.
    """
    seen: set[Job] = set()
    for seed in range(int(plan["seeds"])):
        for pair in plan["pairs"]:
            little, big = pair["little"], pair["big"]
            alone = [big, pair.get("single") or little]
            jobs = [Job(big, little, m, seed) for m in METHODS[pair["coupling"]]]
            for job in [*jobs, *(Job(name, "", ALONE, seed) for name in alone)]:
                if job not in seen:
                    seen.add(job)
                    yield job
