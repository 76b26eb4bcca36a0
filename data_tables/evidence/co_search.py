"""What searching a pair and its accelerator together is worth, against one after the other.

On a part of the table and all accelerators within a limit of area the optimum can be worked out, so
that every search has a regret: the share of the true front's hypervolume that it misses. Beside the
co-search stand the two ways that fix one side: the networks are searched on one accelerator, or the
accelerator is searched for one pair. Each is also given the exact answer to its own question, which
says what no search on that side alone could reach. Whole networks of the 9^22 have no optimum to be
held against; there the ways are compared by hypervolume, and the time is that of one core.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...bench import Benchmark
from ...bench.evaluator import AnswerCurves
from ...bench.hypervolume import Reference, hypervolume, reference_of
from ...bench.pareto import nondominated
from ...edge_profiler.accelerators.profile import CLOCK_MHZ
from ...edge_profiler.accelerators.space import AcceleratorSpace, load_space
from ...searchers.co_evaluator import CoEvaluator
from ...searchers.co_run import co_evaluator
from ...searchers.co_search import CoSettings, co_search
from ..flagship import RECIPE
from ._page import Step, versions

SPACE, AREA_MM2 = "edge", 0.3
OBJECTIVES = ("error", "latency_ms", "energy_mj")
N_SEEDS = 5
#: Whole networks of the table, evenly from few MACs to many, whose pairs are all gone through.
N_NETWORKS = 30
#: Evaluations of a search among these, and among all networks of the space.
FEW, MANY = 2_000, 20_000
WAYS = ("both together", "networks on a fixed accelerator", "accelerator for a fixed pair")
Array = NDArray[np.float64]
Places = NDArray[np.intp]


def measure() -> dict[str, Any]:
    """Searches both ways under five seeds; some minutes of one core."""
    bench = Benchmark.load(RECIPE.name)
    space = load_space(SPACE)
    settings = CoSettings(objectives=OBJECTIVES, area_mm2=AREA_MM2, evaluations=FEW, population=50)
    evaluator, _ = co_evaluator("table", bench, space, settings, CLOCK_MHZ)
    evaluator = of_some(evaluator, N_NETWORKS)
    places = evaluator.domain.allowed
    own = exact_fronts(evaluator)
    whole = np.concatenate(list(own.values()))
    box = reference_of(whole[nondominated(whole)], OBJECTIVES)
    chip, pair = fixed_sides(evaluator, box)
    regrets = np.array([regret(box, own[int(place)]) for place in places])
    of_pair = replace(evaluator, domain=replace(evaluator.domain, pair=pair))
    every = of_pair.domain.joined(np.repeat(pair, len(places), axis=0), places)
    alone = of_pair.values(every, OBJECTIVES)[2]
    records: dict[str, dict[str, Any]] = {
        WAYS[0]: {"exact": 0.0, "regret": []},
        WAYS[1]: {"exact": float(regrets[list(places).index(chip)]), "regret": []},
        WAYS[2]: {"exact": regret(box, alone), "regret": []},
    }
    for seed in range(N_SEEDS):
        for way, judge in ways(evaluator, chip, pair).items():
            outcome = co_search(judge, replace(settings, seed=seed))
            records[way]["regret"].append(regret(box, outcome.values))
    some = {
        "networks": N_NETWORKS,
        "pairs": N_NETWORKS**2,
        "front": box.n_points,
        "evaluations": FEW,
        "ways": records,
        "fixed_accelerator": space.parameters(chip).name,
        "fixed_area_mm2": float(space.areas_mm2[chip]),
        "fixed_pair": pair_names(evaluator, pair),
        "regret_of_each_accelerator": [float(q) for q in np.quantile(regrets, [0, 0.5, 1])],
    }
    return {
        "space": SPACE,
        "area_mm2": AREA_MM2,
        "accelerators": len(space),
        "within": len(places),
        "objectives": list(OBJECTIVES),
        "some": some,
        "all": of_all(bench, space, chip, pair_names(evaluator, pair)),
        "timed": timed(bench, space),
    }


def of_some(evaluator: CoEvaluator, n: int) -> CoEvaluator:
    """The same among few whole networks of the table, evenly spread over their MACs."""
    pairs = evaluator.domain.pairs
    assert pairs.listed is not None
    rows = np.unique(np.linspace(0, len(pairs.listed) - 1, n).round().astype(int))
    few = replace(pairs, listed=pairs.listed[rows], exits=None)
    return replace(evaluator, domain=replace(evaluator.domain, pairs=few))


def every_pair(evaluator: CoEvaluator) -> NDArray[np.int64]:
    """Genes of all pairs of the listed networks."""
    pairs = evaluator.domain.pairs
    assert pairs.listed is not None
    n = len(pairs.listed)
    rows = np.zeros((n * n, pairs.n_genes), np.int64)
    rows[:, 0], rows[:, 1] = np.repeat(np.arange(n), n), np.tile(np.arange(n), n)
    return rows


class _Answered:
    """An evaluator that was asked already about all pairs in one order."""

    def __init__(self, evaluator: CoEvaluator, pairs: NDArray[np.int64]) -> None:
        self.judge = evaluator.answering
        self.curves = self.judge.answers(*evaluator.domain.pairs.networks(pairs))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.judge, name)

    def answers(self, *pairs: Any) -> AnswerCurves:
        """What these pairs answer, whose order is always the same."""
        return self.curves


def exact_fronts(evaluator: CoEvaluator) -> dict[int, Array]:
    """Objectives of the true front of all pairs on each accelerator that is allowed, by place."""
    domain, pairs = evaluator.domain, every_pair(evaluator)
    quick = replace(evaluator, answering=cast(Any, _Answered(evaluator, pairs)))
    fronts = {}
    for place in domain.allowed.tolist():
        values = quick.values(domain.joined(pairs, np.full(len(pairs), place)), OBJECTIVES)[2]
        fronts[place] = values[nondominated(values)]
    return fronts


def fixed_sides(evaluator: CoEvaluator, box: Reference) -> tuple[int, NDArray[np.int64]]:
    """The accelerator and the pair that somebody would fix who does one after the other.

    The accelerator is the one with the least product of latency and energy for the network in the
    middle of the list. The pair is that of the point which adds most to the hypervolume alone,
    among all pairs on this accelerator.
    """
    domain = evaluator.domain
    assert domain.pairs.listed is not None
    n = len(domain.pairs.listed)
    middle = np.repeat(domain.pairs.listed[[n // 2]], len(domain.allowed), axis=0)
    costs = evaluator.grid.costs(domain.allowed, middle)
    chip = int(domain.allowed[int(np.nanargmin(costs.latency_ms * costs.energy_mj))])
    pairs = every_pair(evaluator)
    x = domain.joined(pairs, np.full(len(pairs), chip))
    _, owner, values = evaluator.values(x, OBJECTIVES)
    room = np.prod(np.clip(np.array(box.nadir) - values, 0, None), axis=1)
    return chip, pairs[[int(owner[int(room.argmax())])]]


def pair_names(evaluator: CoEvaluator, pair: NDArray[np.int64]) -> list[str]:
    """Names of the networks of a row."""
    little, big = evaluator.domain.pairs.networks(pair)
    space = evaluator.domain.space
    return [space.format(little)[0], space.format(big)[0]]


def ways(evaluator: CoEvaluator, chip: int, pair: NDArray[np.int64]) -> dict[str, CoEvaluator]:
    """The evaluators of the three ways."""
    domain = evaluator.domain
    on_chip = replace(domain, allowed=np.array([chip], np.intp))
    of_pair = replace(domain, pair=pair)
    domains = (domain, on_chip, of_pair)
    return {way: replace(evaluator, domain=d) for way, d in zip(WAYS, domains, strict=True)}


def regret(box: Reference, values: Array) -> float:
    """Share of the true front's hypervolume that objectives miss."""
    best = values[nondominated(values)]
    return float(1.0 - hypervolume(best, box.utopian, box.nadir) / box.hypervolume)


