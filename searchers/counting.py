"""An evaluator with a budget, a clock, a log, an archive and limits."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import BigLittleError, Evaluator, Points
from ..bench.coupling import SIBLING, coupling_names, pair_kinds
from ..bench.errors import ConstraintError
from ..bench.evaluator import FidelityEvaluator, SweepingEvaluator, precision_of, shares_nothing
from ..bench.figures import POINT_FIGURES, get_figure
from ..bench.gates import N_CODES
from ..bench.limits import unreachable
from ..bench.network_names import network_names
from ..bench.pareto import nondominated
from ..bench.provenance import LATENCIES, MemberWords, Ranks, ranks_of, weakest
from ..bench.recommend import NO_GATE
from ..bench.rows import COUPLINGS
from ..bench.spaces import Genomes
from .domain import Domain, Genes
from .evaluators.grid import GridSweeps
from .log import EvaluationLog, LoggedBatch
from .outcome import OnProgress, Progress, SearchOutcome, Snapshot
from .settings import SearchSettings
from .singles import best_of

Array = NDArray[np.float64]
_KEPT = ("threshold", *POINT_FIGURES)
#: Figures that come about in one way in some points, otherwise in others, and what goes with them.
_FOLLOWERS = {"latency_ms": LATENCIES, "energy_mj": ("energy_mj",)}
#: Columns of a batch with the places of their words in ``PROVENANCES``; NaN: nobody said.
_WORDS = {name: f"{name}_provenance" for name in _FOLLOWERS}


@dataclass(frozen=True)
class Scores:
    """What a searcher learns about a batch of n candidates: m operating points.

    Where the gate is a gene, m is n; where it is optimised inside, each candidate has those of its
    points that no other of its points dominates.

    Attributes:
        genes: genes of each point, gate and cut filled in, shape (m, n_genes).
        owner: which candidate each point is of, rising, shape (m,); every candidate has one.
        values: shape (m, n_values), everything minimised; NaN where there is no figure. The
            objectives, or the negative of the soft score alone.
        excess: by how much each limit is exceeded, as a share of the limit, shape (m, n_limits);
            0 or less where it is met.
        usable: whether every figure asked for has a value, shape (m,). What is not usable may not
            be ranked.
    """

    genes: Genes
    owner: NDArray[np.intp]
    values: Array
    excess: Array
    usable: NDArray[np.bool_]

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Usable and within every limit, shape (m,)."""
        return self.usable & (self.excess <= 0).all(axis=1)


