"""A co-search as ``biglittle accelerator search`` does it: what is searched, and the results."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from .. import __version__
from ..bench import Benchmark
from ..bench.device import parse_profile
from ..bench.documents import json_text
from ..bench.errors import ConstraintError, UnknownNameError
from ..bench.evaluator import AnsweringEvaluator
from ..bench.files import file_hash
from ..bench.recommend import alone
from ..edge_profiler.accelerators.grid import CostGrid, checked_places
from ..edge_profiler.accelerators.parametric import Parameters, toml_text
from ..edge_profiler.accelerators.profile import accelerator_profile
from ..edge_profiler.accelerators.space import AcceleratorSpace
from .co_evaluator import AREA, CoEvaluator
from .co_search import CoJudge, CoOutcome, CoSettings, co_search
from .evaluators.table import TableEvaluator
from .front_files import write_files

#: What says what pairs answer.
EVALUATORS = ("surrogate", "table")
FILE, FOLDER = "co_search.json", "accelerators"
SPLITS = {"chosen_on": "val", "reported_on": "test"}


def co_evaluator(
    on: str,
    bench: Benchmark,
    accelerators: AcceleratorSpace,
    settings: CoSettings,
    clock_mhz: float,
    pair: tuple[str, str] | None = None,
) -> tuple[CoEvaluator, dict[str, Any]]:
    """What a co-search asks, and what its answers rest on.

    Args:
        on: name of what says what pairs answer, one of `EVALUATORS`.
        bench: table of the networks, with its surrogate beside it.
        accelerators: the space of accelerators.
        settings: limit of area and couplings.
        clock_mhz: clock by which cycles are milliseconds.
        pair: names of the only little and big network; None: all that there are.

    Raises:
        UnknownNameError: there is no such evaluator.
        ConstraintError: no accelerator has so little area, the area is to be minimised where there
            is one accelerator alone, or the pair is not a candidate.
        ProfileError: networks of the table's space are not a sum over layers.
        AcceleratorError: no network fits on any of the accelerators.
    """
    if on not in EVALUATORS:
        raise UnknownNameError("evaluator of a co-search", on, EVALUATORS)
    checked_objectives(settings, accelerators)
    grid = CostGrid(accelerators, bench.table.space, bench.table.n_classes, clock_mhz)
    began = time.perf_counter()
    place = int(checked_places(grid, accelerators.within(settings.area_mm2))[0])
    seconds = time.perf_counter() - began
    sources: dict[str, Any] = {"evaluator": on, "table": bench.table.name}
    answering: AnsweringEvaluator
    reporting: AnsweringEvaluator | None = None
    if on == "table":
        device = bench.devices[0]  # any: its costs are not asked for
        answering, reporting = (TableEvaluator(bench, device, split) for split in ("val", "test"))
        sources |= SPLITS
    else:
        from ..surrogates import Surrogate, SurrogateEvaluator

        folder = bench.beside("surrogate")
        surrogate = Surrogate.load(folder)
        sources["surrogate_sha256"] = file_hash(folder / "surrogate.json")
        document = accelerator_profile(
            accelerators.accelerator(place), bench.table.space, bench.table.n_classes, clock_mhz
        )
        answering = SurrogateEvaluator(surrogate, parse_profile(document, document["device"]))
    evaluator = CoEvaluator.of(
        answering, grid, settings.area_mm2, settings.couplings, pair, reporting
    )
    return replace(evaluator, seconds_tables=seconds), sources


def checked_objectives(settings: CoSettings, accelerators: AcceleratorSpace) -> None:
    """Checks that accelerators differ in what is to be minimised.

    Raises:
        ConstraintError: the area is an objective, and there is one accelerator alone.
    """
    if AREA in settings.objectives and len(accelerators) == 1:
        raise ConstraintError(
            f"{AREA} is to be minimised, and {accelerators.name} is one accelerator and not a "
            "space of them; leave the objective out, or give lists of numbers: 'biglittle "
            "accelerator show edge --yaml' prints such a file."
        )


def run_co_search(
    on: str,
    bench: Benchmark,
    accelerators: AcceleratorSpace,
    settings: CoSettings,
    clock_mhz: float,
    pair: tuple[str, str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[CoOutcome, dict[str, Any]]:
    """A co-search, and what it came to as plain JSON; arguments and errors as of `co_evaluator`."""
    evaluator, sources = co_evaluator(on, bench, accelerators, settings, clock_mhz, pair)
    outcome = co_search(evaluator, settings, on_progress)
    sources["pair"] = None if pair is None else list(pair)
    return outcome, co_document(outcome, evaluator, settings, sources, clock_mhz)


def co_document(
    outcome: CoOutcome,
    judge: CoJudge,
    settings: CoSettings,
    sources: dict[str, Any],
    clock_mhz: float,
) -> dict[str, Any]:
    """What a co-search came to as plain JSON: config, accelerators by name, and the front.

    Args:
        outcome: the front with its accelerators.
        judge: what said what candidates are worth.
        settings: what was asked for.
        sources: what the answers rest on, for the config.
        clock_mhz: clock of the accelerators.
    """
    accelerators = judge.domain.accelerators
    config = {
        **asdict(settings),
        **sources,
        "accelerators": accelerators.name,
        "accelerators_to_choose_from": len(judge.domain.allowed),
        "weight_bits": accelerators.weight_bits,
        "activation_bits": accelerators.activation_bits,
        "clock_mhz": clock_mhz,
        "seconds": round(outcome.seconds, 2),
        "version": __version__,
    }
    numbers = {int(place): accelerators.parameters(int(place)) for place in outcome.places}
    records, single = outcome.points.records(), alone(outcome.points).tolist()
    where = zip(outcome.places.tolist(), outcome.areas_mm2.tolist(), single, strict=True)
    for record, (place, area, network) in zip(records, where, strict=True):
        record |= {"accelerator": numbers[place].name, AREA: round(area, 6)}
        record["answers_alone"] = network or None
        record["provenance"] = {**record["provenance"], AREA: "modelled"}
    return {
        "config": config,
        "accelerators": {p.name: structs.asdict(p) for p in numbers.values()},
        "front": records,
    }


def write_co_search(folder: Path, document: dict[str, Any]) -> None:
    """Writes the document, and each accelerator of the front as a file that other verbs take.

    Raises:
        BigLittleError: the folder cannot be written to.
    """
    write_files(folder, {FILE: json_text(document, indent=2) + "\n"})
    files = {
        f"{name}.toml": toml_text(Parameters(**numbers))
        for name, numbers in document["accelerators"].items()
    }
    write_files(folder / FOLDER, files)


def shown_rows(outcome: CoOutcome, top: int) -> list[int]:
    """Rows of a front for a reader, from small errors to large ones.

    The front is cut into as many parts of equally many points, and of each part the point with the
    least product of its other objectives is shown.

    Args:
        outcome: what a co-search found, its front by its first objective.
        top: number of rows at most.
    """
    n = len(outcome.points)
    others = np.log(np.maximum(outcome.values[:, 1:], 1e-12)).sum(axis=1)
    parts = np.array_split(np.arange(n), min(top, n))
    return [int(part[others[part].argmin()]) for part in parts]