def of_all(
    bench: Benchmark, space: AcceleratorSpace, chip: int, names: list[str]
) -> dict[str, Any]:
    """Hypervolumes of the three ways among all networks, in the box of all that was found."""
    settings = CoSettings(objectives=OBJECTIVES, area_mm2=AREA_MM2, evaluations=MANY)
    evaluator, _ = co_evaluator("surrogate", bench, space, settings, CLOCK_MHZ)
    named = (names[0], names[1])
    of_pair, _ = co_evaluator("surrogate", bench, space, settings, CLOCK_MHZ, named)
    assert of_pair.domain.pair is not None
    values: dict[str, list[Array]] = {way: [] for way in WAYS}
    for seed in range(N_SEEDS):
        for way, judge in ways(evaluator, chip, of_pair.domain.pair).items():
            values[way].append(co_search(judge, replace(settings, seed=seed)).values)
    every = np.concatenate([one for some in values.values() for one in some])
    box = reference_of(every[nondominated(every)], OBJECTIVES)
    volumes = {
        way: [hypervolume(one, box.utopian, box.nadir) / box.hypervolume for one in some]
        for way, some in values.items()
    }
    return {"evaluations": MANY, "hypervolume": volumes, "front": box.n_points}


def timed(bench: Benchmark, space: AcceleratorSpace) -> dict[str, Any]:
    """Processor seconds of a co-search with all four objectives and no limit of area."""
    records = {}
    for on in ("surrogate", "table"):
        settings = CoSettings(evaluations=MANY)
        began, clock = time.process_time(), time.perf_counter()
        evaluator, _ = co_evaluator(on, bench, space, settings, CLOCK_MHZ)
        tables = time.process_time() - began
        outcome = co_search(evaluator, settings)
        records[on] = {
            "evaluations": outcome.evaluations,
            "processor_s": round(time.process_time() - began, 1),
            "tables_s": round(tables, 1),
            "wall_s": round(time.perf_counter() - clock, 1),
            "points": len(outcome.points),
        }
    return records


