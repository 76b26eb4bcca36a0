"""What a search answers first: which pair to use, or that a single network does as well.

At each budget the pair that was searched is held against the best single network the search saw,
and against the pairs whose answers are in the table: the exact front of what was measured. Pairs
of the table are chosen on val, as predictions are made for val, and reported on test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import Benchmark, Front, OperatingPoint, Points
from ..bench.bootstrap import LEVEL, paired_gain
from ..bench.errors import BigLittleError
from ..bench.figures import three_digits
from ..bench.gates import get_gate
from ..bench.recommend import (
    Budget,
    Recommendation,
    best_answers,
    best_single_within,
    budgets,
    recommend,
)
from ..bench.recommend import alone as alone_at
from ..bench.spaces import parse_networks
from .evaluators.worst_case import worst_points
from .settings import SearchSettings
from .singles import SingleNetworks
from .table_singles import each_device, table_single, table_singles

CONFORMAL = f"conformal, {100 * LEVEL:.0f} %, the errors of both taken as independent"
BOOTSTRAP = f"bootstrap over test images, {100 * LEVEL:.0f} %"
_TABLE = "table"
UNKNOWN = "unknown"  # provenance that an older file does not say
_UNITS = {
    "accuracy": "%",
    "escalation_rate": "% escalated",
    "latency_ms": "ms on average",
    "latency_p95_ms": "ms p95",
    "peak_memory_mib": "MiB",
}

_PERCENT = {"accuracy": 2, "escalation_rate": 1}
_SHOWN = ("accuracy", "latency_ms", "latency_p95_ms", "peak_memory_mib")
_COSTS = _SHOWN[1:]
_UNTIMED = ("accuracy", "escalation_rate", "peak_memory_mib")  # of a pair of unknown latency

#: Half-widths of the accuracy's interval of a pair and of a single network, fractions.
HalfWidths = Callable[[OperatingPoint, str], tuple[float, float]]


def answers(
    front: Points,
    singles: SingleNetworks,
    settings: SearchSettings,
    half_widths: HalfWidths | None = None,
    measured: tuple[Benchmark, Front] | None = None,
) -> tuple[Recommendation, ...]:
    """What to use at each budget, the answer to the limits or the knee first.

    Args:
        front: the front of the search, on what was searched and not yet on test.
        singles: networks seen alone in the same search.
        settings: with the limits and objectives that were asked.
        half_widths: gives half-widths of predicted accuracies; None: nothing is known of them.
        measured: a table and its exact front within the same limits; None: there is none.
    """
    questions = budgets(front, settings.limits, settings.objectives)
    searched = tuple(_predicted(a, half_widths) for a in recommend(front, questions, singles))
    if measured is None:
        return searched
    bench, exact = measured
    alone = table_singles(bench, exact.device, "val")
    of_table = recommend(exact.chosen, questions, alone, _TABLE)
    best = best_answers(searched, of_table)
    on_table = any(a.source == _TABLE for a in best)
    single = table_singles(bench, exact.device, "test") if on_table else None
    return tuple(on_test(a, bench, exact.device, single) if a.source == _TABLE else a for a in best)


def table_answers(
    bench: Benchmark,
    chosen: Points,
    device: str | Sequence[str],
    limits: Mapping[str, float],
    objectives: Sequence[str],
) -> tuple[Recommendation, ...]:
    """What to use at each budget of a front of the table: chosen on val, reported on test.

    Args:
        bench: the table whose networks were searched.
        chosen: the front, on val; a point under a gate that no device can run is never an answer.
        device: name of a device of the table, or the path of a profile; of several each cost is
            the largest over them.
        limits: largest value by figure (for accuracy: smallest), as the search was given them.
        objectives: figures that the search minimised or maximised.
    """
    runnable = {g for g in np.unique(chosen.gate).tolist() if get_gate(g).deployable}
    rows = np.flatnonzero(np.isin(chosen.gate, sorted(runnable)))
    some = chosen.take(rows)
    questions = budgets(some, limits, objectives)
    chosen_rows = recommend(some, questions, table_singles(bench, device, "val"))
    placed = (
        replace(
            a, row=None if a.row is None else int(rows[a.row]), pairs=a.pairs and bool(runnable)
        )
        for a in chosen_rows
    )
    alone = table_singles(bench, device, "test")
    return tuple(on_test(answer, bench, device, alone) for answer in placed)


def score_answer(
    best: Points, front: Points, singles: SingleNetworks, half_widths: HalfWidths | None = None
) -> Recommendation:
    """The point of the best score as the answer, beside the best single network that is as fast.

    Args:
        best: the best point under a soft score, one row.
        front: the front of the same search, which may hold the point.
        singles: networks to compare with.
        half_widths: gives half-widths of predicted accuracies; None: nothing is known of them.
    """
    latency = float(best.latency_ms[0])
    limits = {"latency_ms": latency} if np.isfinite(latency) else {}
    (answer,) = recommend(best, (Budget("with the best score", limits),), singles)
    same = [getattr(front, n) == getattr(best, n) for n in ("little", "big", "gate", "threshold")]
    rows = np.flatnonzero(np.all(same, axis=0))
    if answer.pair is None:  # the best is a network alone, and no pair is missing
        return replace(answer, single=_called(best[0], answer.single), pairs=False)
    return _predicted(replace(answer, row=int(rows[0]) if len(rows) else None), half_widths)


def _called(best: OperatingPoint, single: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The single network, under the name of the best point where that does exactly as well.

    Digits behind an exit say nothing, so that one network may have been seen under several names.
    """
    name = str(alone_at(one_point(best))[0])
    figures = ("accuracy", "latency_ms")
    if single is None or not name or any(getattr(best, f) != single.get(f) for f in figures):
        return single
    return {**single, "architecture": name}


