"""Which networks are in the table, and in which order they are evaluated.

Drawn uniformly, nearly all networks of the space are of middling cost, and the small ones that make
good littles never come up. So a large pool is drawn in which the share of skipped layers and the
taste for wide blocks vary from network to network, and a quota of it is taken from every cell of a
grid over latency and MACs. Beside the grid stand the extremes (every layer the same)
and the neighbourhood of fronts that searches found (``front_seed.json``), where a surrogate has to
be right.

The design is a sequence: every cell is spread evenly over it, so that wherever the evaluation stops
the networks evaluated so far cover the grid in the proportions of the quotas. Networks of a design
stay in all later ones: a new front adds some, and none leaves.

``biglittle table design`` prints what the design of a table holds and what it costs to evaluate;
with ``--add-front BUDGET`` it searches the surrogate and adds the neighbourhood of the front to the
design.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from ...bench.device import load_device
from ...bench.documents import Line, read_json, typed
from ...bench.errors import ConstraintError, TableError
from ...bench.files import replacing, why_unreadable
from ...bench.points import Points
from ...bench.spaces import Genomes, SearchSpace, get_space
from .recipe import Design

MOST_REPEATS = 1000  # in a row: then the neighbourhood is as good as exhausted


def evaluation_seconds(design: Design, space: SearchSpace, genomes: Genomes) -> NDArray[np.float64]:
    """Estimated seconds to evaluate each network on one core of the build machine, shape (n,)."""
    macs, time = space.macs(genomes, design.n_classes).astype(np.float64), design.evaluation
    return time.images * (time.seconds_per_image + time.seconds_per_mac * macs)


def draw_pool(
    design: Design, space: SearchSpace, choices: Sequence[str], rng: np.random.Generator
) -> Genomes:
    """Genomes whose share of skips and whose taste for costly blocks vary, shape (pool, layers)."""
    skip = space.choices.index("skip")
    blocks = np.array([space.choices.index(c) for c in choices if c != "skip"])
    uniform = np.repeat(blocks[:, None], space.n_layers, axis=1).astype(np.uint8)
    cost = space.macs(uniform, design.n_classes).astype(np.float64)
    taste = rng.normal(0.0, 2.0, (design.pool, 1)) - 1.0
    weight = (cost / cost.min()) ** taste
    weight /= weight.sum(axis=1, keepdims=True)
    draw = rng.random((design.pool, space.n_layers, 1))
    picked = blocks[(draw > weight.cumsum(axis=1)[:, None, :]).sum(axis=2).clip(0, len(blocks) - 1)]
    skipped = rng.random((design.pool, space.n_layers)) < rng.random((design.pool, 1))
    return np.where(skipped, skip, picked).astype(np.uint8)


def unique_rows(genomes: Genomes) -> Genomes:
    """What ``np.unique(genomes, axis=0)`` gives, in a tenth of its time; shape (k, n_layers).

    Eight layers at a time are one big-endian number, so that rows are in the order of their bytes.
    """
    n, layers = genomes.shape
    padded = np.zeros((n, -(-layers // 8) * 8), np.uint8)
    padded[:, :layers] = genomes
    keys = padded.view(">u8").astype(np.uint64)
    order = np.lexsort(keys.T[::-1])
    differs = (np.diff(keys[order], axis=0, prepend=~keys[order[:1]]) != 0).any(axis=1)
    return np.asarray(genomes[order[differs]], np.uint8)


def uniform_networks(space: SearchSpace, choices: Sequence[str]) -> Genomes:
    """The networks whose layers are all alike: the extremes, shape (n_choices, n_layers)."""
    return np.repeat(space.allowed(choices)[:, None], space.n_layers, axis=1)


def first_design(design: Design, space: SearchSpace, choices: Sequence[str]) -> Genomes:
    """The networks of the first design, from cheap to expensive, shape (n, n_layers)."""
    same = uniform_networks(space, choices)
    if not design.first_quotas:
        return same[:0]
    rng = np.random.default_rng(design.seed)
    profile = load_device(design.device)
    pool = unique_rows(draw_pool(design, space, choices, rng))
    latency = profile.latency_ms(space, pool)
    low, high = profile.latency_ms(space, same).min(), profile.latency_ms(space, same).max()
    n_bands = len(design.first_quotas)
    band = np.clip((latency - low) / (high - low) * n_bands, 0, n_bands - 1).astype(int)
    picked = [
        rng.permutation(np.flatnonzero(band == b))[:q] for b, q in enumerate(design.first_quotas)
    ]
    genomes = np.unique(np.concatenate([same, pool[np.concatenate(picked)]]), axis=0)
    return genomes[np.argsort(profile.latency_ms(space, genomes), kind="stable")]


@dataclass(frozen=True)
class Grid:
    """Cells over latency and MACs.

    Attributes:
        latency_ms: edges of the bands, shape (n_bands + 1,).
        macs: edges of the cells of each band, shape (n_bands, n_cells + 1).
    """

    latency_ms: NDArray[np.float64]
    macs: NDArray[np.float64]

    @classmethod
    def over(
        cls, design: Design, latency_ms: NDArray[np.float64], macs: NDArray[np.float64]
    ) -> Grid:
        """The grid over a pool of networks: log-equal bands, equal cells without the outliers."""
        n_bands = len(design.quotas)
        edges = np.geomspace(latency_ms.min(), latency_ms.max(), n_bands + 1)
        inner = np.clip(np.digitize(latency_ms, edges) - 1, 0, n_bands - 1)
        rows = []
        for band in range(n_bands):
            own = macs[inner == band] if (inner == band).any() else macs
            low, high = (float(np.quantile(own, q)) for q in (0.02, 0.98))
            rows.append(np.linspace(low, high, design.macs_cells + 1))
        return cls(edges, np.array(rows))

    def cell(self, latency_ms: NDArray[np.float64], macs: NDArray[np.float64]) -> NDArray[np.intp]:
        """Index of each network's cell, ``band * n_cells + cell within it``, shape (n,)."""
        band = np.clip(np.digitize(latency_ms, self.latency_ms) - 1, 0, len(self.macs) - 1)
        inner = (macs[:, None] >= self.macs[band, 1:-1]).sum(axis=1)
        return np.asarray(band * (self.macs.shape[1] - 1) + inner, np.intp)


