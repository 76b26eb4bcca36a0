"""The exact front of a whole table: the question, its answer as operating points, and what is kept.

``exact_front.py`` works a front out, ``kept_front.py`` keeps it for the next time.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from . import kept_front
from .cost import PAIR_COSTS, NetworkCosts, SharedCosts, pair_costs
from .counts import outcome_codes
from .coupling import checked_couplings
from .errors import ConstraintError, GateError
from .exact_front import FrontInterrupted, FrontRows, exact_front
from .exact_points import ExactPoints
from .figures import checked_limits, get_figure
from .front_question import Question
from .gates import GATES, N_CODES, get_gate
from .kept_front import StaleFrontError
from .limits import COLUMN_OF, lacking, unreachable
from .points import OperatingPoint, Points, described
from .precision import FP32
from .rows import COUPLINGS
from .tabular import Column, Tabular


@dataclass(frozen=True, repr=False, eq=False)
class Front(Tabular):
    """The non-dominated operating points of a whole table, chosen on ``val``.

    An index gives one ``OperatingPoint`` as it is reported, a slice gives ``Points``; a pair is
    ``in`` a front if one of its points is of it.

    Attributes:
        points: the points as they are reported: accuracy, escalation and costs on ``test``.
        chosen: the same points on ``val``, where they are non-dominated.
        objectives: figures in which they are non-dominated.
        device: name of the device.
        n_pairs: pairs (little, big) that were looked at, a network with itself among them: that
            network alone.
        n_points: operating points that were looked at.
        n_counted: number of those that had to be counted; the rest were proven dominated.
        n_left_out: networks without a figure on this device, which were left out.
        complete: whether every little network was looked at (False: interrupted).
    """

    points: Points
    chosen: Points
    objectives: tuple[str, ...]
    device: str
    n_pairs: int
    n_points: int
    n_counted: int
    n_left_out: int
    complete: bool = True

    def columns(self) -> dict[str, Column]:
        """Columns of the points as they are reported, in order, then the ``device``."""
        return {**self.points.columns(), "device": np.full(len(self), self.device)}

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        of = f"{', '.join(self.objectives)} on {self.device}, {self.n_pairs:,} pairs"
        part = "" if self.complete else ", interrupted"
        return f"Front({of}{part}: {described(self.points)})"

    def __iter__(self) -> Iterator[OperatingPoint]:
        return iter(self.points)

    def __contains__(self, item: object) -> bool:
        return item in self.points

    @overload
    def __getitem__(self, i: int) -> OperatingPoint: ...
    @overload
    def __getitem__(self, i: slice) -> Points: ...
    def __getitem__(self, i: int | slice) -> OperatingPoint | Points:
        return self.points[i]


MOST_OBJECTIVES = 3


def _unknown_precisions(precisions: Sequence[str]) -> str:
    """The end of a message where no network has a figure: what may be said of precisions."""
    others = [name for name in precisions if name != FP32]
    if not others:
        return ""
    return (
        f" Its profile may say nothing of {others[0]}: leave out --precision, or measure some "
        f"networks into a profile of your own: biglittle profile --precision {others[0]}."
    )


class Fronts:
    """Works out exact fronts of a table, each once.

    Args:
        exact: the exact evaluation of the table's operating points.
    """

    def __init__(self, exact: ExactPoints) -> None:
        self._exact, self._table = exact, exact.table
        self._fronts: dict[tuple[str, ...], Front] = {}

    def front(
        self,
        device: str,
        objectives: Sequence[str],
        limits: Mapping[str, float] | None,
        gates: Sequence[str] | None,
        n_thresholds: int,
        on_progress: Callable[[int, int], None] | None,
        couplings: Sequence[str] | None,
        little: str = "",
        big: str = "",
    ) -> Front:
        """The exact front over all pairs of inherited networks; see ``Benchmark.front``."""
        objectives = (objectives,) if isinstance(objectives, str) else objectives
        gates = (gates,) if isinstance(gates, str) else gates
        for name in objectives:
            get_figure(name)
        if not objectives or len(set(objectives)) < len(objectives):
            raise ConstraintError(f"objectives {list(objectives)}: give some, each once.")
        if len(objectives) > MOST_OBJECTIVES:
            raise ConstraintError(
                f"the exact front over {len(objectives)} objectives will not be worked out: nearly "
                f"every point is on it, and it would not end. Give at most {MOST_OBJECTIVES} with "
                "limits on the others, or search: 'biglittle search' takes any number."
            )
        is_count = isinstance(n_thresholds, Integral) and not isinstance(n_thresholds, bool)
        if not is_count or not 1 <= n_thresholds <= N_CODES:
            raise GateError(
                f"{n_thresholds!r} thresholds; expected a whole number from 1 to {N_CODES}, which "
                "is all of a gate."
            )
        limits, metrics = checked_limits(limits), tuple(gates or self._table.metrics)
        only = checked_couplings(couplings) or ()
        ends = tuple(self._table.network_row(name) if name else -1 for name in (little, big))
        restricted = bool(only) or max(ends) >= 0
        whole = not limits and not restricted
        whole &= metrics == self._table.metrics and n_thresholds == N_CODES
        if whole and (device, *objectives) in self._fronts:
            return self._fronts[(device, *objectives)]
        costs, inherited = self._exact.costs(device), self._table.rows(exits=True)
        rows = self._exact.usable(device, {*objectives, *limits})
        if not len(rows):
            figures, exact = {*objectives, *limits}, self._exact
            error = lacking(
                figures,
                lambda name: not len(exact.usable(device, {name})),
                f"table {self._table.name!r}",
                device,
                self._table.given,
            )
            raise ConstraintError(f"{error}{_unknown_precisions(self._table.precisions)}")
        n_left_out = len(inherited) - len(rows)
        rows = self._with_ends(rows, ends, {*objectives, *limits}, device)
        question = self._question(
            rows, metrics, costs, tuple(objectives), limits, n_thresholds, device
        )
        if restricted:
            question = replace(question, allowed=self._allowed(rows, only, ends))

        def answer(front_rows: FrontRows) -> Front:
            return self._front(front_rows, rows, metrics, question, device, n_left_out)

        options = (tuple(objectives), limits, metrics, n_thresholds)
        sha256, n_images, front = self._table.sha256, question.tally.n_images, None
        pairs = self._exact.measured_pairs(device).entries
        key = None
        # What a plug-in answers follows from code that the key does not know.
        if sha256 and all(map(GATES.is_shipped, metrics)):
            key = kept_front.front_key(
                sha256, question.costs, *options, pairs, (*only, *map(str, ends))
            )
        kept_rows = key and kept_front.load(key, len(rows), len(metrics), N_CODES, n_images)
        if kept_rows:
            with contextlib.suppress(StaleFrontError):
                front = answer(kept_rows)
        if front is None:
            started = time.perf_counter()
            try:
                front_rows = exact_front(question, on_progress=on_progress)
            except FrontInterrupted as interrupt:
                interrupt.front = answer(interrupt.front)
                raise
            if not len(front_rows.cut):
                best = {n: self._reach(question, n) for n in limits}
                raise unreachable(limits, best, f"on {device}")
            front = answer(front_rows)
            if key and time.perf_counter() - started >= kept_front.WORTH_S:
                kept_front.store(key, front_rows)
        if whole:
            self._fronts[(device, *objectives)] = front
        return front

    def _with_ends(
        self, rows: NDArray[np.intp], ends: Sequence[int], figures: set[str], device: str
    ) -> NDArray[np.intp]:
        """Rows of networks with those that were named as little or big, which may be external.

        Raises:
            ConstraintError: one that was named has no such figure on the device.
        """
        costs = self._exact.costs(device)
        for row in ends:
            if row < 0 or row in rows:
                continue
            missing = [
                name
                for name in sorted(figures & {*PAIR_COSTS})
                if np.isnan(getattr(costs, COLUMN_OF.get(name, name))[row])
            ]
            if missing:
                also = ": --objectives error,macs" * (not np.isnan(costs.macs[row]))
                raise ConstraintError(
                    f"{self._table.names[row]} has no {' and no '.join(missing)} on {device}; "
                    f"expected objectives and limits that are known of it{also}."
                )
            rows = np.append(rows, row)
        return rows

    def _allowed(
        self, rows: NDArray[np.intp], only: Sequence[str], ends: Sequence[int]
    ) -> Callable[[int], NDArray[np.bool_]]:
        """Gives the bigs that a little network may have: by coupling, and by who was named.

        Raises:
            ConstraintError: no two of the networks have one of these couplings.
        """
        kinds, every = [COUPLINGS.index(name) for name in only or COUPLINGS], np.arange(len(rows))
        couplings = self._exact.couplings.take(rows)
        first, last = ends
        bigs = np.ones(len(rows), bool) if last < 0 else rows == last

        @functools.lru_cache(maxsize=len(rows))
        def allowed(little: int) -> NDArray[np.bool_]:
            if first not in (-1, rows[little]):
                return np.zeros(len(rows), bool)
            if not only:
                return bigs
            return bigs & np.isin(couplings.kinds(np.array([little]), every), kinds)

        if not any(allowed(little).any() for little in range(len(rows))):
            exits = ", which has no networks that are cut at exits" * ("prefix" in only)
            raise ConstraintError(
                f"no two networks of table {self._table.name!r} have coupling "
                f"{' or '.join(only)}{exits}; leave the coupling out, or name others of "
                f"{', '.join(COUPLINGS)}."
            )
        return allowed

    def _question(
        self,
        rows: NDArray[np.intp],
        metrics: Sequence[str],
        costs: NetworkCosts,
        objectives: tuple[str, ...],
        limits: dict[str, float],
        n_thresholds: int,
        device: str,
    ) -> Question:
        counts = self._exact.counts("val")
        tally = counts.tally if len(rows) == len(self._table) else counts.tally.take(rows)

        def entry(gate: str) -> Any:
            kind = get_gate(gate).kind
            if kind == "pairwise":
                return outcome_codes(gate)
            if kind in ("paired", "stage"):
                counts.codes(gate, int(rows[0]))  # says what to ask instead
            return lambda i: counts.codes(gate, int(rows[i]))

        gates = [entry(m) for m in metrics]
        cuts = np.unique(np.linspace(0, N_CODES, n_thresholds + 1).round().astype(np.int64))
        used, ids = costs.take(rows), self._table.names[rows]
        measured, couplings = self._exact.measured_pairs(device), self._exact.couplings.take(rows)
        every = np.arange(len(rows))

        @functools.lru_cache(maxsize=64)  # one object for all gates, some littles at a time
        def coupled(little: int) -> SharedCosts | None:
            return couplings.shared(np.array([little]), every, used)

        def shared(little: int, gate: int) -> SharedCosts | None:
            both = coupled(little)
            if str(ids[little]) not in measured.littles:
                return both
            return measured.shared(
                metrics[gate], (ids[little], ids), (used.take([little]), used), both
            )

        return Question(tally, gates, used, objectives, limits, cuts, shared)

    def _front(
        self,
        front: FrontRows,
        rows: NDArray[np.intp],
        metrics: Sequence[str],
        question: Question,
        device: str,
        n_left_out: int,
    ) -> Front:
        thresholds = np.stack([self._exact.thresholds(m) for m in metrics])
        names = np.array(metrics)[front.gate]
        masks = {m: names == m for m in np.unique(names).tolist()}
        little, big = rows[front.little], rows[front.big]
        both = [
            self._exact.points(
                little,
                big,
                masks,
                front.cut,
                names,
                thresholds[front.gate, front.cut],
                device,
                split,
            )
            for split in ("val", "test")
        ]
        if not np.array_equal(both[0].accuracy, front.hits / question.tally.n_images):
            raise StaleFrontError("the counts of a front are not those of its points")
        return Front(
            points=both[1],
            chosen=both[0],
            objectives=tuple(question.objectives),
            device=device,
            n_pairs=front.n_points // (len(question.cuts) * len(question.gates)),
            n_points=front.n_points,
            n_counted=front.n_counted,
            n_left_out=n_left_out,
            complete=front.n_littles == len(rows),
        )

    def _reach(self, question: Question, name: str) -> float:
        """The best value of one figure over all points, whatever the others."""
        front = exact_front(replace(question, objectives=(name,), limits={}))
        if name in ("accuracy", "error"):
            accuracy = float(front.hits[0] / question.tally.n_images)
            return accuracy if name == "accuracy" else 1.0 - accuracy
        if name == "escalation_rate":
            return 0.0
        i, j, gate = (int(column[0]) for column in (front.little, front.big, front.gate))
        # No cost falls when more is escalated; a pair that runs as one graph is another matter.
        shared, rate, codes = None, 0.0, question.gates[gate]
        if question.shared is not None and callable(codes):
            shared = question.shared(i, gate)
            rate = float(np.mean(codes(i) < front.cut[0]))
        first, rates = question.costs.take([i]), np.full(len(question.costs.macs), rate)
        return float(pair_costs(first, question.costs, rates, shared)[name][j])