def page(figures: dict[str, Any]) -> str:
    """What the page of accelerators says."""
    some, every, clock = figures["some"], figures["all"], figures["timed"]

    def spread(shares: Sequence[float]) -> str:
        each = 100 * np.asarray(shares)
        return f"{each.mean():.2f} ({each.min():.2f} to {each.max():.2f})"

    lines = [
        "| searched | regret, % | regret of the exact answer, % | hypervolume among all, % |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {way} | {spread(some['ways'][way]['regret'])} | {100 * some['ways'][way]['exact']:.2f} "
        f"| {spread(every['hypervolume'][way])} |"
        for way in WAYS
    ]
    gain = [100 * np.mean(every["hypervolume"][way]) for way in WAYS]
    least, middle, most = some["regret_of_each_accelerator"]
    seconds = clock["surrogate"]
    lines += [
        "",
        f"Accelerators of `{figures['space']}` of at most {figures['area_mm2']:g} mm2 "
        f"({figures['within']} of {figures['accelerators']:,}); objectives "
        f"{', '.join(figures['objectives'])}; mean and range over {N_SEEDS} seeds. Regret: "
        f"{some['networks']} whole networks of the table make {some['pairs']} pairs, of which all "
        "operating points on all accelerators were gone through; the true front has "
        f"{some['front']:,} points, and a search had {some['evaluations']:,} evaluations. The "
        f"fixed accelerator, `{some['fixed_accelerator']}`, has the least product of latency and "
        "energy for the network in the middle; the fixed pair is the one that is worth most on it. "
        "With another accelerator fixed the exact answer to the networks' side misses "
        f"{100 * least:.1f} % (the best), {100 * middle:.1f} % (the middling) or "
        f"{100 * most:.1f} % (the worst). Hypervolume: all networks of the space by the surrogate, "
        f"{every['evaluations']:,} evaluations, as a share of that of all these fronts together. "
        "All costs are modelled; accuracies are measured on val in the first two columns, and "
        "predicted in the last.",
        "",
        "So most of the worth lies in not fixing the pair: among all networks a co-search has "
        f"{gain[0] - gain[2]:+.1f} points of hypervolume against that, and "
        f"{gain[0] - gain[1]:+.2f} points against an accelerator that was chosen well "
        "before, which is near the best for all networks under this model of costs. "
        "Chosen badly, it is expensive.",
        "",
        f"A co-search of {seconds['evaluations']:,} evaluations with all four objectives and no "
        f"limit takes {seconds['processor_s']:.0f} s of one core with the surrogate, "
        f"{seconds['tables_s']:.0f} of them for the tables of {figures['accelerators']:,} "
        f"accelerators, and {clock['table']['processor_s']:.0f} s in the table; asked for was at "
        "most 30.",
        "",
        f"`python -m biglittle.data_tables.evidence co_search`, {versions(figures)}.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"co_search": page}, of_table=True)