def exact_front(bench: Benchmark, device: str, settings: SearchSettings) -> Front | None:
    """The table's exact front to the same question; None where it has no answer."""
    try:
        return bench.front(
            device, settings.objectives, settings.limits, couplings=settings.couplings
        )
    except BigLittleError:
        return None  # nothing in the table meets the limits, or it knows nothing of the device


def surrogate_half_widths(evaluator: Any) -> HalfWidths | None:
    """Half-widths by a surrogate's conformal intervals; None where the evaluator is none."""
    evaluator = getattr(evaluator, "evaluators", (evaluator,))[0]
    surrogate = getattr(evaluator, "surrogate", None)
    if surrogate is None or surrogate.intervals is None:
        return None

    def half_widths(pair: OperatingPoint, single: str) -> tuple[float, float]:
        of_pair = evaluator.intervals(one_point(pair))
        alone = surrogate.predict_networks(*parse_networks(surrogate.space, [single]))
        widths = [max(float(p.high[0] - p.accuracy[0]), float(p.accuracy[0] - p.low[0]))
                  for p in (of_pair, alone)]  # fmt: skip
        return widths[0], widths[1]

    return half_widths


def one_point(point: OperatingPoint) -> Points:
    """An operating point as the only one of its arrays."""
    values = {k: v for k, v in point.as_dict().items() if k != "provenance"}
    values["coupling"] = point.coupling or ""
    columns: dict[str, Any] = {
        k: np.array([v if isinstance(v, str) else np.nan if v is None else v])
        for k, v in values.items()
    }
    return Points(**columns, provenance=point.provenance)


def _predicted(answer: Recommendation, half_widths: HalfWidths | None) -> Recommendation:
    if half_widths is None or answer.pair is None or answer.single is None or answer.gain is None:
        return answer
    half = float(np.hypot(*half_widths(answer.pair, str(answer.single["architecture"]))))
    return answer.with_gain(answer.gain - half, answer.gain + half, CONFORMAL)


