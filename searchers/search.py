"""What every searcher is: something that is asked for candidates and told what they are worth.

A searcher's file says how it starts; everything else is here. ``run`` asks, evaluates, tells, and
keeps the log, until the budget is spent. A search that was stopped goes on from its log: it is
asked again, told what is logged, and asked on.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from threadpoolctl import threadpool_limits

from ..bench import Candidates, Evaluator
from ..bench.errors import CheckpointError, ConstraintError
from ..bench.figures import counted
from ..bench.files import check_writable
from ..bench.locks import holding
from .counting import CountingEvaluator, Scores
from .domain import Domain, Genes, first_of_each
from .initial_budget import InitialBudget
from .log import EvaluationLog
from .outcome import OnProgress, Progress, SearchOutcome, Snapshot
from .settings import SearchSettings
from .singles import SINGLE_COSTS, SingleNetworks
from .unseen import Unseen

_COSTS = ("latency_ms", "energy_mj")  # of a network, that differ from device to device
_ASKED = ("space", "choices", "gates", "n_classes", "evaluate", "networks")  # of an evaluator
SAVE_EVERY_S = 10.0  # a killed search loses at most this and the batch it was at


@dataclass(frozen=True)
class Batch:
    """What a searcher wants evaluated.

    Attributes:
        genes: rows of the domain, shape (n, n_genes); none: it has nothing left to ask.
        fidelity: one of the problem's fidelities; each row costs this share of an evaluation.
    """

    genes: Genes
    fidelity: float = 1.0


@dataclass(frozen=True)
class Problem:
    """What a searcher knows before it starts.

    Attributes:
        domain: candidates, and the moves among them.
        n_values: figures to minimise; 1 under a soft score.
        n_limits: number of limits to meet.
        population: candidates to ask for at once.
        seed: seed of the searcher's random numbers.
        fidelities: shares of a full evaluation that can be asked for, rising; the last is 1.
        warm: rows to begin with, shape (n, n_genes); all of their networks keep the budgets.
        initial: budgets of each network of the first population; None: there are none.
    """

    domain: Domain
    n_values: int
    n_limits: int
    population: int
    seed: int
    fidelities: tuple[float, ...]
    warm: Genes
    initial: InitialBudget | None = None

    def first(self, rng: np.random.Generator, n: int) -> Genes:
        """Rows to begin with: the warm ones, then networks of all sizes within the budgets."""
        fresh = self.domain.sample_sizes(rng, max(0, n - len(self.warm)))
        if self.initial is not None:
            fresh = self.initial.refill(rng, fresh)
        return np.concatenate([self.warm[:n], fresh])

    def uniform(self, rng: np.random.Generator, n: int, unseen: Unseen) -> Genes:
        """Up to ``n`` new rows to begin with, drawn uniformly and brought within the budgets."""
        if self.initial is None:
            return unseen.draw(lambda k: self.domain.sample(rng, k), n)
        return unseen.note(unseen.of(self.initial.refill(rng, self.domain.sample(rng, n))))


class Strategy(Protocol):
    """A search under way."""

    def ask(self, room: int) -> Batch:
        """What to evaluate next, at most ``room`` full evaluations (``room`` > 0)."""
        ...

    def tell(self, batch: Batch, scores: Scores) -> None:
        """What the batch that was asked for is worth."""
        ...


@dataclass(frozen=True)
class Searcher:
    """Looks for the front of an evaluator within a budget.

    Attributes:
        start: a strategy for a problem; the same problem gives the same strategy.
        name: key of the searcher, for logs.
    """

    start: Callable[[Problem], Strategy]
    name: str = ""

    def __call__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        on_progress: OnProgress | None = None,
        checkpoint: Path | None = None,
        warm: Candidates | None = None,
    ) -> SearchOutcome:
        """The front found.

        Args:
            evaluator: answers candidates with operating points.
            settings: objectives, limits, budget, seed.
            on_progress: called after every batch with how far the search is.
            checkpoint: file of the log; a search goes on from what it holds.
            warm: candidates to begin with; they count as evaluations. Those beyond the budgets of
                the first population are left out.

        Raises:
            ConstraintError: nothing that was evaluated meets the limits, no first population keeps
                its budgets, or what was given is not an evaluator.
            CheckpointError: the checkpoint is of another search, or of an evaluator that answers
                otherwise (another device, table or supernet).
            InUseError: another process writes the checkpoint.
        """
        if not all(hasattr(evaluator, name) for name in _ASKED):
            raise ConstraintError(
                f"{evaluator!r:.80} is not an evaluator but of type {type(evaluator).__name__}; "
                "pass what answers candidates, such as TableEvaluator(bench, DEVICE) or "
                "SurrogateEvaluator(surrogate, DEVICE)."
            )
        if checkpoint is not None:
            check_writable(checkpoint.parent, checkpoint.name, option="--checkpoint")
        # The products of a search are small: threads of BLAS would wait for each other.
        with threadpool_limits(limits=1, user_api="blas"), holding(checkpoint):
            return self._search(evaluator, settings, on_progress, checkpoint, warm)

    def _search(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        on_progress: OnProgress | None,
        checkpoint: Path | None,
        warm: Candidates | None,
    ) -> SearchOutcome:
        counting = CountingEvaluator(evaluator, settings, on_progress)
        domain = counting.domain
        rows = np.zeros((0, domain.n_genes), np.int64) if warm is None else domain.genes(warm)
        header = _header(self.name, settings, domain, rows)
        if checkpoint is not None:
            header["cheapest_network"] = _answers(evaluator, domain)
        counting = CountingEvaluator(evaluator, settings, on_progress, header)
        initial, warm_rows = None, rows[first_of_each(domain.keys(rows))]
        if settings.initial:
            initial = InitialBudget(domain, evaluator.n_classes, settings.initial)
            warm_rows = warm_rows[initial.keeps(warm_rows).all(axis=1)]
        strategy = self.start(
            Problem(
                domain=domain,
                n_values=1 if settings.soft else len(settings.objectives),
                n_limits=len(settings.limits),
                population=settings.batch,
                seed=settings.seed,
                fidelities=counting.fidelities,
                warm=warm_rows,
                initial=initial,
            )
        )
        if checkpoint is not None and checkpoint.exists():
            _replay(counting, strategy, header, checkpoint)
        saved = time.perf_counter()
        try:
            while counting.remaining >= min(counting.fidelities):
                batch = strategy.ask(max(1, int(counting.remaining)))
                fits = int(counting.remaining / batch.fidelity + 1e-9)
                batch = replace(batch, genes=batch.genes[:fits])
                if not len(batch.genes):
                    break
                strategy.tell(batch, counting.evaluate(batch.genes, batch.fidelity))
                if checkpoint is not None and time.perf_counter() - saved > SAVE_EVERY_S:
                    counting.log().write(checkpoint)
                    saved = time.perf_counter()
        except KeyboardInterrupt:
            if checkpoint is not None and counting.spent:
                counting.log().write(checkpoint)
            raise
        if not counting.spent:
            raise ConstraintError(f"{self.name or 'the searcher'} asked for no evaluation at all.")
        if checkpoint is not None:
            counting.log().write(checkpoint)
        return counting.outcome()

    def run(
        self, evaluator: Evaluator, budget: int, seed: int = 0, **settings: Any
    ) -> SearchOutcome:
        """The front found within a budget; ``settings`` are those of `SearchSettings`.

        Raises:
            ConstraintError: not an evaluator, settings that are not usable, or limits that nothing
                meets.
        """
        return self(evaluator, SearchSettings(budget=budget, seed=seed, **settings))


def _header(name: str, settings: SearchSettings, domain: Domain, warm: Genes) -> dict[str, Any]:
    options = asdict(settings)
    del options["budget"]  # a search may go on under a larger one
    options["objectives"] = list(settings.objectives)
    return {
        "searcher": name,
        **options,
        "space": domain.space.name,
        "domain_sha256": domain.sha256,
        "warm_sha256": hashlib.sha256(warm.tobytes()).hexdigest(),
    }


def _answers(evaluator: Evaluator, domain: Domain) -> dict[str, str]:
    """What an evaluator says of its cheapest network: a device, a table, weights tell apart."""
    genomes = domain.listed
    if genomes is None:
        every = np.repeat(domain.allowed[:, None], domain.space.n_layers, axis=1)
        genomes = every[np.argsort(domain.space.macs(every, n_classes=1), kind="stable")]
    cheapest = evaluator.networks(genomes[:1])
    figures = {"accuracy": cheapest.accuracy, **{n: getattr(cheapest.costs, n) for n in _COSTS}}
    # five digits: another machine may round the sixth otherwise, another device differs in more
    return {name: f"{float(value[0]):.5g}" for name, value in figures.items()}


def _replay(
    counting: CountingEvaluator, strategy: Strategy, header: dict[str, Any], path: Path
) -> None:
    """Asks a strategy again and tells it what is logged, until the log ends."""
    log = EvaluationLog.read(path)
    log.check(header, path)
    if log.batches:
        words, split = log.header.get("provenance"), log.header.get("split")
        if words is None:
            raise CheckpointError(
                f"the checkpoint {path} does not say how its figures came about; name another file."
            )
        counting.told(words, split)
    for logged in log.batches:
        if len(logged) * logged.fidelity > counting.remaining + 1e-9:
            raise CheckpointError(
                f"the checkpoint {path} holds "
                f"{counted(log.n_evaluations, 'evaluation')}, more than the "
                f"budget of {counting.settings.budget}; raise the budget or name another file."
            )
        batch = strategy.ask(max(1, int(logged.room)))
        batch = replace(batch, genes=batch.genes[: len(logged)])
        same = batch.fidelity == logged.fidelity and np.array_equal(batch.genes, logged.genes)
        if not same:
            raise CheckpointError(
                f"the searcher asks for other candidates than those in the checkpoint {path}: it "
                "is of another version of the code. Name another file, or delete it."
            )
        strategy.tell(batch, counting.replay(logged))


__all__ = [
    "SINGLE_COSTS",
    "Batch",
    "CountingEvaluator",
    "OnProgress",
    "Problem",
    "Progress",
    "Scores",
    "SearchOutcome",
    "SearchSettings",
    "Searcher",
    "SingleNetworks",
    "Snapshot",
    "Strategy",
]
