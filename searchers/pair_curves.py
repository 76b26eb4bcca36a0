"""The curves of the pairs of a front, for a page that moves a point along them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..bench import Benchmark, Evaluator, Pair, Points
from ..bench.cost import PAIR_COSTS
from ..bench.gates import N_CODES, get_gate
from .judge import candidates_of
from .pages.curves import PairCurve
from .table_singles import each_device

#: Little network, big network and gate of a curve.
Key = tuple[str, str, str]
STEPS = 64  # places of a predicted curve


def curve_keys(points: Points) -> list[Key]:
    """What curves the points lie on, each once, in the order of the points."""
    both = zip(points.little.tolist(), points.big.tolist(), points.gate.tolist(), strict=True)
    return list(dict.fromkeys(both))


def table_curves(
    bench: Benchmark,
    by_device: Mapping[str, Points],
    given: Mapping[str, str | Sequence[str]],
    steps: int = N_CODES,
) -> dict[Key, PairCurve]:
    """The exact curves of points of a table, on test, with their accuracy on val.

    Args:
        bench: the table that has all networks.
        by_device: points by the name of the device whose costs they have.
        given: what a benchmark takes for each device, a name or the path of a profile; of several
            each cost is the largest over them.
        steps: how many cuts are kept, evenly spread, beside those of the points; a power of 2.
    """
    devices: dict[Key, list[str]] = {}
    for device, points in by_device.items():
        for key in curve_keys(points):
            devices.setdefault(key, []).append(device)
    cuts = _some_cuts([*by_device.values()], bench.table.n_classes, steps)
    return {
        key: _table_curve(
            bench, key, {name: given[name] for name in used}, np.array(sorted(cuts[key]), np.int64)
        )
        for key, used in devices.items()
    }


def _table_curve(
    bench: Benchmark,
    key: Key,
    devices: Mapping[str, str | Sequence[str]],
    cuts: NDArray[np.int64],
) -> PairCurve:
    pair, gate = Pair(*key[:2]), key[2]
    on = {
        name: [bench.curve(pair, gate, one) for one in each_device(device)]
        for name, device in devices.items()
    }
    first = next(iter(on.values()))[0]
    val = bench.curve(pair, gate, first.device, "val")
    n_images = {s: len(bench.table.predictions(s).correct[0]) for s in ("val", "test")}
    return PairCurve(
        gate=gate,
        cuts=cuts,
        accuracy=first.accuracy[cuts],
        escalation_rate=first.escalation_rate[cuts],
        costs={
            device: {n: np.max([getattr(c, n) for c in curves], axis=0)[cuts] for n in PAIR_COSTS}
            for device, curves in on.items()
        },
        n_images=n_images["test"],
        val=(val.accuracy[cuts], n_images["val"]),
    )


def predicted_curves(evaluator: Evaluator, points: Points, device: str) -> dict[Key, PairCurve]:
    """The curves of points as an evaluator predicts them, in some `STEPS` places each.

    Args:
        evaluator: whatever predicted the points.
        points: points of the evaluator's own space and gates.
        device: name of the device whose costs they have.
    """
    n_classes, keys = evaluator.n_classes, curve_keys(points)
    cuts = _some_cuts([points], n_classes, STEPS)
    owner = np.repeat(np.arange(len(keys)), [len(cuts[key]) for key in keys])
    cut = np.concatenate([np.array(sorted(cuts[key]), np.int64) for key in keys])
    first = {key: row for row, key in reversed([*enumerate(_keys(points))])}
    asked_of = points.take(np.array([first[key] for key in keys], np.intp)[owner])
    candidates = replace(candidates_of(asked_of, evaluator, n_classes), cut=cut)
    answers = evaluator.evaluate(candidates)
    curves = {}
    for number, key in enumerate(keys):
        rows = np.flatnonzero(owner == number)
        curves[key] = PairCurve(
            gate=key[2],
            cuts=cut[rows],
            accuracy=answers.accuracy[rows],
            escalation_rate=answers.escalation_rate[rows],
            costs={device: {name: answers.figure(name)[rows] for name in PAIR_COSTS}},
        )
    return curves


def _keys(points: Points) -> list[Key]:
    return [*zip(points.little.tolist(), points.big.tolist(), points.gate.tolist(), strict=True)]


def _some_cuts(several: Sequence[Points], n_classes: int, steps: int) -> dict[Key, set[int]]:
    """Cuts to keep of each curve: evenly spread ones, and those of the points."""
    even = set(range(0, N_CODES + 1, N_CODES // steps))
    cuts: dict[Key, set[int]] = {}
    for points in several:
        for key, threshold in zip(_keys(points), points.threshold.tolist(), strict=True):
            own = int(get_gate(key[2]).cut(threshold, n_classes))
            cuts.setdefault(key, set(even)).add(own)
    return cuts
