"""Which pair of somebody's networks to use where no cost is known: by how much is escalated."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...bench import Benchmark
from ...bench.errors import ConstraintError
from ...bench.limits import best_of, unreachable, within
from ...bench.points import concatenate
from ...bench.recommend import LEAST_RATE, Budget, Recommendation
from ...searchers.answer import BOOTSTRAP, beside_big, big_text, gain_over, one_point
from ...searchers.table_singles import table_single
from .verdict import asked_when, gain_of, pair_steps

#: Figures that answers alone say, without any cost.
OF_ANSWERS = ("accuracy", "error", "escalation_rate")


@dataclass(frozen=True)
class EscalationVerdict:
    """The best pair that escalates to the most accurate network of a table.

    Attributes:
        device: name of the device, of which no cost is known.
        answer: the pair beside its little network and its big one alone, chosen on val and
            reported on test.
    """

    device: str
    answer: Recommendation

    def text(self) -> str:
        """The verdict for a reader: what to ask when, and what that is worth."""
        answer, pair, little = self.answer, self.answer.pair, self.answer.single
        assert pair is not None
        assert little is not None
        return (
            f"Verdict {answer.asked_text()}: {asked_when(pair)} Together they are right about "
            f"{pair.accuracy:.2%} ({pair.provenance['accuracy']}), {gain_of(answer)} beside "
            f"{pair.little} alone ({little['accuracy']:.2%}).{big_text(answer)}"
        )

    def next_steps(self, table: str, onnx: Mapping[str, Path] | None = None) -> list[str]:
        """The commands to go on with.

        Args:
            table: file of the table, as ``--table`` takes it.
            onnx: ONNX files of networks by their name, of which a pair is written as one graph.
        """
        assert self.answer.pair is not None
        where = f"--table {shlex.quote(table)} --device {shlex.quote(self.device)}"
        return pair_steps(self.answer.pair, where, onnx or {})

    def record(self) -> dict[str, Any]:
        """The verdict as plain JSON."""
        return {"device": self.device, "cost": None, **self.answer.record()}


def escalation_verdict(
    bench: Benchmark,
    device: str,
    limits: Mapping[str, float],
    gates: Sequence[str] | None = None,
) -> EscalationVerdict:
    """The pair to use where nobody knows what networks cost: the best that escalates little.

    Any network may answer first, and escalates to the one that is most accurate on val. With a
    limit on the escalation rate that is the most accurate pair within it, else the one that
    escalates least. It is chosen on val and reported on test.

    Args:
        bench: the table of the networks, two or more.
        device: name of the device.
        limits: largest value by figure (of accuracy: smallest).
        gates: gates that may stand in the pair; None: those that the table stores.

    Raises:
        ConstraintError: a limit on a cost, one network alone, or nothing meets the limits.
    """
    if unknown := sorted({*limits} - {*OF_ANSWERS}):
        raise ConstraintError(
            f"no cost is known of all networks on {device}, so that no limit on "
            f"{' and '.join(unknown)} can be kept; give --cost NAME=MS for each or --costs FILE, "
            "or limit escalation_rate."
        )
    names, accuracy = bench.architectures, bench.accuracy("val")[bench.table.rows()]
    big = names[int(np.argmax(accuracy))]
    littles = [name for name in names if name != big]
    if not littles:
        raise ConstraintError(f"a pair needs two networks; got {big} alone.")
    each = gates or bench.table.metrics
    curves = [bench.curve((name, big), gate, device, "val") for name in littles for gate in each]
    points = concatenate([curve.points for curve in curves])
    rate = points.escalation_rate
    both_answer = (rate >= LEAST_RATE) & (rate <= 1.0 - LEAST_RATE)
    rows = np.flatnonzero(within(points, limits) & both_answer)
    if not len(rows):
        best = {name: best_of(points, name) for name in limits}
        raise unreachable(limits, best, f"of a pair that ends in {big}")
    aim = "accuracy" if "escalation_rate" in limits else "escalation_rate"
    ranks = (rate, -points.accuracy) if aim == "accuracy" else (-points.accuracy, rate)
    row = int(rows[np.lexsort([rank[rows] for rank in ranks])[0]])
    pair = bench.reported(one_point(points[row]), device)[0]
    gain, low, high = gain_over(bench, pair, pair.little)
    answer = Recommendation(
        budget=Budget("within the limits", dict(limits), aim),
        source="table",
        row=None,
        pair=pair,
        single=table_single(bench, pair.little, device),
        gain=gain,
        gain_low=low,
        gain_high=high,
        interval=BOOTSTRAP,
        decided="pair",
        big=beside_big(bench, pair, device),
    )
    return EscalationVerdict(device, answer)
