"""What to do with somebody's networks, in a few lines: which pair, which gate, which threshold."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...bench import Benchmark, Front, OperatingPoint
from ...bench.bootstrap import LEVEL
from ...bench.errors import ConstraintError
from ...bench.figures import FIGURES, three_digits
from ...bench.gates import get_gate
from ...bench.own.costs import DEVICE
from ...bench.recommend import Budget, Recommendation, recommend
from ...edge_profiler.onnx_gates import onnx_gates
from ...searchers.answer import big_text, on_test, sentence
from ...searchers.table_singles import table_singles

#: What networks are compared by: the first that all of a table's networks have.
COST_ORDER = ("latency_ms", "energy_mj", "macs")


@dataclass(frozen=True)
class Verdict:
    """Which pair of a table to use on a device, or that a single network does as well.

    Attributes:
        bench: the table of the networks.
        device: name of the device.
        cost: figure by which networks were compared.
        answer: the pair and the single network, chosen on val and reported on test.
        front: all points of the table that are not dominated.
    """

    bench: Benchmark
    device: str
    cost: str
    answer: Recommendation
    front: Front

    def text(self) -> str:
        """The verdict for a reader: what to ask when, what that gains, and how sure that is."""
        answer, pair, single = self.answer, self.answer.pair, self.answer.single
        head = "Verdict" if self.device == DEVICE else f"Verdict on {self.device}"
        if answer.budget.aim == "accuracy" or answer.verdict == "nothing" or single is None:
            return f"{head}: {sentence(answer)}"
        name = str(single["architecture"])
        alone = f"{name} alone is right about {single['accuracy']:.2%} at {self._cost(single)}"
        if answer.verdict == "single" or pair is None:
            return (
                f"{head}: use one network. {alone}, and no pair that is as accurate on val costs "
                "less."
            )
        ratio = self._value(vars(pair)) / self._value(single)
        mean = f"{self._cost(vars(pair))} on average ({pair.provenance[self.cost]})"
        if self.cost == "latency_ms" and pair.latency_worst_ms is not None:
            mean += f", {three_digits(pair.latency_worst_ms)} ms where both are asked"
        return (
            f"{head}: {asked_when(pair)} Together they are right about {pair.accuracy:.2%} "
            f"({pair.provenance['accuracy']}) at {mean}. The best network by itself, {name}, is "
            f"right about {single['accuracy']:.2%} at {self._cost(single)}: the pair takes "
            f"{ratio:.0%} of that, and gains {gain_of(answer)}.{big_text(answer)}"
        )

    def _value(self, figures: Mapping[str, Any]) -> float:
        return float(figures[self.cost])

    def _cost(self, figures: Mapping[str, Any]) -> str:
        figure, value = FIGURES[self.cost], self._value(figures)
        shown = figure.text(value) if self.cost == "macs" else three_digits(value)
        return f"{shown} {figure.shown_unit}{' MACs' * (self.cost == 'macs')}"

    def next_steps(self, table: str, onnx: Mapping[str, Path] | None = None) -> list[str]:
        """The commands to go on with.

        Args:
            table: file of the table, as ``--table`` takes it.
            onnx: ONNX files of networks by their name, of which a pair is written as one graph.
        """
        where = f"--table {shlex.quote(table)} --device {shlex.quote(self.device)}"
        steps = [
            f"biglittle front {where} --objectives error,{self.cost}",
            f"biglittle explore {shlex.quote(table)} --device {shlex.quote(self.device)}",
        ]
        if (pair := self.answer.pair) is not None and self.answer.verdict == "pair":
            steps = [*pair_steps(pair, where, onnx or {}), *steps]
        if len(self.bench) > 2:
            names = " ".join(shlex.quote(name) for name in list(self.bench)[:3])
            steps.append(f"biglittle cascade {names} {where} --objectives error,{self.cost}")
        return steps

    def record(self) -> dict[str, Any]:
        """The verdict as plain JSON."""
        return {"device": self.device, "cost": self.cost, **self.answer.record()}


def asked_when(pair: OperatingPoint) -> str:
    """When the big network of a pair is asked, in a sentence."""
    low_is_sure = getattr(get_gate(pair.gate), "confident", "high") == "low"
    return (
        f"ask {pair.big} only where the {pair.gate} of {pair.little} is "
        f"{'above' if low_is_sure else 'below'} {pair.threshold:.3g}, for "
        f"{pair.escalation_rate:.1%} of the images."
    )


def pair_steps(pair: OperatingPoint, where: str, onnx: Mapping[str, Path]) -> list[str]:
    """The commands that look at a pair, and write it as one graph where its networks are files.

    Args:
        pair: the pair under its gate.
        where: options that name its table and device.
        onnx: ONNX files of networks by their name, where some are known.
    """
    two = f"{shlex.quote(pair.little)} {shlex.quote(pair.big)}"
    threshold = float(pair.threshold)  # all digits, so that the same images escalate
    gate = f"--gate {pair.gate} --threshold {threshold!r}"
    steps = [f"biglittle query {two} {gate} {where} --explain"]
    files = [onnx.get(name) for name in (pair.little, pair.big)]
    if all(files) and pair.gate in onnx_gates():
        names = ", ".join(json.dumps(str(file)) for file in files)
        code = (
            "import onnx; from biglittle.edge_profiler import cascade_model; onnx.save("
            f'cascade_model({names}, "{pair.gate}", {threshold!r}), "cascade.onnx")'
        )
        steps.append(f"python -c {shlex.quote(code)}")
    return steps


def gain_of(answer: Recommendation) -> str:
    """What a pair gains over the single network, in points with their interval."""
    text = f"{100 * (answer.gain or 0.0):+.2f} points"
    if answer.gain_low is None or answer.gain_high is None:
        return text
    ends = f"{100 * answer.gain_low:+.2f} to {100 * answer.gain_high:+.2f}"
    return f"{text} ({LEVEL:.0%} interval {ends}, bootstrap over test images)"


def comparable_cost(bench: Benchmark, device: str) -> str:
    """The first cost, in ``COST_ORDER``, that all networks of a table have on a device.

    Raises:
        ConstraintError: no cost is known of all of them.
    """
    costs = bench.costs(device)
    for name in COST_ORDER:
        if np.isfinite(getattr(costs, name)).all():
            return name
    raise ConstraintError(
        f"no cost is known of all networks on {device}, so that no pair can be compared with a "
        f"network alone; expected {' or '.join(COST_ORDER)} of each: --cost NAME=MS or --costs "
        "FILE."
    )


def verdict(
    bench: Benchmark,
    device: str,
    limits: Mapping[str, float] | None = None,
    gates: Sequence[str] | None = None,
) -> Verdict:
    """Which pair of a table to use on a device.

    Without limits: the cheapest pair that is at least as accurate as the best network by itself.
    With limits: the most accurate pair within them. Both are chosen on val and reported on test.

    Args:
        bench: the table of the networks.
        device: name of the device.
        limits: largest value by figure (of accuracy: smallest).
        gates: gates that may stand in the pair; None: those that the table stores.

    Raises:
        ConstraintError: no cost is known of all networks, or nothing meets the limits.
    """
    cost = comparable_cost(bench, device)
    front = bench.front(device, ("error", cost), limits, gates)
    singles = table_singles(bench, device, "val")
    if limits:
        aim = "accuracy" if set(limits) - {"accuracy", "error"} else cost
        budget = Budget("within the limits", dict(limits), aim)
    else:
        best = float(singles.accuracy.max())
        budget = Budget("as accurate as the best network alone", {"accuracy": best}, cost)
    answer = recommend(front.chosen, [budget], singles)[0]
    return Verdict(bench, device, cost, on_test(answer, bench, device), front)
