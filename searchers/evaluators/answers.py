"""Exact operating points of pairs from who is right about which image, and how sure it was.

What a table evaluator and a live evaluator share: both know the answers of networks, one from a
file, the other by running them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...bench.cost import NetworkCosts, pair_costs
from ...bench.counts import Counts
from ...bench.coupling import Coupled
from ...bench.evaluator import AnswerCurves, Sweep
from ...bench.gates import get_gate
from ...bench.measured_pairs import MeasuredPairs, whole_provenance
from ...bench.points import Points
from ...bench.provenance import answered_pairs
from ...bench.tally import below_cut

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class _Ranked:
    """Images of one network under one gate, the least confident first.

    Attributes:
        order: indices of the images, shape (n_images,).
        starts: where each level of confidence begins in that order, shape (n_levels,).
        cuts: the cut that keeps all, and those that escalate each further level, (n_levels + 1,).
        escalated: number of images escalated at each of these cuts.
        right: number of images, of those not escalated, that the network has right.
    """

    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    cuts: NDArray[np.intp]
    escalated: NDArray[np.int64]
    right: NDArray[np.int64]


class Answers:
    """Answers of n networks to the images of one split.

    Args:
        right: whether each network is right, bool, shape (n, n_images).
        codes: confidence codes by gate, uint8, shape (n, n_images) each.
        n_classes: number of classes of the classifier.
    """

    def __init__(
        self,
        right: NDArray[np.bool_],
        codes: Mapping[str, NDArray[np.uint8]],
        n_classes: int,
    ) -> None:
        self.right, self.codes = right, codes
        self.counts = Counts(right, lambda gate, row: codes[gate][row])
        self.gates = tuple(codes)
        self.n_images = right.shape[1]
        self.thresholds = np.array([get_gate(g).thresholds(n_classes) for g in codes])
        self._ranked: dict[tuple[int, str], _Ranked] = {}

    @property
    def accuracy(self) -> Array:
        """Of every network alone, shape (n,)."""
        return np.asarray(self.right.mean(axis=1, dtype=np.float64))

    def points(
        self, little: Rows, big: Rows, gate: NDArray[np.int64], cut: NDArray[np.int64]
    ) -> tuple[Array, Array]:
        """Escalation rate and accuracy of single operating points, each (n,)."""
        escalated, hits = np.empty(len(little), np.int64), np.empty(len(little), np.int64)
        for index, name in enumerate(self.gates):
            at = np.flatnonzero(gate == index)
            if len(at):
                counted = self.counts.many(name, little[at], big[at], cut[at])
                escalated[at], hits[at] = counted
        return escalated / self.n_images, hits / self.n_images

    def _rank(self, row: int, gate: str) -> _Ranked:
        if (row, gate) not in self._ranked:
            codes = self.codes[gate][row]
            below, lost = below_cut(codes), below_cut(codes, self.right[row])
            cuts = np.concatenate([[0], np.flatnonzero(np.diff(below)) + 1])
            escalated = below[cuts]
            self._ranked[row, gate] = _Ranked(
                order=np.argsort(codes, kind="stable"),
                starts=escalated[:-1].astype(np.intp),
                cuts=cuts,
                escalated=escalated,
                right=np.count_nonzero(self.right[row]) - lost[cuts],
            )
        return self._ranked[row, gate]

    def curve(
        self, little: int, big: int, gate: str
    ) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
        """Cuts, images escalated and right answers of a pair where escalating more pays.

        The first is little alone. A cut at which no more images are right than at a lower one
        costs as much or more for nothing, and is left out.
        """
        cuts, escalated, hits = self.whole_curve(little, big, gate)
        better = np.ones(len(hits), bool)
        better[1:] = hits[1:] > np.maximum.accumulate(hits)[:-1]
        return cuts[better], escalated[better], hits[better]

    def whole_curve(
        self, little: int, big: int, gate: str
    ) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
        """Cuts, images escalated and right answers of a pair wherever more are escalated."""
        ranked = self._rank(little, gate)
        right = self.right[big].view(np.uint8)[ranked.order]
        hits = ranked.right.copy()
        hits[1:] += np.cumsum(np.add.reduceat(right, ranked.starts, dtype=np.int64))
        return ranked.cuts, ranked.escalated, hits

    def curves(self, little: Rows, big: Rows, word: str, split: str) -> AnswerCurves:
        """What pairs answer where escalating more pays, under every gate.

        Args:
            little: row of each pair's little network, shape (n,).
            big: row of each pair's big network, shape (n,).
            word: provenance of what the networks answer.
            split: name of the split that the images are of.
        """
        parts, sizes = [], []
        for a, b in zip(little.tolist(), big.tolist(), strict=True):
            for g, gate in enumerate(self.gates):
                points = self.curve(a, b, gate)
                parts.append(points if not g else tuple(c[1:] for c in points))  # little alone once
                sizes.append(len(parts[-1][0]))
        cut, escalated, hits = (np.concatenate(column) for column in zip(*parts, strict=True))
        n_gates = len(self.gates)
        curve = np.repeat(np.arange(len(sizes)), sizes)
        return AnswerCurves(
            owner=curve // n_gates,
            gate=curve % n_gates,
            cut=cut,
            accuracy=hits / self.n_images,
            escalation_rate=escalated / self.n_images,
            word=word,
            split=split,
        )

    def sweep(
        self,
        little: Rows,
        big: Rows,
        costs: tuple[NetworkCosts, NetworkCosts],
        word: str,
        split: str,
        measured: MeasuredPairs,
        ids: tuple[NDArray[np.str_], NDArray[np.str_]],
        coupled: Coupled,
    ) -> Sweep:
        """The operating points of pairs at which escalating more pays, under every gate.

        Args:
            little: row of each pair's little network, shape (n,).
            big: row of each pair's big network, shape (n,).
            costs: costs of those little and big networks, arrays of shape (n,).
            word: provenance of what the networks answer.
            split: name of the split that the images are of.
            measured: pairs that the device measured end to end.
            ids: names of the little and big networks, arrays of shape (n,).
            coupled: what the networks of each pair have in common.
        """
        curves = self.curves(little, big, word, split)
        owner, gate_index, cut = curves.owner, curves.gate, curves.cut
        rate = curves.escalation_rate
        both = costs[0].take(owner), costs[1].take(owner)
        gates = np.array(self.gates)[gate_index]
        coupling = coupled.take(owner).shared
        shared = measured.shared(gates, (ids[0][owner], ids[1][owner]), both, coupling)
        figures = {
            "threshold": self.thresholds[gate_index, cut],
            "accuracy": curves.accuracy,
            "escalation_rate": rate,
            **pair_costs(both[0], both[1], rate, shared),
        }
        words = answered_pairs(both[0].provenance, both[1].provenance, word, rate)
        words = whole_provenance(words, shared, rate)
        return Sweep(owner, gate_index, cut, figures, words, split)


def points_of(
    ids: tuple[NDArray[np.str_], NDArray[np.str_]],
    gates: Sequence[str],
    gate: NDArray[np.int64],
    threshold: Array,
    answers: tuple[Array, Array],
    costs: tuple[NetworkCosts, NetworkCosts],
    word: str,
    split: str | None,
    measured: MeasuredPairs,
    coupled: Coupled,
) -> Points:
    """Operating points from their parts: ids of little and big, (rate, accuracy), costs.

    ``word`` is the provenance of what the networks answer.
    """
    rate, accuracy = answers
    names = np.array(gates)[gate]
    shared = measured.shared(names, ids, costs, coupled.shared)
    words = answered_pairs(costs[0].provenance, costs[1].provenance, word, rate)
    return Points(
        little=ids[0],
        big=ids[1],
        gate=names,
        threshold=threshold,
        accuracy=accuracy,
        escalation_rate=rate,
        **pair_costs(costs[0], costs[1], rate, shared),
        provenance=whole_provenance(words, shared, rate),
        split=split,
        coupling=coupled.names,
    )
