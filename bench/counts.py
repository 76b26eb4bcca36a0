"""Escalated images and right answers of operating points, by networks and cuts.

What a table, a live network and anybody's own answers turn into accuracies. One instance serves one
set of images.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .gates import N_CODES, get_gate, pair_codes
from .tally import Tally, below_each_cut, of_outcomes

Ints = NDArray[np.int64]
Rows = NDArray[np.intp]
_SWEPT_BYTES = 256 * 2**20  # swept curves that are kept
_CODES_BYTES = 256 * 2**20  # codes of single networks that are kept
_WORTH_SWEEPING = 8  # points of one little, per network, from which all its curves are cheaper


def outcome_codes(gate: str) -> NDArray[np.uint8]:
    """Codes of a pairwise gate by [little is right, big is right], shape (2, 2)."""
    no_yes = np.array([False, True])
    return pair_codes(gate, no_yes[:, None], no_yes[None, :])


class Counts:
    """Counts of the answers of n networks to the same images.

    Args:
        correct: whether each network is right, bool, shape (n, n_images).
        codes: confidence codes, uint8, shape (n_images,), of a gate and a network's row.
        word: how the answers came about.
        of_two: the same of a gate that needs two networks, and the rows of both in the order in
            which they are asked; None: there are no such gates.
    """

    def __init__(
        self,
        correct: NDArray[np.bool_],
        codes: Callable[[str, int], NDArray[np.uint8]],
        word: str = "measured",
        of_two: Callable[[str, int, int], NDArray[np.uint8]] | None = None,
    ) -> None:
        self.word = word
        self._codes_of, self._of_two = codes, of_two
        self.tally = Tally(correct)
        self.n_images = self.tally.n_images
        self._keeping = threading.Lock()
        self._codes: dict[tuple[str, int], NDArray[np.uint8]] = {}
        self._swept: dict[tuple[str, int], tuple[Ints, NDArray[np.uint32]]] = {}

    @cached_property
    def _room(self) -> int:
        n = len(self.tally.correct)
        return max(1, _SWEPT_BYTES // ((N_CODES + 1) * (n + 2) * 4))

    def codes(self, gate: str, row: int) -> NDArray[np.uint8]:
        """Confidence codes of one network, shape (n_images,); kept once asked for."""
        key = (gate, row)
        codes = self._codes.get(key)
        if codes is None:
            codes = self._codes_of(gate, row)
            with self._keeping:
                while len(self._codes) * self.n_images > _CODES_BYTES:
                    self._codes.pop(next(iter(self._codes)))
                self._codes[key] = codes
        return codes

    def pair_codes(self, gate: str, little: int, big: int) -> NDArray[np.uint8]:
        """The codes that decide for a pair, shape (n_images,), whatever the gate looks at."""
        kind = get_gate(gate).kind
        if kind == "pairwise":
            correct = self.tally.correct
            return pair_codes(gate, correct[little], correct[big])
        if kind == "paired" and self._of_two is not None:
            return self._of_two(gate, little, big)
        return self.codes(gate, little)

    def stage_codes(self, gate: str, rows: Sequence[int], stage: int) -> NDArray[np.uint8]:
        """The codes that decide behind a stage of a cascade, shape (n_images,).

        Args:
            gate: name of the gate behind that stage.
            rows: rows of the cascade's networks.
            stage: number of the stage, from 0; not the last one.
        """
        if get_gate(gate).kind == "stage" and stage > 0 and self._of_two is not None:
            return self._of_two(gate, rows[stage - 1], rows[stage])
        return self.pair_codes(gate, rows[stage], rows[stage + 1])

    def point(self, gate: str, little: int, big: int, cut: int) -> tuple[int, int]:
        """Images escalated and right answers of one operating point."""
        correct = self.tally.correct
        escalated = self.pair_codes(gate, little, big) < cut
        hits = (
            int(self.tally.right[little])
            - np.count_nonzero(escalated & correct[little])
            + np.count_nonzero(escalated & correct[big])
        )
        return int(np.count_nonzero(escalated)), int(hits)

    def curve(self, gate: str, little: int, big: int) -> tuple[Ints, Ints]:
        """Images escalated and right answers of one pair at every cut, each (257,)."""
        correct, codes = self.tally.correct, self.pair_codes(gate, little, big)
        escalated, lost, won = below_each_cut(codes, correct[little], correct[big])
        return escalated, self.tally.right[little] - lost + won

    def curves(self, gate: str, little: int, bigs: Rows) -> tuple[Ints, Ints]:
        """Images escalated and right answers of one little with n bigs, each (257, n)."""
        shape = (N_CODES + 1, len(bigs))
        if get_gate(gate).kind in ("pairwise", "paired"):
            both = [self.curve(gate, little, int(b)) for b in bigs]
            escalated, hits = (np.stack(part, axis=1) for part in zip(*both, strict=True))
            return escalated, hits
        escalated, hits = self.tally.swept(little, self.codes(gate, little), bigs)
        return np.broadcast_to(escalated[:, None], shape), hits

    def many(self, gate: str, little: Rows, big: Rows, cut: Ints) -> tuple[Ints, Ints]:
        """Images escalated and right answers of any points of one gate, each of shape (n,)."""
        if get_gate(gate).kind == "pairwise":
            return self._many_pairwise(gate, little, big, cut)
        if get_gate(gate).kind == "paired":
            return self._many_paired(gate, little, big, cut)
        escalated, hits = np.empty(len(little), np.int64), np.empty(len(little), np.int64)
        order = np.argsort(little, kind="stable")
        littles, starts = np.unique(little[order], return_index=True)
        ends = np.append(starts[1:], len(order))
        rest = []
        for row, start, end in zip(littles.tolist(), starts.tolist(), ends.tolist(), strict=True):
            points = order[start:end]
            if not self._is_swept(gate, row, end - start):
                rest.append(points)
                continue
            all_escalated, all_hits = self._swept[gate, row]
            escalated[points] = all_escalated[cut[points]]
            hits[points] = all_hits[cut[points], big[points]]
        if rest:
            points = np.concatenate(rest)
            rows, which = np.unique(little[points], return_inverse=True)
            codes = np.stack([self.codes(gate, int(r)) for r in rows])
            escalated[points], hits[points] = self.tally.hits(
                codes, little[points], big[points], cut[points], which
            )
        return escalated, hits

    def _many_paired(self, gate: str, little: Rows, big: Rows, cut: Ints) -> tuple[Ints, Ints]:
        """The counts of one pair after the other, each at all of its points."""
        escalated, hits = np.empty(len(little), np.int64), np.empty(len(little), np.int64)
        pairs, which = np.unique(np.stack([little, big]), axis=1, return_inverse=True)
        for i, (first, second) in enumerate(pairs.T.tolist()):
            points = np.flatnonzero(which == i)
            all_escalated, all_hits = self.curve(gate, first, second)
            escalated[points], hits[points] = all_escalated[cut[points]], all_hits[cut[points]]
        return escalated, hits

    def _is_swept(self, gate: str, row: int, n_points: int) -> bool:
        """Whether all curves of a little are at hand, after sweeping it if that is worth it."""
        n = len(self.tally.correct)
        if (gate, row) in self._swept:
            return True
        if n_points < _WORTH_SWEEPING * n:
            return False
        while len(self._swept) >= self._room:
            self._swept.pop(next(iter(self._swept)))
        escalated, hits = self.tally.swept(row, self.codes(gate, row), np.arange(n))
        self._swept[gate, row] = escalated, hits.astype(np.uint32)
        return True

    def _many_pairwise(self, gate: str, little: Rows, big: Rows, cut: Ints) -> tuple[Ints, Ints]:
        """The counts of the four outcomes of a pair say all that a pairwise gate can do."""
        tally = self.tally
        both = tally.both_right[little, big]
        only_little, only_big = tally.right[little] - both, tally.right[big] - both
        goes = outcome_codes(gate)[:, :, None] < cut
        return of_outcomes(goes, both, only_little, only_big, self.n_images)