def neighbourhood(
    space: SearchSpace,
    genomes: Genomes,
    n: int,
    rng: np.random.Generator,
    choices: Sequence[str] | None = None,
) -> Genomes:
    """``n`` different networks that differ from some of ``genomes`` in one or two layers.

    The genomes take turns, and every second round changes two layers.

    Args:
        space: search space of the networks.
        genomes: networks to start from, shape (k, n_layers).
        n: number of networks to draw.
        rng: every random choice comes from it.
        choices: the space's choices that may come up; None for all of them.

    Raises:
        TableError: the neighbourhood does not have so many.
    """
    allowed = space.allowed(choices)
    if len(allowed) < 2:
        raise TableError(f"a space with {len(allowed)} choice has no neighbourhood.")
    seen = {row.tobytes() for row in genomes}
    drawn: list[Genomes] = []
    turn = repeats = 0
    while len(drawn) < n:
        child = np.array(genomes[turn % len(genomes)], np.uint8)
        layers = rng.choice(space.n_layers, 1 + turn // len(genomes) % 2, replace=False)
        for layer in layers:
            child[layer] = rng.choice(allowed[allowed != child[layer]])
        turn += 1
        if child.tobytes() in seen:
            repeats += 1
            if repeats > MOST_REPEATS:
                raise TableError(f"{len(drawn)} of {n} neighbours found; ask for fewer.")
            continue
        repeats = 0
        seen.add(child.tobytes())
        drawn.append(child)
    return np.array(drawn, np.uint8).reshape(-1, space.n_layers)


# ---- fronts ------------------------------------------------------------------------------------
def front_entry(
    front: Points, singles: Sequence[str], source: Mapping[str, Any], n: int, seed: int
) -> dict[str, Any]:
    """What ``front_seed.json`` keeps of one front.

    Args:
        front: operating points that a search gave.
        singles: ids of single networks to set beside them.
        source: which search the front is of, any JSON.
        n: networks that the design takes from its neighbourhood, the front's own included.
        seed: seed that the neighbourhood is drawn with.
    """
    return {
        "source": dict(source),
        "networks": n,
        "seed": seed,
        "littles": sorted({str(a) for a in front.little}),
        "bigs": sorted({str(a) for a in front.big}),
        "singles": sorted({str(a) for a in singles}),
    }


class _Entry(Struct):
    networks: Annotated[int, Meta(ge=0)]
    seed: Annotated[int, Meta(ge=0)]
    littles: list[Line]
    bigs: list[Line]
    singles: list[Line]


class _Fronts(Struct):
    fronts: list[_Entry]


def read_fronts(path: Path) -> list[dict[str, Any]]:
    """The fronts whose neighbourhoods belong to the design, oldest first; none without a file.

    Raises:
        TableError: the file cannot be read, or is not one of fronts.
    """
    if not path.exists():
        return []
    try:
        document = read_json(path, dict[str, Any])
        typed(document, _Fronts)
    except (OSError, ValueError) as error:
        why = why_unreadable(error, f"{error}.")
        raise TableError(f"{path} cannot be read as fronts of a design: {why}") from error
    fronts: list[dict[str, Any]] = document["fronts"]
    return fronts


def add_front(entry: Mapping[str, Any], path: Path) -> None:
    """Adds a front to the design; those before it stay."""
    with replacing(path) as partial:
        document = {"fronts": [*read_fronts(path), dict(entry)]}
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def front_networks(space: SearchSpace, choices: Sequence[str], entry: Mapping[str, Any]) -> Genomes:
    """A front's own networks and their neighbourhood, shape (n, n_layers), the own ones first."""
    own = space.parse(sorted({*entry["littles"], *entry["bigs"], *entry["singles"]}))
    own = own[np.isin(own, space.allowed(choices)).all(axis=1)]
    if not len(own):
        return own
    rng = np.random.default_rng(entry["seed"])
    own = own[rng.permutation(len(own))][: entry["networks"]]
    around = neighbourhood(space, own, entry["networks"] - len(own), rng, choices)
    return np.concatenate([own, around])


# ---- the sequence ------------------------------------------------------------------------------
def _cells(
    design: Design, space: SearchSpace, choices: Sequence[str], rng: np.random.Generator
) -> list[list[bytes]]:
    """The networks of every cell of the grid, those of the first design before others."""
    profile = load_device(design.device)
    first = first_design(design, space, choices)
    pool = unique_rows(draw_pool(design, space, choices, rng))
    pool = pool[rng.permutation(len(pool))]
    genomes = np.concatenate([first[rng.permutation(len(first))], pool])
    latency = profile.latency_ms(space, genomes)
    macs = space.macs(genomes, design.n_classes).astype(np.float64)
    grid = Grid.over(design, latency[len(first) :], macs[len(first) :])
    cell = grid.cell(latency, macs)
    cells = []
    n_cells = design.macs_cells
    for index in range(len(design.quotas) * n_cells):
        band, inner = divmod(index, n_cells)
        quota = design.quotas[band] // n_cells + (inner < design.quotas[band] % n_cells)
        members = np.flatnonzero(cell == index)
        count = max(quota, int((members < len(first)).sum()))
        unique = dict.fromkeys(genomes[i].tobytes() for i in members[: 2 * count])
        cells.append(list(unique)[:count])
    return cells


def interleaved(groups: Sequence[Sequence[bytes]], rng: np.random.Generator) -> list[bytes]:
    """All members of the groups, each group spread evenly over the whole, none twice.

    The j-th of n members stands at (j + u) / n with one u in [0, 1) for each group, so that any
    prefix holds every group's share to within one member.
    """
    placed = []
    for number, members in enumerate(groups):
        start = rng.random()
        placed += [((j + start) / len(members), number, g) for j, g in enumerate(members)]
    return list(dict.fromkeys(genome for _, _, genome in sorted(placed)))


def sequence(
    design: Design,
    space: SearchSpace,
    choices: Sequence[str],
    fronts: Sequence[Mapping[str, Any]] | None = None,
) -> list[str]:
    """Ids of the table's networks in the order in which they are to be evaluated.

    Args:
        design: which networks the table's recipe wants.
        space: search space of the table.
        choices: choices of the space whose weights were trained.
        fronts: fronts whose neighbourhoods belong to it; None for those in the design's file
            ``front_seed``.
    """
    rng = np.random.default_rng((design.seed, 1))
    groups = [[row.tobytes() for row in uniform_networks(space, choices)]]
    rest = _cells(design, space, choices, rng)
    for entry in read_fronts(design.front_seed) if fronts is None else fronts:
        rest.append([row.tobytes() for row in front_networks(space, choices, entry)])
    ordered = list(dict.fromkeys([*groups[0], *interleaved([g for g in rest if g], rng)]))
    return space.format(np.array([np.frombuffer(g, np.uint8) for g in ordered]))


# ---- what it holds -----------------------------------------------------------------------------
def describe(design: Design, space: SearchSpace, choices: Sequence[str]) -> str:
    """How many networks the design has by band of latency, and what they take to evaluate."""
    ids = sequence(design, space, choices)
    genomes, profile = space.parse(ids), load_device(design.device)
    latency, seconds = (
        profile.latency_ms(space, genomes),
        evaluation_seconds(design, space, genomes),
    )
    edges = np.geomspace(latency.min(), latency.max(), len(design.quotas) + 1)
    lines = [f"{f'{design.device} (ms)':>20} {'all':>5} {'first 100':>10} {'first 200':>10}"]
    for low, high in itertools.pairwise(edges):
        inside = (latency >= low) & ((latency < high) | (high == edges[-1]))
        counts = (int(inside[:n].sum()) for n in (None, 100, 200))
        lines.append("{:>9.1f} to {:>7.1f} {:>5} {:>10} {:>10}".format(low, high, *counts))
    for n in sorted({100, 200, 400, len(ids)} & set(range(len(ids) + 1))):
        lines.append(f"first {n} networks: {seconds[:n].sum() / 3600:.2f} core hours to evaluate")
    return "\n".join(lines)


def searched_front(
    design: Design, budget: int, n: int, latency_ms_max: float, folder: Path
) -> dict[str, Any]:
    """The entry of a search on a surrogate: points spread over its front.

    Points that escalate come first; where there are few of them, others fill up.
    """
    from ...bench.files import file_hash
    from ...searchers import get_searcher
    from ...searchers.console import spread
    from ...searchers.search import SearchSettings
    from ...surrogates import Surrogate, SurrogateEvaluator

    limits = {"latency_ms": latency_ms_max}
    settings = SearchSettings(budget=budget, seed=design.seed, limits=limits)
    judge = SurrogateEvaluator(Surrogate.load(folder), load_device(design.device))
    outcome, wanted = get_searcher("nsga2")(judge, settings), design.front_points
    front = outcome.front.take(np.argsort(outcome.front.latency_ms))
    real = np.flatnonzero(front.escalation_rate >= design.least_escalation)
    real = real[spread(len(real), wanted)] if len(real) else real
    others = np.setdiff1d(np.arange(len(front)), real)
    others = others[spread(len(others), wanted)][: wanted - len(real)]
    front = front.take(np.sort(np.concatenate([real, others])))
    order = np.argsort(outcome.singles.latency_ms)
    singles = outcome.singles.architecture[order][spread(len(order), design.front_singles)]
    source = {
        "searcher": "nsga2",
        "device": design.device,
        "budget": budget,
        "seed": design.seed,
        "latency_ms_max": latency_ms_max,
        "surrogate_sha256": file_hash(folder / "surrogate.json"),
    }
    ids, seed = [str(a) for a in singles], len(read_fronts(design.front_seed))
    return front_entry(front, ids, source, n, seed)


def design_report(
    name: str,
    add_front_budget: int | None = None,
    surrogate: Path | None = None,
    networks: int | None = None,
    latency_ms_max: float | None = None,
) -> str:
    """What `describe` says of the design of a table, to which a front may be added before.

    Args:
        name: name of a table whose recipe ships.
        add_front_budget: pairs that a search evaluates on the surrogate, whose front is then added
            to the design; None adds none.
        surrogate: folder of the surrogate to search; None for the one beside the table.
        networks: networks of the front's neighbourhood; None for as many as the design says.
        latency_ms_max: highest latency that the search allows; None for that of the design.

    Raises:
        UnknownNameError: no recipe of such a table ships.
        ConstraintError: a setting of a search is given, but no search is wanted.
    """
    from ...cotrain.schedule import load_schedule
    from .. import table_recipe

    recipe = table_recipe(name)
    design = recipe.design
    if add_front_budget is not None:
        n = networks or design.front_networks
        limit = latency_ms_max or design.front_latency_ms_max
        folder = surrogate or recipe.folder / "surrogate"
        entry = searched_front(design, add_front_budget, n, limit, folder)
        add_front(entry, design.front_seed)
    elif (surrogate, networks, latency_ms_max) != (None, None, None):
        raise ConstraintError(
            "settings of a search were given, but no search is wanted; give the number of pairs "
            "that it may evaluate with --add-front, or leave them out."
        )
    schedule = load_schedule(recipe.schedule)
    return describe(design, get_space(schedule.space), schedule.trained_choices)
