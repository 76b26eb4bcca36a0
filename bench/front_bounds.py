"""Which points of one little network may be on a front: bounds for whole intervals of cuts first.

At cut c a gate escalates the images whose code is below c, of which little has x(c) right and
y(c) wrong. Little has ``own`` right in all; big has ``both`` of those right, and ``gain`` that
little has wrong. The pair has ``own - lost(c) + won(c)`` right: lost are the escalated images that
little alone has right, won those that big alone has right. So, for a pair and cuts from c1 to c2,

- **Right answers.** ``lost(c) >= max(0, x(c) - both)`` and ``won(c) <= min(y(c), gain)``, and x and
  y never fall, hence no cut has more than ``own - max(0, x(c1) - both) + min(y(c2), gain)`` right.
- **Costs.** Where any image is escalated, each cost of a pair is affine in the escalation rate
  (means), a single step (p95) or constant (worst case, parameters, memory). So it is monotone, and
  nowhere in the interval below the smaller of its values at c1 and c2. Rounding is monotone, so
  that holds for the computed values as well. What a pair shares changes the slope and the constant
  alone: ``t_l + t_g + r (t_b - t_s)`` is affine whatever ``t_s`` is. It rises where ``t_s <= t_b``,
  as for prefix and nested pairs, and may fall for pairs measured end to end; then c2 counts.
- **Where nothing is escalated** costs jump, since big and a common graph are left out. Such a point
  is little alone, whatever big and gate are; it is taken in at the start, and no interval has it.

An interval whose bound is dominated by a known point is not opened: intervals of 64 cuts come
first, of those that are open the quarters, and theirs. In what is left the right answers at the
ends of 16 cuts are counted, then at those of 4, then the rest. A count bounds its neighbours: from
one cut to a higher one a pair wins no more than the images between that little has wrong, and to a
lower one no more than those that little has right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .front_costs import PairCosts
from .front_pool import Pool
from .front_question import Question
from .tally import below_cut, below_each, count_both, pack_bits

_WIDE, _WIDTH, _STRIDE = 64, 16, 4  # cuts of the intervals, each split into four of the next
Ints = NDArray[np.int32]
Index = NDArray[np.intp]
Costs = list[NDArray[np.float64]]


class LittlePoints:
    """The points of one little network under some gates, bounded and counted.

    A row is a cut of one of the gates. Cuts that escalate no image more than the one before are
    left out, as are those that escalate none. The rows of each gate are filled up to whole
    intervals with copies of its last, and a row that escalates nothing stands behind all.

    Args:
        question: what the front is asked of.
        little: index of the little network.
        gates: the gates, by index.
        codes: confidence codes of the little network under each of them, shape (n_images,) each.
        pairs: costs of the little network with all networks.
        pool: the front so far.

    Attributes:
        gate: the gate of each row, shape (n_rows,).
        cut: the cut of each row, rising within a gate, shape (n_rows,).
        place: which of the different cuts of its gate a row is, from 1 on, shape (n_rows,).
        n_counted: points whose right answers were counted.
    """

    def __init__(
        self,
        question: Question,
        little: int,
        gates: Sequence[int],
        codes: Sequence[NDArray[np.uint8]],
        pairs: PairCosts,
        pool: Pool,
    ) -> None:
        tally, cuts = question.tally, question.cuts
        self._block = -(-(len(cuts) - 1) // _WIDE) * _WIDE
        n_rows = self._block * len(gates)
        self.gate, self.n_counted = np.repeat(gates, self._block), 0
        self.place = np.tile(np.arange(1, self._block + 1), len(gates))
        self.cut = np.zeros(n_rows, np.int64)
        escalated, self._right = np.zeros(n_rows + 1, np.int32), np.zeros(n_rows + 1, np.int32)
        self._there, self._n_cuts = np.zeros(n_rows + 1, np.bool_), np.zeros(n_rows, np.intp)
        for i, of_gate in enumerate(codes):
            below = below_cut(of_gate)[cuts]
            fresh = np.flatnonzero(np.diff(below)) + 1
            if not len(fresh):
                continue
            rows = slice(i * self._block, (i + 1) * self._block)
            filled = np.append(fresh, np.repeat(fresh[-1], self._block - len(fresh)))
            self.cut[rows], escalated[rows] = cuts[filled], below[filled]
            self._right[rows] = below_cut(of_gate, tally.correct[little])[cuts[filled]]
            self._there[i * self._block : i * self._block + len(fresh)] = True
            self._n_cuts[rows] = len(fresh)
        self._wrong, self._rate = escalated - self._right, escalated / tally.n_images
        self._own = np.int32(tally.right[little])
        self._both = tally.both_right[little].astype(np.int32)
        self._gain = tally.right.astype(np.int32) - self._both
        self._codes, self._tally, self._pairs, self._pool = codes, tally, pairs, pool
        self._fewest, self._bigs = question.fewest_hits, question.bigs(little)
        rates = self._rate[self._there]
        ends = (rates.min(keepdims=True), rates.max(keepdims=True)) if len(rates) else None
        self._falling = pairs.falling(*ends) if ends else frozenset()

    def candidates(self) -> tuple[Index, Index, Ints, Costs]:
        """Points that may be on the front: rows, bigs, right answers and each cost, (n,) each."""
        interval, big = self._opened()
        low, high = self._ends(interval, big)
        counted = [(interval * _WIDTH + _WIDTH - 1, big, high)]
        first, open_ = self._split(interval * _WIDTH, _WIDTH, _STRIDE, big, low, high)
        full = np.flatnonzero(open_.any(axis=1))
        first, open_, big = first[full], open_[full], big[full]
        ends = np.stack([low[full], *(high[full],) * 4], axis=1)  # of the quarters, one below first
        i, part = np.nonzero(open_[:, :-1] | open_[:, 1:])
        row = first[i, part] + _STRIDE - 1
        ends[i, part + 1] = self._count(row, big[i])
        counted.append((row, big[i], ends[i, part + 1]))
        i, part = np.nonzero(open_)
        low, high, big = ends[i, part], ends[i, part + 1], big[i]
        row, open_ = self._split(first[i, part], _STRIDE, 1, big, low, high)
        i, j = np.nonzero(open_)
        counted.append((row[i, j], big[i], self._count(row[i, j], big[i])))
        return self._open_among(*(np.concatenate(column) for column in zip(*counted, strict=True)))

    def _open_among(self, row: Index, big: Index, hits: Ints) -> tuple[Index, Index, Ints, Costs]:
        """Those of counted points that may be on the front, and each of their costs."""
        pairs, rate = self._pairs.some(big), self._rate[row]
        costs = pairs.at(rate)
        open_ = self._open(hits, costs) & self._there[row] & pairs.allowed(rate)
        at = np.flatnonzero(open_)
        return row[at], big[at], hits[at], [c[at] for c in costs]

    def step(self, row: Index) -> Index:
        """At which step each row is counted: 0 for the ends of intervals, 1 or 2."""
        place = self.place[row]
        ends = (place % _WIDTH == 0) | (place == self._n_cuts[row])
        return np.asarray(np.where(ends, 0, np.where(place % _STRIDE == 0, 1, 2)))

    def _most(self, first: Index, last: Index, big: Index) -> Ints:
        """Right answers that no row from first to last exceeds."""
        most = np.minimum(self._wrong[last], self._gain[big])
        lost = self._right[first] - self._both[big]
        most -= np.maximum(lost, 0, out=lost)
        most += self._own
        return np.asarray(most)

    def _open(self, most: Ints, costs: Costs) -> NDArray[np.bool_]:
        return self._pool.open(most, costs) & (most >= self._fewest)

    def _may(
        self, first: Index, last: Index, big: Index, pairs: PairCosts, counted: Ints | None = None
    ) -> NDArray[np.bool_]:
        """Whether a row from first to last may be on the front.

        Args:
            first: the lowest row of each interval.
            last: the highest row of each, of the same shape.
            big: big networks; all arrays broadcast.
            pairs: costs of little with these.
            counted: right answers that are not exceeded, from what was counted around them.
        """
        most = self._most(first, last, big)
        if counted is not None:
            np.minimum(most, counted, out=most)
        floors, allowed = pairs.floors(self._rate[first], self._rate[last], self._falling)
        return self._open(most, floors) & allowed & self._there[first]

    def _opened(self) -> tuple[Index, Index]:
        """Intervals of ``_WIDTH`` rows, and a big each, that may have a point of the front."""
        n = len(self._both)
        first = np.arange(0, len(self.cut), _WIDE)[:, None]
        open_ = self._may(first, first + _WIDE - 1, np.arange(n), self._pairs)
        if self._bigs is not None:
            open_ &= self._bigs
        interval, big = np.divmod(np.flatnonzero(open_), n)
        quarters, open_ = self._quartered(interval, big, _WIDTH)
        at = np.flatnonzero(open_)
        interval, big = quarters.ravel()[at], big[at // 4]
        at = np.flatnonzero(self._quartered(interval, big, _STRIDE)[1].any(axis=1))
        return interval[at], big[at]

    def _quartered(
        self, interval: Index, big: Index, width: int
    ) -> tuple[Index, NDArray[np.bool_]]:
        """The quarters of intervals, each ``width`` rows, and whether each may be open, (n, 4)."""
        quarters, big = interval[:, None] * 4 + np.arange(4), big[:, None]
        first = quarters * width
        return quarters, self._may(first, first + width - 1, big, self._pairs.some(big))

    def _split(
        self, first: Index, width: int, part: int, big: Index, low: Ints, high: Ints
    ) -> tuple[Index, NDArray[np.bool_]]:
        """The first rows of parts of intervals, and whether each may have a point of the front.

        Of parts of one row the last is left out: it was counted.

        Args:
            first: first rows of the intervals, shape (n,).
            width: number of rows of an interval.
            part: number of rows of a part.
            big: the big network of each interval, shape (n,).
            low: right answers at the row below each interval, shape (n,).
            high: right answers at the last row of each interval, shape (n,).
        """
        first, big, low, high = first[:, None], big[:, None], low[:, None], high[:, None]
        below = np.where(first % self._block == 0, len(self.cut), first - 1)
        end, start = first + width - 1, first + np.arange(0, width - (part == 1), part)
        last = start + part - 1
        up = low + (self._wrong[last] - self._wrong[below])
        down = high + (self._right[end] - self._right[start])
        return start, self._may(start, last, big, self._pairs.some(big), np.minimum(up, down))

    def _count(self, row: Index, big: Index) -> Ints:
        """Right answers of points, shape (n,)."""
        needed = np.zeros(len(self.cut), np.bool_)
        needed[row] = True
        parts = []
        for i, codes in enumerate(self._codes):
            rows = slice(i * self._block, (i + 1) * self._block)
            cut = self.cut[rows][needed[rows]]
            parts.append(below_each(np.broadcast_to(codes, (len(cut), len(codes))), cut))
        masks, at = pack_bits(np.concatenate(parts)), np.cumsum(needed) - 1
        self.n_counted += len(row)
        counted = count_both(masks, at[row], self._tally.bits, big)
        return np.asarray(self._own - self._right[row] + counted.astype(np.int32))

    def _ends(self, interval: Index, big: Index) -> tuple[Ints, Ints]:
        """Right answers at the row below intervals and at their last, each counted once."""
        n_intervals = len(self.cut) // _WIDTH
        is_first = interval % (self._block // _WIDTH) == 0
        below = np.where(is_first, n_intervals, interval - 1)
        needed = np.zeros((n_intervals + 1, len(self._both)), np.bool_)
        needed[below, big] = needed[interval, big] = True
        needed[-1] = False
        hits = np.full(needed.shape, self._own, np.int32)  # where nothing is escalated
        end, other = np.nonzero(needed)
        hits[end, other] = self._count(end * _WIDTH + _WIDTH - 1, other)
        return hits[below, big], hits[interval, big]
