"""How many images a cascade sends on and has right, at every choice of cuts.

An image reaches a stage when its codes are below the cuts of all gates before it. So how many do,
at every combination of cuts, is a joint histogram of the codes, added up along every axis; what a
stage changes about the right answers is the same histogram with each image weighed by what it wins
or loses there. Cuts between which no image has a code are counted once. The first gate of three is
a loop, in which images join one table over the cuts of the other two: nothing is larger than
257 x 257.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int32]
MOST_GATES = 3


@dataclass(frozen=True)
class Block:
    """Counts of a cascade for some combinations of cuts, one axis a gate.

    Attributes:
        reached: images that reach each stage after the first, arrays that broadcast to ``hits``.
        hits: images answered right, int32, one axis a gate.
        start: index of the first cut of the first axis.
    """

    reached: tuple[Ints, ...]
    hits: Ints
    start: int


def distinct_cuts(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The smallest of each run of cuts that send on the same images, rising from 0.

    Args:
        codes: confidence codes of one network, shape (n_images,).

    >>> distinct_cuts(np.array([7, 7, 200], np.uint8)).tolist()
    [0, 8, 201]
    """
    return np.append(0, np.unique(codes).astype(np.int64) + 1)


def sent_on(
    codes: Sequence[NDArray[np.uint8]], right: Sequence[NDArray[np.bool_]], cuts: Sequence[int]
) -> tuple[list[int], int]:
    """Images that reach each stage after the first, and right answers, at one choice of cuts.

    Args:
        codes: confidence codes of every stage but the last, shape (n_images,) each.
        right: whether each stage is right, shape (n_images,) each, one more.
        cuts: codes below which the gates send an image on, 0 to 256.
    """
    answers, reached = right[0], []
    on = np.ones(len(answers), np.bool_)
    for stage, (each, cut) in enumerate(zip(codes, cuts, strict=True), 1):
        on = on & (each < cut)
        reached.append(int(np.count_nonzero(on)))
        answers = np.where(on, right[stage], answers)
    return reached, int(np.count_nonzero(answers))


class CascadeCounts:
    """Counts of one cascade on one set of images.

    Args:
        codes: confidence codes of every stage but the last, uint8, shape (n_images,) each.
        right: whether each stage is right, bool, shape (n_images,) each, one more.

    Attributes:
        codes: confidence codes as they were given.
        right: whether each stage is right, as it was given.
        cuts: distinct cuts of each gate, rising; together they stand for all 257 of each.
        n_images: number of images that were answered.
    """

    def __init__(
        self, codes: Sequence[NDArray[np.uint8]], right: Sequence[NDArray[np.bool_]]
    ) -> None:
        assert len(right) == len(codes) + 1 <= MOST_GATES + 1
        self.codes, self.right = tuple(codes), tuple(right)
        self.n_images = len(right[0])
        self.cuts = [distinct_cuts(c) for c in codes]
        pairs = zip(self.cuts, codes, strict=True)
        self._ranks = [np.searchsorted(cuts[1:], c.astype(np.int64) + 1) for cuts, c in pairs]
        self._first = int(np.count_nonzero(right[0]))
        answers = [r.astype(np.int32) for r in right]
        self._gains = [later - first for first, later in pairwise(answers)]

    @property
    def shape(self) -> tuple[int, ...]:
        """How many cuts each gate has."""
        return tuple(len(cuts) for cuts in self.cuts)

    def blocks(self) -> Iterator[Block]:
        """All combinations of cuts: in one block, or for three gates in one a cut of the first.

        A block is read before the next one is asked for, which is counted in the same memory.
        """
        if len(self.cuts) == MOST_GATES:
            yield from self._one_by_one()
            return
        reached: list[Ints] = []
        hits = np.full((1,) * len(self.cuts), self._first, np.int32)
        for gates in range(1, len(self.cuts) + 1):
            place, rest = tuple(self._ranks[:gates]), (..., *(None,) * (len(self.cuts) - gates))
            reached.append(self._below(place, None)[rest])
            hits = hits + self._below(place, self._gains[gates - 1])[rest]
        yield Block(tuple(reached), hits, 0)

    def _below(self, place: tuple[NDArray[np.intp], ...], gain: Ints | None) -> Ints:
        """Images below each combination of cuts, or the sum of what they gain, one axis a gate."""
        out = np.zeros([len(cuts) for cuts in self.cuts[: len(place)]], np.int32)
        np.add.at(out, tuple(ranks + 1 for ranks in place), 1 if gain is None else gain)
        for axis in range(len(place)):
            np.cumsum(out, axis=axis, out=out)
        return out

    def _one_by_one(self) -> Iterator[Block]:
        """A block for each cut of the first of three gates.

        As the cut rises, a few images are sent on that were not: each adds itself to the cuts of
        the other gates that are above its codes, a rectangle.
        """
        outer, *ranks = self._ranks
        own, middle, last = self._gains
        to_third, third_gain = np.zeros((2, len(self.cuts[1])), np.int32)
        to_last, last_gain = np.zeros((2, *self.shape[1:]), np.int32)
        order = np.argsort(outer, kind="stable")
        ends = np.searchsorted(outer[order], np.arange(len(self.cuts[0]))).tolist()
        hits = np.int32(self._first)
        for cut, end in enumerate(ends):
            joining = order[ends[cut - 1] if cut else 0 : end]
            hits += own[joining].sum(dtype=np.int32)
            columns = [column[joining].tolist() for column in (*ranks, middle, last)]
            for row, column, gain, at_last in zip(*columns, strict=True):
                to_third[row + 1 :] += 1
                to_last[row + 1 :, column + 1 :] += 1
                if gain:
                    third_gain[row + 1 :] += gain
                if at_last:
                    last_gain[row + 1 :, column + 1 :] += at_last
            reached = np.full((1, 1, 1), end, np.int32), to_third[None, :, None], to_last[None]
            yield Block(reached, (last_gain + (third_gain + hits)[:, None])[None], cut)