def on_test(
    answer: Recommendation,
    bench: Benchmark,
    device: str | Sequence[str],
    alone: SingleNetworks | None = None,
) -> Recommendation:
    """An answer that was chosen on val as it is reported, with the interval of its gain.

    What is recommended stays what val decided, unless the pair gains nothing over the single
    network on test (``Recommendation.refuted``).

    Args:
        answer: the answer to one budget, as val decided it.
        bench: the table that has the networks.
        device: name of a device of the table, or the path of a profile; of several each cost is
            the largest over them.
        alone: the table's networks alone on test, for many answers; None: they are looked up.
    """
    answer = replace(answer, decided=answer.verdict)
    pair, single = answer.pair, answer.single
    if pair is not None:
        on_each = [bench.reported(one_point(pair), one) for one in each_device(device)]
        pair = worst_points(on_each)[0]
    if single is not None:
        row = bench.row(str(single["architecture"]))
        single = {**single, "accuracy": float(bench.accuracy("test")[row])}
    row_kept = None if answer.source == _TABLE else answer.row
    big = None if pair is None else beside_big(bench, pair, device)
    answer = replace(answer, pair=pair, single=single, row=row_kept, big=big)
    if pair is None or single is None:
        return answer
    gain, low, high = gain_over(bench, pair, str(single["architecture"]))
    alone = table_singles(bench, device, "test") if alone is None else alone
    by_test = best_single_within(alone, answer.budget)
    if by_test is not None and by_test["accuracy"] <= single["accuracy"]:
        by_test = None
    answer = replace(answer, gain=gain, by_test=by_test)
    return answer.with_gain(low, high, BOOTSTRAP)


def gain_over(bench: Benchmark, point: OperatingPoint, network: str) -> tuple[float, float, float]:
    """What a pair is more accurate on test than one network, and the ends of its interval.

    Args:
        bench: the table that has all three networks.
        point: the pair, under its gate.
        network: name of the network that answers alone.
    """
    alone = bench.table.predictions("test").correct[bench.row(network)]
    return paired_gain(right_of_pair(bench, point), alone)


def beside_big(
    bench: Benchmark, point: OperatingPoint, device: str | Sequence[str]
) -> dict[str, Any]:
    """The big network of a pair alone, and what the pair gains over it: ``Recommendation.big``.

    Args:
        bench: the table that has both networks.
        point: the pair, under its gate, as test reports it.
        device: name of a device of the table, or the path of a profile; of several each cost is
            the largest over them.
    """
    figures = table_single(bench, point.big, device)
    gain, low, high = gain_over(bench, point, point.big)
    mine, its = point.latency_ms, figures["latency_ms"]
    share = mine / its if mine is not None and its else None
    return {**figures, "gain": gain, "gain_low": low, "gain_high": high, "latency_share": share}


def right_of_pair(
    bench: Benchmark, point: OperatingPoint, split: str = "test"
) -> NDArray[np.bool_]:
    """Which images of a split a pair of the table has right, shape (n_images,)."""
    little, big = bench.row(point.little), bench.row(point.big)
    correct = bench.table.predictions(split).correct
    gate = get_gate(point.gate)
    cut = int(gate.cut(point.threshold, bench.table.n_classes))
    escalated = bench.table.gate_codes.of_pair(point.gate, split, little, big) < cut
    return np.asarray(np.where(escalated, correct[big], correct[little]))


# ---- in words ----------------------------------------------------------------------------------
def sentence(answer: Recommendation) -> str:
    """The answer to one budget, for a reader: what to use, and what it is worth."""
    text = answer.asked_text()
    where = f"{text[0].upper()}{text[1:]}"
    if answer.verdict == "nothing":
        return f"{where}: nothing that was seen meets it."
    if answer.verdict == "single":
        assert answer.single is not None
        beside = " No pair that was seen meets it." if answer.pairs else ""
        if answer.pair is not None:
            named = _named(answer.pair)
            best = f"The best pair, {named}, gains"
            if answer.refuted:
                best = f"On test the pair lost that was chosen on val: {named} gains"
            elif answer.decided == "single" and (answer.gain or 0.0) > 0:
                best = f"Val, which chooses, prefers it; on test the best pair, {named}, gains"
            costs = _figures(vars(answer.pair), answer.pair.provenance, _COSTS)
            takes = f" and takes {_joined(costs)}" if costs else ""
            beside = f" {best} {gain_text(answer)}{takes}."
        return f"{where}: use the single network {_single(answer.single)}.{beside}"
    assert answer.pair is not None
    pair = answer.pair
    measured = "measured in the table: " if answer.source == _TABLE else ""
    figures = _figures(vars(pair), pair.provenance, _UNTIMED if pair.latency_ms is None else _SHOWN)
    text = f"{where}: use {_named(pair)}, {measured}accuracy {_joined(figures)}."
    if answer.single is None:
        return f"{text} No single network was seen that is known to meet it."
    text += f" It gains {gain_text(answer)} over the best single network, {_single(answer.single)}"
    if answer.gain_low is None or answer.gain_high is None or answer.gain_low > 0:
        return f"{text}.{by_test_text(answer)}{big_text(answer)}"
    if answer.gain_high < 0:
        text += "; it was chosen for what it costs, and is less accurate."
        return f"{text}{big_text(answer)}"
    text += "; the interval holds 0, so that the single network may do as well."
    return f"{text}{by_test_text(answer)}{big_text(answer)}"


