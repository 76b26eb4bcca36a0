"""A table as an evaluator: exact figures of the networks it holds, and of no others."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...bench import Benchmark, Candidates, NetworkFigures, Points, SearchSpace
from ...bench.cost import NetworkCosts
from ...bench.coupling import Coupled, coupled_pairs
from ...bench.errors import ConstraintError, GateError
from ...bench.evaluator import AnswerCurves, Sweep
from ...bench.gates import get_gate, stored_metrics
from ...bench.network_names import network_names
from ...bench.precision import FP32
from ...bench.spaces import Exits, Genomes
from .answers import Answers, points_of

Cuts = tuple[Exits, Exits] | None
#: Shares of the images; the first ones, which are in no order.
FIDELITIES = (1 / 16, 1 / 4, 1.0)


class TableEvaluator:
    """Evaluates pairs of a table's inherited networks exactly.

    Searchers are told which architectures there are (``listed``) and at which exits they are cut
    (``exits``), and search over those. Whoever asks about another one gets NaN: infeasible, and
    counted as such.

    Args:
        bench: the table whose networks can be asked about.
        device: name of a device of the table, or the path of a profile.
        split: ``val`` to choose; ``test`` is for reporting what was chosen.
        gates: gates to search over; None: those that tables store.
        share: share of the split's images to count, from the first on.

    Raises:
        ConstraintError: no network of the table has a latency on the device, a share that leaves no
            image, or a table that was opened for several precisions.
        GateError: a gate that no device can run.

    Example::

        evaluator = TableEvaluator(Benchmark.load("fbnet-cifar10"), "raspberry-pi-4")
        outcome = get_searcher("nsga2").run(evaluator, budget=2000, seed=0)
        reported = evaluator.bench.reported(outcome.front, "raspberry-pi-4", "test")
    """

    def __init__(
        self,
        bench: Benchmark,
        device: str,
        split: str = "val",
        gates: Sequence[str] | None = None,
        share: float = 1.0,
    ) -> None:
        self.bench, self.device, self.split = bench, device, split
        self._gates = tuple(gates or bench.table.metrics)
        for gate in self._gates:
            rule = get_gate(gate)
            if rule.kind not in ("stored", "derived") or not rule.deployable:
                what = "needs two networks" if rule.deployable else "is a bound or a control"
                raise GateError(
                    f"gate {gate!r} {what}; search over gates that look at the little network "
                    f"alone and that a device can run, for example {', '.join(stored_metrics())}."
                )
        table = bench.table
        if len(table.precisions) > 1:
            raise ConstraintError(
                f"a search moves among networks of one precision, got "
                f"{' and '.join(table.precisions)}; the exact front holds both: biglittle front "
                f"--precision {','.join(table.precisions)}."
            )
        costs, rows = bench.costs(device), table.rows(exits=True)
        rows = rows[np.isfinite(costs.latency_ms[rows])]
        if not len(rows):
            raise ConstraintError(f"no network of table {table.name!r} has a latency on {device}.")
        self._costs = costs.take(rows)
        self._ids, cuts = table.names[rows], table.exits[rows]
        genomes = table.space.parse([str(a) for a in table.networks["architecture"][rows]])
        self._row = {key: i for i, key in enumerate(_keys(genomes, cuts))}
        self._listed: Genomes = genomes[cuts == 0]
        if not len(self._listed):
            file = shlex.quote(device) if device.endswith(".json") else "the file of its profile"
            raise ConstraintError(
                f"on {device} networks cut at exits alone have a latency, and a search needs whole "
                "ones too; measure some into the same profile: biglittle profile --networks "
                f"anchors:10 --out {file}."
            )
        self._exits = self._cut_at(genomes, cuts)
        n_images = round(table.predictions(split).correct.shape[1] * share)
        if not 0 < share <= 1 or n_images < 1:
            raise ConstraintError(f"a share of {share} of the images; expected one in (0, 1].")
        images = slice(0, n_images)
        self._answers = Answers(
            right=table.predictions(split).correct[rows][:, images],
            codes={g: table.codes_of(g, split, rows)[:, images] for g in self._gates},
            n_classes=table.n_classes,
        )

    @cached_property
    def space(self) -> SearchSpace:
        """The search space of both networks; in int8 no weights are a slice of others."""
        space = self.bench.table.space
        return space if self.precision == FP32 else replace(space, is_slice=None)

    @property
    def precision(self) -> str:
        """The precision of all networks that can be asked about."""
        return self.bench.table.precisions[0]

    @property
    def choices(self) -> tuple[str, ...]:
        """The choices of the space; the table has few of the networks they make."""
        return self.space.choices

    @property
    def gates(self) -> tuple[str, ...]:
        """Gates that a candidate may name by index."""
        return self._gates

    @property
    def n_classes(self) -> int:
        """Classes of the networks' classifiers."""
        return self.bench.table.n_classes

    @property
    def listed(self) -> Genomes:
        """The architectures of the table, shape (n_listed, n_layers)."""
        return self._listed

    @property
    def exits(self) -> NDArray[np.bool_] | None:
        """Which exits each listed architecture has, (n_listed, n_exits + 1); None: none has any."""
        return self._exits

    def _cut_at(self, genomes: Genomes, cuts: Exits) -> NDArray[np.bool_] | None:
        if not cuts.any():
            return None
        place = {g.tobytes(): i for i, g in enumerate(self._listed)}
        at = np.array([place.get(g.tobytes(), -1) for g in genomes])
        out = np.zeros((len(self._listed), len(self.space.exits) + 1), bool)
        out[at[at >= 0], cuts[at >= 0]] = True
        return out

    @property
    def fidelities(self) -> tuple[float, ...]:
        """Shares of the images that can be asked for."""
        return FIDELITIES

    def at(self, fidelity: float) -> TableEvaluator:
        """The same on a share of the images."""
        return TableEvaluator(self.bench, self.device, self.split, self._gates, fidelity)

    def _rows(self, genomes: Genomes, exits: Exits | None = None) -> NDArray[np.intp]:
        return np.array([self._row.get(key, -1) for key in _keys(genomes, exits)], np.intp)

    def _costs_of(self, rows: NDArray[np.intp]) -> NetworkCosts:
        """Costs by row; NaN where there is none (-1)."""
        return self._costs.take(np.maximum(rows, 0)).without(rows < 0)

    def networks(self, genomes: Genomes, exits: Exits | None = None) -> NetworkFigures:
        """Figures of single networks, genomes of shape (n, n_layers); NaN outside the table."""
        rows = self._rows(genomes, exits)
        accuracy = np.where(rows < 0, np.nan, self._answers.accuracy[np.maximum(rows, 0)])
        return NetworkFigures(accuracy, self._costs_of(rows), self.bench.table.answers_word)

    def _coupled(self, little: Genomes, big: Genomes, exits: Cuts, costs: NetworkCosts) -> Coupled:
        """What pairs share; those that hold a network outside the table have no figures anyway."""
        return coupled_pairs(self.space, self.n_classes, little, big, costs, exits)

    def evaluate(self, candidates: Candidates) -> Points:
        """Operating points of the candidates, in their order; NaN outside the table."""
        exits = candidates.exits or (None, None)
        little, big = self._rows(candidates.little, exits[0]), self._rows(candidates.big, exits[1])
        missing = (little < 0) | (big < 0)
        gate, cut = np.asarray(candidates.gate), np.asarray(candidates.cut)
        rows = np.maximum(little, 0), np.maximum(big, 0)
        rate, accuracy = self._answers.points(*rows, gate, cut)
        rate, accuracy = (np.where(missing, np.nan, column) for column in (rate, accuracy))
        genomes = candidates.little, candidates.big
        ids = [
            network_names(self.space, g, e, self.precision)
            for g, e in zip(genomes, exits, strict=True)
        ]
        costs = self._costs_of(little), self._costs_of(big)
        return points_of(
            (ids[0], ids[1]),
            self._gates,
            gate,
            self._answers.thresholds[gate, cut],
            (rate, accuracy),
            costs,
            self.bench.table.answers_word,
            self.split,
            self.bench.measured_pairs(self.device),
            self._coupled(*genomes, candidates.exits, costs[0]),
        )

    def sweep(self, little: Genomes, big: Genomes, exits: Cuts = None) -> Sweep:
        """All operating points of n pairs of the table, genomes of shape (n, n_layers).

        Raises:
            ConstraintError: a network that the table does not hold.
        """
        rows = self._held(little, big, exits)
        costs = self._costs.take(rows[0]), self._costs.take(rows[1])
        measured = self.bench.measured_pairs(self.device)
        ids = self._ids[rows[0]], self._ids[rows[1]]
        coupled = self._coupled(little, big, exits, costs[0])
        word = self.bench.table.answers_word
        return self._answers.sweep(*rows, costs, word, self.split, measured, ids, coupled)

    def answers(self, little: Genomes, big: Genomes, exits: Cuts = None) -> AnswerCurves:
        """What n pairs of the table answer where escalating more pays, whatever that costs.

        Raises:
            ConstraintError: a network that the table does not hold.
        """
        rows = self._held(little, big, exits)
        return self._answers.curves(*rows, self.bench.table.answers_word, self.split)

    def _held(
        self, little: Genomes, big: Genomes, exits: Cuts
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows of little and big, all of which the table holds."""
        cuts = exits or (None, None)
        rows = self._rows(little, cuts[0]), self._rows(big, cuts[1])
        if min(rows[0].min(), rows[1].min()) < 0:
            raise ConstraintError(
                "a network is not in the table; search over the architectures it lists."
            )
        return rows


def _keys(genomes: Genomes, exits: Exits | None) -> list[bytes]:
    """What a network is found by: its choices and the number of its exit."""
    cuts = np.zeros(len(genomes), np.uint8) if exits is None else exits
    both = np.ascontiguousarray(np.column_stack([genomes, cuts]), np.uint8)
    return [row.tobytes() for row in both]