class CountingEvaluator:
    """An evaluator with a budget, a clock, a log, an archive and limits. One serves one search.

    Args:
        evaluator: answers candidates with operating points.
        settings: objectives, limits, budget, and where the gate is chosen.
        on_progress: called after every batch with how far the search is.
        header: what the log says of the search, plain JSON.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        settings: SearchSettings,
        on_progress: OnProgress | None = None,
        header: Mapping[str, Any] | None = None,
    ) -> None:
        sweeps = isinstance(evaluator, SweepingEvaluator)
        inside = settings.gate == "inside" or (settings.gate == "auto" and sweeps)
        if inside and not sweeps and evaluator.gates:
            evaluator = GridSweeps(evaluator)
        self.evaluator, self.settings = evaluator, settings
        self.domain = Domain.of(evaluator, inside, settings.couplings)
        self.fidelities: tuple[float, ...] = (
            tuple(evaluator.fidelities) if isinstance(evaluator, FidelityEvaluator) else (1.0,)
        )
        self._at: dict[float, Evaluator] = {1.0: evaluator}
        self._on_progress = on_progress
        self._header = dict(header or {})
        self._began = time.perf_counter()
        self._evaluating = 0.0
        self._spent = 0.0
        self._counts = {"evaluated": 0, "infeasible": 0, "unusable": 0}
        self._networks: list[Genomes] = []
        self._batches: list[LoggedBatch] = []
        self._history: list[Snapshot] = []
        self._reach: dict[str, float] = {}
        self._known: set[str] = set()
        self._told: tuple[dict[str, str], str | None] | None = None
        self._front: tuple[Genes, dict[str, Array]] | None = None
        self._best: tuple[Genes, dict[str, Array]] | None = None

    # ---- the budget ------------------------------------------------------------------------
    @property
    def spent(self) -> float:
        """Budget spent; an evaluation costs its fidelity."""
        return self._spent

    @property
    def remaining(self) -> float:
        """Budget left, in full evaluations."""
        left = self.settings.budget - self._spent
        return left if left > 1e-9 else 0.0

    # ---- evaluating ------------------------------------------------------------------------
    def evaluate(self, x: Genes, fidelity: float = 1.0) -> Scores:
        """Scores of candidates, which are counted, logged, archived and set against the limits.

        Args:
            x: rows of the domain, shape (n, n_genes), n > 0.
            fidelity: one of ``fidelities``, the share of a full evaluation that each costs.

        Raises:
            BigLittleError: the evaluator returned another number of points than it was given, or
                figures of another provenance than before.
        """
        n, room = len(x), self.remaining
        assert 0 < n * fidelity <= room + 1e-9, f"{n} candidates at {fidelity}, {room} left"
        began = time.perf_counter()
        owner, gate, cut, figures = self._asked(x, fidelity)
        self._evaluating += time.perf_counter() - began
        batch = LoggedBatch(x, room, fidelity, 0.0, owner, gate, cut, figures)
        if len(owner) > n:
            batch = self._reduced(batch)
        elapsed = {"ended_s": time.perf_counter() - self._began}
        return self._take_in(LoggedBatch(**{**vars(batch), **elapsed}))

    def replay(self, batch: LoggedBatch) -> Scores:
        """The same for a batch that was evaluated before, from the log.

        Raises:
            BigLittleError: points of gates or cuts that there are not, or without the figures that
                this search needs.
        """
        n_gates, names = max(1, self.domain.n_gates), {*batch.figures, "error"}
        missing = sorted(({*self.settings.figures, "accuracy"}) - names)
        unknown = sorted(set(batch.figures) - {*_KEPT, *_WORDS.values()})
        beyond = batch.gate.max(initial=0) >= n_gates or batch.cut.max(initial=0) > N_CODES
        if missing or unknown or beyond:
            what = f"figure {(missing + unknown)[0][:80]!r}" if missing + unknown else "gate or cut"
            raise BigLittleError(
                f"the log's points do not fit this search: {what} is missing or unknown. Name "
                "another file."
            )
        unsaid = {column: np.full(len(batch.owner), np.nan) for column in _WORDS.values()}
        return self._take_in(replace(batch, figures={**unsaid, **batch.figures}))

    def told(self, provenance: Mapping[str, str], split: str | None) -> None:
        """Notes how figures came about; of costs the least founded word stays.

        What a network costs may be measured, summed or predicted, so that batches differ. What it
        answers comes about in one way for all.

        Raises:
            BigLittleError: other figures than before, answers that came about otherwise, or those
                to other images.
        """
        now = dict(provenance)
        if self._told is not None:
            before, answers = self._told[0], ("accuracy", "escalation_rate")
            same = all(before.get(name) == now.get(name) for name in answers)
            if not same or self._told[1] != split or before.keys() != now.keys():
                raise BigLittleError(
                    "the evaluator changed the provenance of its figures during the search, from "
                    f"{self._told} to {(now, split)}."
                )
            now = dict(weakest([before, now]))
        self._told = now, split

    def _asked(
        self, x: Genes, fidelity: float
    ) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64], dict[str, Array]]:
        if fidelity not in self._at:
            assert isinstance(self.evaluator, FidelityEvaluator)
            self._at[fidelity] = self.evaluator.at(fidelity)
        judge = self._at[fidelity]
        if self.domain.inside and self.domain.n_gates:
            assert isinstance(judge, SweepingEvaluator)
            cuts = self.domain.cuts(x)  # an evaluator of whole networks is not told of any
            both = self.domain.networks(x)
            swept = judge.sweep(*both) if cuts is None else judge.sweep(*both, cuts)
            owner, gate, cut = swept.owner, swept.gate, swept.cut
            figures, provenance, split = swept.figures, swept.provenance, swept.split
            if len(np.unique(owner)) != len(x):
                raise BigLittleError(
                    f"the evaluator returned points of {len(np.unique(owner))} pairs for {len(x)}; "
                    "expected at least one each."
                )
        else:
            candidates = self.domain.candidates(x)
            points = judge.evaluate(candidates)
            if len(points) != len(x):
                raise BigLittleError(
                    f"the evaluator returned {len(points)} operating points for {len(x)} "
                    "candidates; expected one each, in their order."
                )
            owner, gate, cut = np.arange(len(x)), candidates.gate, candidates.cut
            figures = {name: np.asarray(getattr(points, name), np.float64) for name in _KEPT}
            provenance, split = points.provenance, points.split
        self.told(provenance, split)
        columns = {name: figures[name] for name in _KEPT}
        for name, column in _WORDS.items():
            rank = ranks_of(provenance, name) if name in provenance else np.nan
            columns[column] = np.broadcast_to(rank, len(owner)).astype(np.float64)
        return owner, gate, cut, columns

    # ---- what points are worth -------------------------------------------------------------
    def _minimised(self, figures: Mapping[str, Array]) -> Array:
        whole = {**figures, "error": 1.0 - figures["accuracy"]}
        self._known |= {n for n in self.settings.figures if np.isfinite(whole[n]).any()}
        return np.stack(
            [get_figure(n).minimised(whole[n]) for n in self.settings.objectives], axis=1
        )

    def _soft(self, figures: Mapping[str, Array]) -> Array:
        score = self.settings.score
        assert score is not None
        return -score.of({**figures, "error": 1.0 - figures["accuracy"]})

    def _excess(self, figures: Mapping[str, Array]) -> Array:
        whole = {**figures, "error": 1.0 - figures["accuracy"]}
        self._known |= {n for n in self.settings.figures if np.isfinite(whole[n]).any()}
        out = np.zeros((len(figures["accuracy"]), len(self.settings.limits)))
        for column, (name, limit) in enumerate(self.settings.limits.items()):
            objective = get_figure(name)
            # signed before the difference, so that a figure equal to its limit meets it exactly
            signed = objective.minimised(whole[name]) - float(
                objective.minimised(np.array([limit]))[0]
            )
            out[:, column] = signed / (abs(limit) or 1.0)
        return out

    def _judged(self, figures: Mapping[str, Array]) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Objectives (m, k), excess (m, n_limits), and which rows have every figure (m,)."""
        objectives, excess = self._minimised(figures), self._excess(figures)
        columns = [objectives, excess]
        if self.settings.soft:
            columns.append(self._soft(figures)[:, None])
        usable = np.asarray(np.isfinite(np.concatenate(columns, axis=1)).all(axis=1))
        return np.where(usable[:, None], objectives, np.nan), excess, usable

    def _reduced(self, batch: LoggedBatch) -> LoggedBatch:
        """Of each candidate the points that count; where none is feasible, the nearest to it."""
        objectives, excess, usable = self._judged(batch.figures)
        feasible = usable & (excess <= 0).all(axis=1)
        soft = self._soft(batch.figures) if self.settings.soft else None
        ends = np.searchsorted(batch.owner, np.arange(len(batch) + 1))
        rows_of_each = []
        for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            good = np.flatnonzero(feasible[start:end]) + start
            if len(good):
                rows = good[nondominated(objectives[good])]
                if soft is not None:
                    rows = np.append(rows, good[np.argmin(soft[good])])
            else:
                some = np.flatnonzero(usable[start:end]) + start
                if not len(some):
                    rows_of_each.append(np.array([start]))
                    continue
                total = np.maximum(excess[some], 0).sum(axis=1)
                nearest = [total, *excess[some].T]
                rows = some[[int(np.argmin(column)) for column in nearest]]
            rows_of_each.append(np.unique(rows))
        index = np.concatenate(rows_of_each)
        figures = {name: column[index] for name, column in batch.figures.items()}
        picked = {k: getattr(batch, k)[index] for k in ("owner", "gate", "cut")}
        return LoggedBatch(**{**vars(batch), **picked, "figures": figures})

    def _take_in(self, batch: LoggedBatch) -> Scores:
        objectives, excess, usable = self._judged(batch.figures)
        genes = batch.genes[batch.owner].copy()
        if self.domain.n_gates:
            genes[:, self.domain.gate], genes[:, self.domain.cut] = batch.gate, batch.cut
        values = objectives
        if self.settings.soft:
            values = np.where(usable, self._soft(batch.figures), np.nan)[:, None]
        scores = Scores(genes, batch.owner, values, excess, usable)
        n = len(batch)
        some = np.zeros((2, n), bool)
        some[0, batch.owner[usable]] = True
        some[1, batch.owner[scores.feasible]] = True
        self._spent += n * batch.fidelity
        self._counts["evaluated"] += n
        self._counts["unusable"] += int((~some[0]).sum())
        self._counts["infeasible"] += int((some[0] & ~some[1]).sum())
        self._note_reach(batch.figures)
        self._networks += self.domain.network_rows(batch.genes)
        self._batches.append(batch)
        if batch.fidelity == 1.0 or self._front is None:
            good = scores.feasible if batch.fidelity == 1.0 else np.zeros(len(usable), bool)
            self._archive(genes[good], batch.figures, good)
        assert self._front is not None
        at, done = batch.ended_s, int(self._spent + 1e-6)
        self._history.append(Snapshot(done, self._minimised(self._front[1]), at))
        if self._on_progress is not None:
            self._on_progress(Progress(done, self.settings.budget, len(self._front[0]), at))
        return scores

    def _note_reach(self, figures: Mapping[str, Array]) -> None:
        whole = {**figures, "error": 1.0 - figures["accuracy"]}
        self._known |= {n for n in self.settings.figures if np.isfinite(whole[n]).any()}
        for name in self.settings.limits:
            objective, figure = get_figure(name), whole[name]
            finite = figure[np.isfinite(figure)]
            if len(finite):
                value = float(finite[np.argmin(objective.minimised(finite))])
                pick = max if objective.direction == "max" else min
                self._reach[name] = pick(self._reach.get(name, value), value)

    def _archive(self, genes: Genes, figures: Mapping[str, Array], good: NDArray[np.bool_]) -> None:
        pool = (genes, {name: column[good] for name, column in figures.items()})
        if self._front is not None:
            pool = _together(self._front, pool)
        if self.settings.soft and len(genes):
            best = pool if self._best is None else _together(self._best, pool)
            at = np.array([int(np.argmin(self._soft(best[1])))])
            self._best = (best[0][at], {name: c[at] for name, c in best[1].items()})
        front = nondominated(self._minimised(pool[1]))
        self._front = (pool[0][front], {name: c[front] for name, c in pool[1].items()})

    # ---- the end ---------------------------------------------------------------------------
    def log(self) -> EvaluationLog:
        """Every evaluation so far."""
        words, split = self._told or ({}, None)
        return EvaluationLog({**self._header, "provenance": words, "split": split}, self._batches)

    def outcome(self) -> SearchOutcome:
        """The outcome of the search that ends now.

        Raises:
            ConstraintError: nothing evaluated meets the limits (says what the best reachable is),
                or no candidate has the figures asked for.
        """
        n = self._counts["evaluated"]
        assert self._front is not None, "outcome before the first evaluation"
        if not len(self._front[0]):
            if self._counts["unusable"] == n:
                wanted = self.settings.figures
                missing = [name for name in wanted if name not in self._known]
                which = " or ".join(missing) or f"all of the figures {', '.join(wanted)}"
                raise ConstraintError(
                    f"none of the {n} candidates evaluated has {which}; ask for figures that this "
                    "device has, or give it those that are missing."
                )
            raise unreachable(self.settings.limits, self._reach, f"of the {n} evaluated")
        seen = np.unique(np.concatenate(self._networks), axis=0)
        began = time.perf_counter()
        genomes, exits = seen[:, :-1], seen[:, -1] if seen[:, -1].any() else None
        of_cut = (genomes,) if exits is None else (genomes, exits)
        figures = self.evaluator.networks(*of_cut)
        precision = precision_of(self.evaluator)
        singles = best_of(self.domain.space, genomes, figures, exits, precision)
        self._evaluating += time.perf_counter() - began
        return SearchOutcome(
            front=self._points(*self._front),
            singles=singles,
            history=tuple(self._history),
            n_evaluations=n,
            n_infeasible=self._counts["infeasible"],
            n_unusable=self._counts["unusable"],
            n_networks=len(seen),
            seconds_total=time.perf_counter() - self._began,
            seconds_evaluating=self._evaluating,
            settings=self.settings,
            best=None if self._best is None else self._points(*self._best),
            log=self.log(),
        )

    def _points(self, genes: Genes, figures: Mapping[str, Array]) -> Points:
        (little, big), cuts = self.domain.networks(genes), self.domain.cuts(genes)
        space, gates = self.domain.space, np.array(self.evaluator.gates or (NO_GATE,))
        precision = precision_of(self.evaluator)
        coupling = np.full(len(genes), "" if not self.domain.n_gates else COUPLINGS[SIBLING])
        if self.domain.n_gates and not shares_nothing(self.evaluator):
            coupling = coupling_names(pair_kinds(space, little, big, cuts))
        return Points(
            little=network_names(space, little, None if cuts is None else cuts[0], precision),
            big=network_names(space, big, None if cuts is None else cuts[1], precision),
            gate=gates[genes[:, self.domain.gate]],
            **{name: figures[name] for name in _KEPT},
            provenance=self._words(figures),
            split=None if self._told is None else self._told[1],
            coupling=coupling,
        )

    def _words(self, figures: Mapping[str, Array]) -> Mapping[str, str]:
        """How the figures of some points came about, each with its own words where they differ."""
        assert self._told is not None
        common, ranks = dict(self._told[0]), dict[str, Ranks]()
        for name, column in _WORDS.items():
            if len(figures[column]) and np.isfinite(figures[column]).all():
                own = figures[column].astype(np.uint8)
                ranks |= {n: own for n in _FOLLOWERS[name] if common.pop(n, None) is not None}
        words = MemberWords(ranks, common)
        return words if any(len(np.unique(own)) > 1 for own in ranks.values()) else dict(words)


def _together(
    a: tuple[Genes, dict[str, Array]], b: tuple[Genes, dict[str, Array]]
) -> tuple[Genes, dict[str, Array]]:
    figures = {name: np.concatenate([column, b[1][name]]) for name, column in a[1].items()}
    return np.concatenate([a[0], b[0]]), figures