def big_text(answer: Recommendation) -> str:
    """What a pair is worth beside its big network alone; "" where that is said already."""
    big, pair, single = answer.big, answer.pair, answer.single
    if big is None or pair is None or (single or {}).get("architecture") == pair.big:
        return ""
    ends = f"{100 * big['gain_low']:+.2f} to {100 * big['gain_high']:+.2f}"
    share = big["latency_share"]
    costs = "" if share is None else f", at {100 * share:.0f} % of its latency"
    return (
        f" Beside its big network alone ({_listed(big, ('accuracy', 'latency_ms'))}) it is at "
        f"{100 * big['gain']:+.2f} points ({100 * LEVEL:.0f} % interval {ends}){costs}."
    )


def by_test_text(answer: Recommendation) -> str:
    """What a pair gains over the single network that test would choose; "" where val does as well.

    Both are chosen on val, which is luck in part: neither gain is free of it.
    """
    if answer.by_test is None or answer.pair is None:
        return ""
    gain = 100 * (answer.pair.accuracy - float(answer.by_test["accuracy"]))
    return (
        f" Val chose both; over the single network that test itself would choose, "
        f"{_single(answer.by_test)}, it gains {gain:+.2f} points."
    )


def _named(pair: OperatingPoint) -> str:
    return f"{pair.little} -> {pair.big} ({pair.gate} {pair.threshold:.3f})"


def _single(single: Mapping[str, Any]) -> str:
    return f"{single['architecture']} ({_listed(single)})"


def _listed(single: Mapping[str, Any], names: Sequence[str] = _SHOWN) -> str:
    """Figures of a single network, each with its provenance."""
    figures = _figures(single, single.get("provenance") or {}, names)
    return "; ".join(f"{text}, {word}" for text, word in figures)


def gain_text(answer: Recommendation) -> str:
    """What the pair gains over the single network, in points with their interval."""
    if answer.gain is None:
        return "an unknown number of points"
    text = f"{100 * answer.gain:+.2f} points"
    if answer.gain_low is None or answer.gain_high is None:
        return text
    how, *level = (answer.interval or "").split(", ")[:2]
    interval = f"{level[0]} interval" if level else "interval"
    ends = f"{100 * answer.gain_low:+.2f} to {100 * answer.gain_high:+.2f}"
    return f"{text} ({interval} {ends}, {how})" if how else f"{text} ({interval} {ends})"


def _figures(
    figures: Mapping[str, Any], words: Mapping[str, str], names: Sequence[str] = _SHOWN
) -> list[tuple[str, str]]:
    """Figures as text, by name; those of one provenance stand together before its word."""
    out: list[tuple[str, str]] = []
    for name in names:
        if (value := figures.get(name)) is None:
            continue
        digits = _PERCENT.get(name)
        shown = three_digits(value) if digits is None else f"{100 * value:.{digits}f}"
        text, word = f"{shown} {_UNITS[name]}", words.get(name, UNKNOWN)
        if out and out[-1][1] == word:
            text = f"{out.pop()[0]}, {text}"
        out.append((text, word))
    return out


def _joined(figures: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{text} ({word})" for text, word in figures)
