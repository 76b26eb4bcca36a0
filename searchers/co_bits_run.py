"""A co-search with bits as genes as ``biglittle accelerator search --bits`` does it.

Some points of the front are run with their bits on the same images of val: both networks keep what
they say of every image, so that accuracy and escalation rate at the point's gate and threshold are
``simulated``, and stand beside what was ``predicted``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..bench import Benchmark
from ..bench.errors import ConstraintError
from ..bench.figures import counted
from ..bench.mixed_network import MixedNetwork
from ..edge_profiler.accelerators.space import AcceleratorSpace
from ..edge_profiler.accelerators.stage_costs import StageGrid
from .bit_sensitivity import SPLIT
from .bits_domain import BitsDomain
from .bits_lab import Lab
from .bits_pair import RUN_WORDS, mixed_answers
from .bits_run import parsed
from .co_bits import BitsCoEvaluator, bits_evaluator
from .co_evaluator import WORDS
from .co_run import checked_objectives, co_document, shown_rows
from .co_search import CoOutcome, CoSettings, co_search
from .domain import Genes

#: What says what pairs answer, in the config of a document.
EVALUATOR = "bits"
#: Folder of sensitivities beside the document of a search.
KEPT = "sensitivity"
#: How the figures of a point that was run came about.
CHECKED_PROVENANCE = {**RUN_WORDS, **WORDS}


@dataclass(frozen=True)
class BitsQuestion:
    """What is asked of networks whose bits are genes.

    Attributes:
        networks: names of the networks of which pairs are made, ``ARCHITECTURE[@EXIT]``.
        images: number of val images that every run is asked about.
        check: points of those that are shown, spread over them, that are run with their bits.
        start: ``inherited`` or a ``.safetensors`` file.
        data: folder of the images; None: where they were fetched to.

    Raises:
        ConstraintError: a number that is not usable.
    """

    networks: tuple[str, ...]
    images: int = 1000
    check: int = 4
    start: str = "inherited"
    data: Path | None = None

    def __post_init__(self) -> None:
        for name, least in (("images", 1), ("check", 0)):
            if getattr(self, name) < least:
                raise ConstraintError(
                    f"--{name} {getattr(self, name)} is not usable; expected at least {least}."
                )


def checked_networks(bench: Benchmark, names: Sequence[str]) -> tuple[str, ...]:
    """The networks whose bits are genes, each once.

    Raises:
        ConstraintError: there is none, or one has bits already.
        ArchitectureError: a name that cannot be read, or bits that there are not.
        TableError: a network that is not in the table.
    """
    if not names:
        raise ConstraintError(
            "--bits names no network; expected one or more of the table, NETWORK,NETWORK,..."
        )
    free, mixed = parsed(names, bench.table.space.name)
    if mixed:
        raise ConstraintError(
            f"--bits {mixed[0].name[:80]} has bits already, which are what is searched for; leave "
            "out what stands behind the colon."
        )
    for name in free:
        bench.table.network_row(name)
    return tuple(free)


def run_bits_co_search(
    bench: Benchmark,
    accelerators: AcceleratorSpace,
    settings: CoSettings,
    question: BitsQuestion,
    clock_mhz: float,
    top: int,
    folder: Path | None = None,
    tell: Callable[[str], object] = lambda line: None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[CoOutcome, dict[str, Any]]:
    """A co-search over networks, the bits of their stages and accelerators, as plain JSON.

    Args:
        bench: table of the networks.
        accelerators: the space of accelerators, of 8 bits.
        settings: objectives, limit of area, evaluations, seed and searcher.
        question: networks, images, and how many points are run.
        clock_mhz: clock by which cycles are milliseconds.
        top: rows of the front that are shown; those that are run are among them.
        folder: folder in which sensitivities are kept; None: nowhere.
        tell: called with a line about what is done next.
        on_progress: called after every batch with evaluations done, and of how many.

    Raises:
        ConstraintError: no network, or one with bits; no accelerator has so little area, or their
            multipliers are not of 8 bits.
        ArchitectureError: a network or bits that there are not.
        TableError: a network that is not in the table.
        AcceleratorError: no network fits on any of the accelerators.
        CheckpointError: there are no such weights.
    """
    networks = checked_networks(bench, question.networks)
    checked_objectives(settings, accelerators)
    n_classes = bench.table.n_classes
    grid = StageGrid(accelerators, bench.table.space, networks, n_classes, clock_mhz)
    places = accelerators.within(settings.area_mm2)
    lab = Lab.of(bench, question.start, question.data, question.images)
    evaluator = lab_evaluator(lab, grid, places, None if folder is None else folder / KEPT, tell)
    outcome = co_search(evaluator, settings, on_progress)
    sources = {
        "evaluator": EVALUATOR,
        "table": bench.table.name,
        "networks": list(networks),
        "weights_sha256": lab.digest,
        "chosen_on": SPLIT,
        "images": len(lab.images),
    }
    document = co_document(outcome, evaluator, settings, sources, clock_mhz)
    rows = spread(shown_rows(outcome, top), question.check)
    if rows:
        tell(f"running {counted(len(rows), 'point')} of the front with their bits")
        for row, run in zip(rows, simulated(lab, evaluator, outcome.genes[rows]), strict=True):
            document["front"][row]["simulated"] = run
    document["sensitivity"] = [network.as_dict() for network in evaluator.bits.networks]
    return outcome, document


def lab_evaluator(
    lab: Lab,
    grid: StageGrid,
    places: Any,
    folder: Path | None = None,
    tell: Callable[[str], object] = lambda line: None,
) -> BitsCoEvaluator:
    """The evaluator of networks that are run on the images of a lab.

    Args:
        lab: the supernet and the images of val that are asked.
        grid: costs of the stages of the networks.
        places: accelerators that may be chosen, by their place in the space.
        folder: folder in which sensitivities are kept; None: nowhere.
        tell: called with a line about what is done next.

    Raises:
        AcceleratorError: no network fits on any of the accelerators.
    """
    sensitivities = []
    for name in grid.networks:
        tell(f"stage by stage: {name}, {len(lab.images):,} images of {SPLIT}")
        sensitivities.append(lab.sensitivity(name, folder))
    at_most = [MixedNetwork.of(name, "w8a8", grid.space.name) for name in grid.networks]
    tell(f"what {len(at_most)} networks answer with 8 bits")
    answers = mixed_answers(lab, at_most)
    tell(f"what their stages cost on {len(places):,} accelerators")
    began = time.perf_counter()
    evaluator = bits_evaluator(BitsDomain(tuple(sensitivities)), answers, grid, places)
    evaluator.seconds_tables = time.perf_counter() - began
    return evaluator


def spread(rows: Sequence[int], n: int) -> list[int]:
    """At most ``n`` of some rows, evenly from the first to the last."""
    places = np.linspace(0, len(rows) - 1, min(n, len(rows)))
    return [rows[round(float(place))] for place in places]


def simulated(lab: Lab, evaluator: BitsCoEvaluator, x: Genes) -> list[dict[str, Any]]:
    """Operating points whose networks are run with their bits, as plain JSON.

    Args:
        lab: the supernet and the images that are asked.
        evaluator: what the points were predicted by.
        x: rows of its domain with gate and cut, shape (n, n_genes).
    """
    littles, bigs = evaluator.networks(x)
    place = {network: i for i, network in enumerate(dict.fromkeys([*littles, *bigs]))}
    answers = mixed_answers(lab, list(place))
    rows = [np.array([place[one] for one in some], np.intp) for some in (littles, bigs)]
    gate, cut = x[:, evaluator.domain.gate], x[:, evaluator.domain.cut]
    rate, accuracy = answers.points(rows[0], rows[1], gate, cut)
    costs = evaluator.figures(x, rate)
    return [
        {
            "images": len(lab.images),
            "accuracy": round(float(accuracy[i]), 6),
            "escalation_rate": round(float(rate[i]), 6),
            **{name: round(float(costs[name][i]), 6) for name in ("latency_ms", "energy_mj")},
            "provenance": dict(CHECKED_PROVENANCE),
        }
        for i in range(len(x))
    ]
