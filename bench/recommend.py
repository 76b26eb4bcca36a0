"""Which points of a front to use: at the limits that were given, or at three budgets.

A front has hundreds of points, and a user wants one of them. At a budget that is the most accurate
pair within it, set beside the most accurate single network within it; where the pair gains nothing
the answer is the single network. A point that asks one of its networks next to never is that other
network alone, whatever it is called, and is never recommended as a pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .figures import get_figure
from .limits import within
from .points import OperatingPoint, Points

#: Below this share of escalated inputs a pair is in effect its little network.
LEAST_RATE = 0.01
#: The gate of a network alone, in a space that has no pairs.
NO_GATE = "none"
_ACCURACY = ("accuracy", "error")
_KNEE, _LOWER, _HIGHER = "at the knee", "at a lower budget", "at a higher budget"
#: What a single network's figure is called: its latency is the same for every input.
_OF_SINGLES = {"latency_p95_ms": "latency_ms", "latency_worst_ms": "latency_ms"}


class Singles(Protocol):
    """Single networks to compare with, arrays of shape (n,); more costs may be there."""

    @property
    def architecture(self) -> NDArray[np.str_]:
        """Ids; an empty one stands for no network."""
        ...

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """Fractions in [0, 1]."""
        ...

    def records(self) -> list[dict[str, Any] | None]:
        """Every network as plain JSON."""
        ...


@dataclass(frozen=True)
class Budget:
    """A question that a recommendation answers.

    Attributes:
        why: its reason in words, such as "at the knee".
        limits: upper limits by figure; of accuracy a lower one.
        aim: the figure that is best there: accuracy, or the cost that an accuracy is reached at.
    """

    why: str
    limits: Mapping[str, float]
    aim: str = "accuracy"

    def text(self) -> str:
        """The limits in words, such as "mean latency of at most 20 ms"."""
        return " and ".join(_limit_text(n, v) for n, v in self.limits.items()) or "no limit"


@dataclass(frozen=True)
class Recommendation:
    """What to use within one budget.

    Attributes:
        budget: the limits and the aim that are answered.
        source: "search", or "table" for a pair that was measured there and beats what was searched.
        row: row of the best pair among the points; None where no pair meets the budget, or where it
            is not one of these points.
        pair: the best pair; None where none meets the budget.
        single: the best single network with its figures; None where none meets the budget.
        gain: accuracy of the pair minus that of the single network, a fraction.
        gain_low: lower end of its interval; None where nobody knows.
        gain_high: upper end of its interval.
        interval: how the interval came about, such as "bootstrap over images".
        decided: the verdict on val, where the figures are of test; None: it follows from the
            figures.
        pairs: whether what was searched has pairs at all, and not single networks alone.
        by_test: the single network that test itself would choose, with its figures; None where it
            is the same one, or where nobody knows.
        big: the big network of the pair alone, with its figures; ``gain`` is what the pair is more
            accurate, ``gain_low`` and ``gain_high`` are its interval, ``latency_share`` is the
            pair's mean latency over that of the network. None where nobody knows.
    """

    budget: Budget
    source: str
    row: int | None
    pair: OperatingPoint | None
    single: Mapping[str, Any] | None
    gain: float | None
    gain_low: float | None = None
    gain_high: float | None = None
    interval: str | None = None
    decided: str | None = None
    pairs: bool = True
    by_test: Mapping[str, Any] | None = None
    big: Mapping[str, Any] | None = None

    @property
    def verdict(self) -> str:
        """One of "pair", "single" (the pair gains nothing, or there is none) and "nothing".

        What val decided holds on test, unless the pair gains nothing there.
        """
        if self.decided is not None:
            return "single" if self.refuted else self.decided
        if self.pair is None:
            return "nothing" if self.single is None else "single"
        if self.single is None:
            return "pair"
        return "pair" if self._pair_wins() else "single"

    @property
    def refuted(self) -> bool:
        """Whether val chose a pair that gains nothing over the single network on test.

        One network is less to run, so that a pair has to gain. A pair that was chosen because it
        costs less at an accuracy is not refuted by that.
        """
        if self.decided != "pair" or self.single is None or self.budget.aim != "accuracy":
            return False
        return self.gain is not None and self.gain <= 0

    def asked_text(self) -> str:
        """The budget in words; says where its limits hold on val and the figures are of test."""
        text = self.budget.text()
        if self.decided is not None and self.budget.limits:
            text += " on val"
            if self.pair is not None or self.single is not None:
                text += "; the figures are of test"
        return f"{self.budget.why} ({text})"

    def _pair_wins(self) -> bool:
        assert self.pair is not None
        assert self.single is not None
        if self.budget.aim == "accuracy":
            return (self.gain or 0.0) > 0.0
        mine, its = getattr(self.pair, self.budget.aim), self.single.get(self.budget.aim)
        return its is None or mine < its

    @property
    def accuracy(self) -> float:
        """Of what is recommended; minus infinity where nothing is."""
        if self.verdict == "pair":
            assert self.pair is not None
            return self.pair.accuracy
        return float(self.single["accuracy"]) if self.single is not None else -np.inf

    def record(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "why": self.budget.why,
            "budget": dict(self.budget.limits),
            "aim": self.budget.aim,
            "verdict": self.verdict,
            "verdict_on_val": self.decided,
            "source": self.source,
            "row": self.row,
            "pair": None if self.pair is None else self.pair.as_dict(),
            "single": None if self.single is None else dict(self.single),
            "gain": self.gain,
            "gain_low": self.gain_low,
            "gain_high": self.gain_high,
            "gain_interval": self.interval,
            "pairs": self.pairs,
            "single_by_test": None if self.by_test is None else dict(self.by_test),
            "big_alone": None if self.big is None else dict(self.big),
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Recommendation:
        """What ``record`` gave."""
        pair = record["pair"]
        return cls(
            budget=Budget(record["why"], dict(record["budget"]), record["aim"]),
            source=record["source"],
            row=record["row"],
            pair=None if pair is None else OperatingPoint(**pair),
            single=record["single"],
            gain=record["gain"],
            gain_low=record["gain_low"],
            gain_high=record["gain_high"],
            interval=record["gain_interval"],
            decided=record.get("verdict_on_val", record["verdict"]),
            pairs=record.get("pairs", True),
            by_test=record.get("single_by_test"),
            big=record.get("big_alone"),
        )

    def at_row(self, row: int) -> Recommendation:
        """The same, its pair in another row."""
        return replace(self, row=row)

    def with_gain(self, low: float, high: float, interval: str) -> Recommendation:
        """The same with the interval of its gain."""
        return replace(self, gain_low=low, gain_high=high, interval=interval)


def alone(points: Points) -> NDArray[np.str_]:
    """The network that in effect answers alone at each point, shape (n,); "" where both do.

    Little alone where fewer than 1 % of the inputs are escalated. Where all are escalated big gives
    every answer, but little is paid for as well.
    """
    rate = points.escalation_rate
    little = (rate < LEAST_RATE) | (points.little == points.big)
    big = ~little & (rate > 1.0 - LEAST_RATE)
    ids = np.where(little, points.little, np.where(big, points.big, ""))
    return np.asarray(ids, np.str_)


def unasked(points: Points) -> NDArray[np.bool_]:
    """Whether no second network is asked at each point, shape (n,), so that little answers all.

    Elsewhere the figures and their provenance are those of both networks, however few inputs are
    escalated.
    """
    return np.asarray((points.escalation_rate == 0) | (points.little == points.big), np.bool_)


def gateless(points: Points) -> bool:
    """Whether these are the single networks of a space that has no gates, and so no pairs."""
    return bool(len(points)) and set(points.gate) == {NO_GATE}


def spread(points: Points, top: int, first: Iterable[int] = ()) -> NDArray[np.intp]:
    """Indices of at most ``top`` points spread over a front, sorted by mean latency.

    Args:
        points: operating points of a front.
        top: most indices to give; at least 1.
        first: indices that come before all others. Then come the ends, the most accurate one first,
            then whatever is furthest from all chosen, by rank in latency.
    """
    wanted = list(dict.fromkeys(int(i) for i in first))[:top]
    order = np.argsort(points.latency_ms, kind="stable")
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    if len(points) and not wanted:
        wanted.append(int(order[np.nanargmax(points.accuracy[order])]))
    gap = np.full(len(points), len(points), np.intp)
    for i in wanted:
        gap = np.minimum(gap, np.abs(rank - rank[i]))
    ends = [int(order[k]) for k in (0, -1)] if len(points) else []
    while len(wanted) < min(top, len(points)):
        ends = [i for i in ends if gap[i] > 0]
        i = max(ends, key=lambda e: gap[e]) if ends else int(order[np.argmax(gap[order])])
        wanted.append(i)
        gap = np.minimum(gap, np.abs(rank - rank[i]))
    chosen = np.array(wanted, np.intp)
    return chosen[np.argsort(rank[chosen], kind="stable")] if len(chosen) else chosen


def knee(cost: NDArray[np.float64], accuracy: NDArray[np.float64]) -> int:
    """Index of the point furthest above the line from the cheapest to the most accurate point.

    Both axes are scaled to the front's extent. Source: Das 1999, "On characterizing the knee of the
    Pareto curve".

    >>> knee(np.array([1.0, 2.0, 10.0]), np.array([0.5, 0.8, 0.9]))
    1
    """
    low, high = int(np.nanargmin(cost)), int(np.nanargmax(accuracy))
    across, up = cost[high] - cost[low], accuracy[high] - accuracy[low]
    if not (across > 0 and up > 0):
        return high
    above = (accuracy - accuracy[low]) / up - (cost - cost[low]) / across
    return int(np.nanargmax(above))


def budgets(
    points: Points, limits: Mapping[str, float], objectives: Sequence[str] = ("error", "latency_ms")
) -> tuple[Budget, ...]:
    """The budgets worth an answer: those given, else the knee of the front and two around it.

    Args:
        points: the front, that meets the limits.
        limits: limits of the user, by figure. Costs hold together: the most accurate pair within
            them is sought. With a limit on accuracy the cheapest pair that reaches it is sought as
            well.
        objectives: the first that is a cost is what budgets without limits are of.
    """
    costs = {n: v for n, v in limits.items() if n not in _ACCURACY}
    axis = next((o for o in objectives if o not in _ACCURACY and hasattr(points, o)), "latency_ms")
    out = []
    if costs:
        out.append(Budget("within the limits", dict(limits)))
    if len(costs) < len(limits):
        out.append(Budget("at the accuracy asked for", dict(limits), axis))
    if out or not len(points):
        return tuple(out)
    usable = np.flatnonzero(alone(points) == "")
    some = points.take(usable) if len(usable) else points
    cost = some.figure(axis)
    if not np.isfinite(cost).any():
        return ()
    best = int(np.nanargmax(some.accuracy))
    at = knee(cost, some.accuracy)
    ends = float(np.nanmin(cost)), float(cost[at]), float(cost[best])
    middle = (ends[0] * ends[1]) ** 0.5, ends[1], (ends[1] * ends[2]) ** 0.5
    words = (_LOWER, _KNEE, _HIGHER)
    by_value = {
        value: Budget(word, {axis: value}) for word, value in zip(words, middle, strict=True)
    }
    by_value[ends[1]] = Budget(_KNEE, {axis: ends[1]})
    return tuple(sorted(by_value.values(), key=lambda b: (b.why != _KNEE, b.limits[axis])))


def recommend(
    points: Points,
    questions: Sequence[Budget],
    singles: Singles | None = None,
    source: str = "search",
) -> tuple[Recommendation, ...]:
    """The best pair and the best single network within each budget.

    Args:
        points: candidates; those that are single networks in effect are none.
        questions: the budgets, as from `budgets`.
        singles: networks to compare with, of the same source; None: nothing to compare with.
        source: where the points are from, "search" or "table".
    """
    return tuple(_within(points, budget, singles, source) for budget in questions)


def _within(points: Points, budget: Budget, singles: Singles | None, source: str) -> Recommendation:
    limits = {n: v for n, v in budget.limits.items() if hasattr(points, n)}
    usable = np.flatnonzero(within(points, limits) & (alone(points) == ""))
    row = _best(points, usable, budget.aim)
    pair = None if row is None else points[row]
    single = None
    if singles is not None:
        single = best_single_within(singles, budget)
    gain = None
    if pair is not None and single is not None:
        gain = pair.accuracy - float(single["accuracy"])
    pairs = not gateless(points)
    return Recommendation(budget, source, row, pair, single, gain, pairs=pairs)


def _best(points: Any, usable: NDArray[np.intp], aim: str) -> int | None:
    figure = points.figure(aim) if isinstance(points, Points) else getattr(points, aim)
    values = get_figure(aim).minimised(np.asarray(figure, np.float64))[usable]
    usable, values = usable[~np.isnan(values)], values[~np.isnan(values)]
    if not len(usable):
        return None
    tie = -np.asarray(points.accuracy, np.float64)[usable]
    return int(usable[np.lexsort((tie, values))[0]])


def best_single_within(singles: Singles, budget: Budget) -> Mapping[str, Any] | None:
    """The single network that is best within a budget, with its figures; None where none meets it.

    Args:
        singles: networks to choose from.
        budget: the limits and the aim.
    """
    ok = (singles.architecture != "") & np.isfinite(singles.accuracy)
    for name, limit in budget.limits.items():
        if name in ("error", "accuracy"):
            least = limit if name == "accuracy" else 1.0 - limit
            ok &= singles.accuracy >= least
        elif name != "escalation_rate":  # a single network escalates nothing
            column = getattr(singles, _OF_SINGLES.get(name, name), None)
            if column is None:
                return None  # a limit that nobody can check of them
            ok &= np.asarray(column, np.float64) <= limit
    aim = _OF_SINGLES.get(budget.aim, budget.aim)
    row = _best(singles, np.flatnonzero(ok), aim if hasattr(singles, aim) else "accuracy")
    return None if row is None else singles.records()[row]


def best_answers(
    first: Sequence[Recommendation], second: Sequence[Recommendation]
) -> tuple[Recommendation, ...]:
    """Of two answers to the same budgets the better one each time; the first where they tie.

    What is better is decided on the figures that the answers were chosen on.
    """

    def rank(answer: Recommendation) -> float:
        if answer.budget.aim == "accuracy" or answer.verdict == "nothing":
            return answer.accuracy
        used = answer.pair if answer.verdict == "pair" else answer.single
        value = used.get(answer.budget.aim) if isinstance(used, Mapping) else None
        value = getattr(used, answer.budget.aim, value)
        return -float(value) if value is not None else -np.inf

    return tuple(b if rank(b) > rank(a) else a for a, b in zip(first, second, strict=True))


def recommended_rows(
    points: Points, answers: Sequence[Recommendation] | None = None
) -> tuple[int, ...]:
    """Rows of the recommended pairs, the first answer first; those of the budgets if none is given.

    Args:
        points: operating points of a front.
        answers: answers to its budgets, as a file of a search carries them; None: worked out from
            the front alone, without single networks beside it.
    """
    if answers is None:
        answers = recommend(points, budgets(points, {}))
    rows = [a.row for a in answers if a.row is not None and a.verdict == "pair"]
    rows = [row for row in rows if 0 <= row < len(points)]
    return tuple(dict.fromkeys(rows))


def _limit_text(name: str, value: float) -> str:
    figure = get_figure(name)
    side = "at least" if figure.direction == "max" else "at most"
    return f"{figure.label} of {side} {figure.text(value)} {figure.shown_unit}"


def as_records(answers: Sequence[Recommendation]) -> list[dict[str, Any]]:
    """The answers as plain JSON, the list ``recommended`` of a front's file."""
    return [answer.record() for answer in answers]


def marks(answers: Sequence[Recommendation]) -> dict[int, str]:
    """Why a row of the front is marked, by row."""
    out: dict[int, str] = {}
    for answer in answers:
        if answer.row is not None and answer.verdict == "pair":
            out.setdefault(answer.row, answer.budget.why)
    return out
