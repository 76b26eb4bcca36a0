"""Cascades of a table's networks: one under its gates, the best thresholds, and fronts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from .better_alone import better_alone, compared_by
from .cascade import FEWEST, MOST, Cascade, checked_networks
from .cascade_counts import CascadeCounts, sent_on
from .cascade_points import CascadeFront, CascadePoint
from .cost import SharedCosts, cascade_costs
from .errors import ConstraintError, GateError, TableError
from .exact_cascades import CascadeQuestion, best_cuts, best_value, front_cuts
from .exact_points import ExactPoints
from .figures import checked_limits, get_figure
from .gate import Gate, metric_name
from .gates import get_gate
from .limits import lacking, unreachable
from .measured_pairs import whole_provenance
from .pair import Pair
from .rows import NetworkKey

_COSTLESS = ("error", "accuracy", "escalation_rate")


class Cascades:
    """Exact evaluation of cascades of two to four networks of a table.

    What two networks of a cascade share is what they would as a pair (`coupling`); `Couplings` says
    what a stage shares with all before it. A cascade of two is the pair, and has its figures, those
    of a run end to end among them; of longer ones the parts are added up.

    Args:
        exact: the exact evaluation of the table's operating points.

    Example::

        chain = ("0800000000000000000008", "8280002022320000800800", "6" * 22)
        bench.cascades.query(Cascade(chain, [("margin", 0.4), ("margin", 0.5)]), device)
        bench.cascades.choose(chain, "margin", device, {"latency_ms": 15})
    """

    def __init__(self, exact: ExactPoints) -> None:
        self._exact, self._table = exact, exact.table

    # ---- one point -------------------------------------------------------------------------
    def query(self, cascade: Cascade, device: str, split: str = "test") -> CascadePoint:
        """The operating point of a cascade.

        Where one of its networks alone, or else another one of the table, is at least as accurate
        and costs no more, the point says so: ``better_alone``.

        Args:
            cascade: networks, gates and thresholds.
            device: name of a device of the table, or the path of a profile.
            split: "test" to report, "val" to choose.

        Raises:
            TableError: a network that is not in the table.
            GateError: a threshold outside its metric's range, or a gate for pairs alone.
            UnknownNameError: no device or no split has this name.
        """
        rows, counts = self._rows(cascade), self._exact.counts(split)
        costs = self._exact.costs(device)
        hits, point = self._point(cascade, rows, device, split)
        limits = compared_by(vars(point))
        ids, others = self._table.names, self._table.rows()
        alone = better_alone(rows, ids, hits, limits, costs, counts, counts, others)
        return replace(point, better_alone=alone)

    def _point(
        self, cascade: Cascade, rows: tuple[int, ...], device: str, split: str
    ) -> tuple[int, CascadePoint]:
        """Right answers of a cascade, and its operating point."""
        counts, costs = self._exact.counts(split), self._exact.costs(device)
        codes = [counts.stage_codes(metric, rows, i) for i, metric in enumerate(cascade.metrics)]
        cuts = [gate.cut(self._table.n_classes) for gate in cascade.gates]
        correct, n = counts.tally.correct, counts.n_images
        reached, hits = sent_on(codes, [correct[row] for row in rows], cuts)
        reach, shared = [count / n for count in reached], self._shared(cascade, rows, device)
        networks = [costs.one(row) for row in rows]
        figures = cascade_costs(networks, reach, shared)
        values = {k: None if v != v else float(v) for k, v in figures.items()}
        words = self._exact.words(device, *networks, reach=reach)
        words = whole_provenance(words, shared[0], reach[0])
        steps = [n, *reached, 0]
        return hits, CascadePoint(
            networks=cascade.networks,
            gates=cascade.metrics,
            thresholds=tuple(float(t) for t in cascade.thresholds),
            answered=tuple((a - b) / n for a, b in pairwise(steps)),
            reach=(1.0, *reach),
            accuracy=hits / n,
            escalation_rate=reach[0],
            provenance=words,
            couplings=self._exact.couplings.stage_names(rows),
            **values,  # type: ignore[arg-type]
        )

    def _rows(self, cascade: Cascade) -> tuple[int, ...]:
        """The rows of a cascade's networks, after a check that its gates can stand there."""
        for metric in cascade.metrics:
            if get_gate(metric).kind == "pairwise" and len(cascade.networks) > FEWEST:
                raise GateError(
                    f"gate {metric!r} compares the answers of two networks; in a cascade of "
                    f"{len(cascade.networks)} expected a gate that looks at one, such as 'margin'."
                )
        if cascade.pair is not None:
            return self._table.pair_rows(cascade.pair)
        table, training, seed = self._table, cascade.training, cascade.seed
        return tuple(table.network_row(name, training, seed) for name in cascade.networks)

    def _shared(
        self, cascade: Cascade, rows: tuple[int, ...], device: str
    ) -> tuple[SharedCosts | None, ...]:
        costs = self._exact.costs(device)
        if len(rows) == FEWEST:
            little, big = rows
            return (self._exact.shared(device, cascade.metrics[0], little, big, costs),)
        return self._exact.couplings.stages(rows, costs)

    # ---- the choice of thresholds ----------------------------------------------------------
    def choose(
        self,
        networks: Sequence[str] | Pair,
        gates: str | Sequence[str],
        device: str,
        limits: Mapping[str, float],
        objective: str = "accuracy",
    ) -> CascadePoint:
        """The best of all thresholds within limits on ``val``, reported on ``test``.

        Every combination of cuts is counted, so the choice is exact to the last image. Of equals
        the more accurate is taken, then the cheaper in latency (in MACs where the device has no
        latency), then the one with the lowest cuts. ``better_alone`` as of ``query``, within the
        limits and on ``val``.

        Args:
            networks: names of two to four networks in the order in which they are asked, or a pair.
            gates: name of the gate metric, of all gates or one a gate.
            device: name of a device of the table, or the path of a profile.
            limits: largest values by figure (of accuracy smallest), for example
                ``{"latency_ms": 20.0}``.
            objective: figure that is to be best.

        Raises:
            ArchitectureError: not two to four networks.
            TableError: a network that is not in the table.
            GateError: another number of gates, or a gate for pairs alone.
            ConstraintError: no thresholds meet the limits, or a figure that a network has not.
            UnknownNameError: no device, figure or gate has this name.
        """
        limits = checked_limits(limits)
        question, cascade, rows = self._question(networks, gates, device, {*limits, objective})
        cost = "macs" if np.isnan(question.networks[0].latency_ms) else "latency_ms"
        order = list(dict.fromkeys((objective, "error", cost)))
        cuts = best_cuts(question, order, limits)
        if cuts is None:
            best = {name: best_value([question], name) for name in limits}
            where = f"of this cascade under {', '.join(cascade.metrics)} on {device}"
            raise unreachable(limits, best, where)
        chosen = self._at(cascade, cuts)
        hits, _ = self._point(chosen, rows, device, "val")
        judged, reported = self._exact.counts("val"), self._exact.counts("test")
        alone = better_alone(
            rows, self._table.names, hits, limits, self._exact.costs(device), judged, reported,
            self._table.rows(),
        )  # fmt: skip
        return replace(self._point(chosen, rows, device, "test")[1], better_alone=alone)

    def _at(self, cascade: Cascade, cuts: Sequence[int]) -> Cascade:
        """The cascade with the thresholds of some cuts."""
        gates = [
            Gate(metric, float(self._exact.thresholds(metric)[cut]))
            for metric, cut in zip(cascade.metrics, cuts, strict=True)
        ]
        return replace(cascade, gates=tuple(gates))

    def question(
        self, networks: Sequence[str], gates: str | Sequence[str], device: str, figures: set[str]
    ) -> CascadeQuestion:
        """A cascade without its cuts: what its networks answer on ``val``, and what they cost.

        Args:
            networks: names of two to four networks in the order in which they are asked.
            gates: name of the gate metric, of all gates or one a gate.
            device: name of a device of the table, or the path of a profile.
            figures: names of figures that are asked about.

        Raises:
            ArchitectureError: not two to four networks.
            TableError: a network that is not in the table.
            GateError: another number of gates, or a gate for pairs alone.
            ConstraintError: a figure that a network has not.
            UnknownNameError: no device, figure or gate has this name.
        """
        return self._question(networks, gates, device, figures)[0]

    def _question(
        self,
        networks: Sequence[str] | Pair,
        gates: str | Sequence[str],
        device: str,
        figures: set[str],
    ) -> tuple[CascadeQuestion, Cascade, tuple[int, ...]]:
        """A cascade without its cuts, one with gates of the same metrics, and its rows."""
        pair = networks if isinstance(networks, Pair) else Pair("", "")
        given = (pair.little, pair.big) if isinstance(networks, Pair) else networks
        names = checked_networks(given)
        metrics = [gates] * (len(names) - 1) if isinstance(gates, str | Gate) else list(gates)
        lowest = [Gate(metric_name(m), float(self._exact.thresholds(m)[0])) for m in metrics]
        cascade = Cascade(names, tuple(lowest), pair.training, pair.seed)
        rows, counts = self._rows(cascade), self._exact.counts("val")
        costs = self._exact.costs(device)
        codes = [counts.stage_codes(metric, rows, i) for i, metric in enumerate(cascade.metrics)]
        right = [counts.tally.correct[row] for row in rows]
        question = CascadeQuestion(
            CascadeCounts(codes, right),
            [costs.one(row) for row in rows],
            self._shared(cascade, rows, device),
        )

        def missing(name: str) -> bool:
            get_figure(name)
            return name not in _COSTLESS and bool(np.isnan(question.ends(name)).any())

        if any(map(missing, sorted(figures))):
            of = " -> ".join(names)
            raise lacking(figures, missing, of, device, self._table.given)
        return question, cascade, rows

    # ---- fronts ----------------------------------------------------------------------------
    def front(
        self,
        chains: Sequence[str] | Sequence[Sequence[str] | Pair],
        gates: str | Sequence[str],
        device: str,
        objectives: Sequence[str] = ("error", "latency_ms"),
        limits: Mapping[str, float] | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> CascadeFront:
        """The front over all thresholds of one cascade, or of several joined into one.

        Chosen on ``val``, reported on ``test``.

        Args:
            chains: names of the networks of a cascade, or a list of such lists: those of
                ``exit_chains`` make the front of one network with exits.
            gates: name of the gate metric, of all gates or one a gate.
            device: name of a device of the table, or the path of a profile.
            objectives: figures of an operating point that are compared.
            limits: figures that may not be exceeded (for accuracy: undercut), on ``val``.
            on_progress: called with the cascades that are done and their number.

        Raises:
            TableError: a network that is not in the table.
            ConstraintError: nothing meets the limits, or a figure that a network has not.
            UnknownNameError: no device, objective or gate has this name.
        """
        objectives = (objectives,) if isinstance(objectives, str) else tuple(objectives)
        limits = checked_limits(limits)
        if not objectives or len(set(objectives)) < len(objectives):
            raise ConstraintError(f"objectives {list(objectives)}: give some, each once.")
        if not len(chains):
            raise ConstraintError("no cascade was given; expected names of networks, or lists.")
        several: Sequence[Any] = [chains] if isinstance(chains[0], str) else chains
        figures = {*objectives, *limits}
        each = [self._question(names, gates, device, figures) for names in several]
        questions = [question for question, _, _ in each]
        cuts, n_points = front_cuts(questions, objectives, limits, on_progress)
        if not cuts:
            best = {name: best_value(questions, name) for name in limits}
            raise unreachable(limits, best, f"of these cascades on {device}")
        chosen = [(self._at(each[i][1], at), each[i][2]) for i, at in cuts]
        val, test = (
            tuple(self._point(cascade, rows, device, split)[1] for cascade, rows in chosen)
            for split in ("val", "test")
        )
        return CascadeFront(test, val, objectives, device, len(questions), n_points)

    def exit_chains(self, architecture: str, most: int = MOST) -> list[tuple[str, ...]]:
        """All cascades of two to four stages of one inherited network and its exits in the table.

        Every stage is cut deeper than the one before it, or not at all. Nearly all the time that
        their front takes goes into those of four stages: about half a second of a processor each,
        with 5,000 images.

        Args:
            architecture: name of the whole network.
            most: number of stages of the longest, 2 to 4.

        Raises:
            ArchitectureError: not an architecture of the space.
            TableError: a network that is not in the table, or one without exits there.
        """
        row = self._table.network_row(architecture)
        of, whole = self._table.networks, NetworkKey.parse(architecture)
        same = of["architecture"] == whole.architecture
        same &= (of["training"] == of["training"][row]) & (of["precision"] == of["precision"][row])
        rows = np.flatnonzero(same & (of["seed"] == of["seed"][row]))
        depth = self._table.space.exit_after[self._table.exits]
        if not (self._table.exits[rows] > 0).any():
            n_cut = len(np.unique(of["architecture"][self._table.exits > 0]))
            some = f"in which {n_cut} architectures have some; give one of those, or"
            raise TableError(
                f"network {architecture} has no exits in table {self._table.name!r}, "
                f"{some if n_cut else 'which has none at all; give'} two to four networks."
            )
        ordered = sorted(rows.tolist(), key=lambda i: (depth[i], i))
        return [
            tuple(str(self._table.names[i]) for i in chain)
            for n in range(FEWEST, most + 1)
            for chain in combinations(ordered, n)
            if all(depth[a] < depth[b] for a, b in pairwise(chain))
        ]
