"""Thresholds with a guarantee: an accuracy, or a loss against big, that new inputs will keep.

``choose`` takes the threshold that looks best on val, and new inputs fall short of what it shows
there about every other time. Here the threshold is the one with the least escalation for which a
test on val rules out that the risk is too high, so that the promise fails with a probability of at
most ``delta``, over the draw of the images of val.

Method: Learn then Test (Angelopoulos, Bates, Candes, Jordan and Lei 2021) with fixed-sequence
testing: thresholds are tested from "big answers all" towards "little answers all", and the first
that cannot be certified ends it, so that the tests may all use the whole of ``delta``. An accuracy
is tested by the binomial tail, a loss against big, which may be negative for an image, by betting
(`risk_tests`).

What the promise is about: the expected figure on inputs of the same distribution as val, for a pair
that was not itself chosen on val. A finite test set scatters around it; another distribution is not
covered; and a gate that was fitted on val would spend the same images twice, so that it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import ConstraintError, GateError
from .gate import Gate
from .gates import N_CODES, get_gate
from .limits import check_known, unreachable, within
from .pair import Pair
from .points import OperatingPoint
from .risk_tests import betting_p_value, binomial_p_values

if TYPE_CHECKING:
    from .benchmark import Benchmark

KINDS = ("accuracy", "loss")
_HALVINGS = 30  # of the interval in which what can be promised at the most is sought


@dataclass(frozen=True)
class Guarantee:
    """What is promised of a pair on new inputs, and how often that may fail.

    Attributes:
        kind: "accuracy": the pair is right at least so often; "loss": it is right at most so much
            less often than big alone.
        level: the accuracy or the loss, a fraction.
        delta: largest probability, over the images of val, that the promise does not hold.

    Raises:
        ConstraintError: another kind, or a number that cannot be one of these.

    >>> Guarantee("accuracy", 0.85).text()
    'accuracy at least 85.00 % with probability 90 %'
    """

    kind: str
    level: float
    delta: float = 0.1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConstraintError(
                f"a guarantee of {self.kind!r} was asked; expected accuracy or loss, such as "
                "accuracy=0.85 or loss=0.01."
            )
        low = 0.0 if self.kind == "accuracy" else -1.0
        if not low < self.level < 1.0:
            raise ConstraintError(
                f"a guaranteed {self.kind} of {self.level:g} is not a fraction; expected a number "
                f"between {low:g} and 1, such as {self.kind}="
                f"{'0.85' if self.kind == 'accuracy' else '0.01'}."
            )
        if not 0.0 < self.delta < 1.0:
            raise ConstraintError(
                f"delta {self.delta:g} is not a probability between 0 and 1; expected such as 0.1."
            )

    @classmethod
    def parse(cls, text: str, delta: float = 0.1) -> Guarantee:
        """The guarantee that a user writes as ``accuracy=0.85`` or ``loss=0.01``.

        Raises:
            ConstraintError: a text of another form.

        >>> Guarantee.parse("loss=0.01").level
        0.01
        """
        kind, _, value = text.partition("=")
        try:
            return cls(kind.strip(), float(value), delta)
        except ValueError as error:
            raise ConstraintError(
                f"{text!r} is not a guarantee; expected accuracy=0.85 or loss=0.01."
            ) from error

    def text(self) -> str:
        """The promise in words."""
        level, sure = f"{100 * self.level:.2f}", f"with probability {100 * (1 - self.delta):g} %"
        if self.kind == "accuracy":
            return f"accuracy at least {level} % {sure}"
        return f"accuracy at most {level} points below big's {sure}"

    # ---- on arrays -------------------------------------------------------------------------
    def certified_cut(
        self, codes: NDArray[np.uint8], little: NDArray[np.bool_], big: NDArray[np.bool_]
    ) -> int | None:
        """The lowest cut that the images certify, 0 to 256; None where they certify none.

        Args:
            codes: little's confidence codes, shape (n,); answers below the cut are escalated.
            little: whether the little network is right, shape (n,).
            big: whether the big network is right, shape (n,).
        """
        lowest = None
        for cut in range(N_CODES, -1, -1):
            if self._p_value(codes, little, big, cut) > self.delta:
                return lowest
            lowest = cut
        return lowest

    def _p_value(
        self, codes: NDArray[np.uint8], little: NDArray[np.bool_], big: NDArray[np.bool_], cut: int
    ) -> float:
        by_little = codes >= cut
        if self.kind == "loss":
            losses = by_little * (big.astype(np.float64) - little)
            return betting_p_value(losses, self.level, self.delta)
        wrong = len(codes) - np.count_nonzero(np.where(by_little, little, big))
        return float(binomial_p_values(np.array(wrong), len(codes), 1.0 - self.level))

    def at_most(self, big: NDArray[np.bool_]) -> float:
        """The strictest level that images certify of big alone, rounded to its safe side.

        Args:
            big: whether the big network is right, shape (n,).
        """
        easy, hard = (0.0, 1.0) if self.kind == "accuracy" else (1.0, 0.0)
        none = np.zeros(len(big), np.uint8)
        for _ in range(_HALVINGS):
            level = (easy + hard) / 2.0
            stricter = Guarantee(self.kind, level, self.delta)
            certified = stricter._p_value(none, big, big, N_CODES) <= self.delta
            easy, hard = (level, hard) if certified else (easy, level)
        places = 1e4
        return float((np.floor if self.kind == "accuracy" else np.ceil)(easy * places) / places)

    # ---- of a benchmark --------------------------------------------------------------------
    def choose(
        self,
        bench: Benchmark,
        pair: Pair | tuple[str, str],
        gate: str,
        device: str,
        limits: Mapping[str, float] | None = None,
    ) -> GuaranteedPoint:
        """The threshold with the least escalation that val certifies, reported on test.

        Args:
            bench: the table that has both networks.
            pair: the pair, or two ids as (little, big); not one that was chosen on val.
            gate: name of a gate metric that tables store.
            device: name of a device of the table, or the path of a profile.
            limits: largest values by figure that the point must respect on val as well.

        Raises:
            GateError: a gate that is fitted on val, or that needs more than little's answers.
            ConstraintError: val certifies no threshold, or none within the limits.
            TableError: a network that is not in the table.
        """
        pair = Pair.of(pair)
        table = bench.table
        if get_gate(gate).kind != "stored":
            raise GateError(
                f"gate {gate!r} is {get_gate(gate).kind}: it is fitted on val, or compares "
                "networks, so that val cannot certify its thresholds; expected one of "
                f"{', '.join(table.metrics)}."
            )
        rows = table.pair_rows(pair)
        val = table.predictions("val").correct
        little, big = val[rows[0]], val[rows[1]]
        cut = self.certified_cut(table.codes_of(gate, "val", [rows[0]])[0], little, big)
        if cut is None:
            raise ConstraintError(
                f"{self.text()} cannot be promised of this pair under {gate}: tests begin with big "
                f"alone, of which {len(big):,} images of val certify {self.kind} "
                f"{self.at_most(big):.4f} and nothing stricter; ask for that, for a larger delta, "
                "or for another big network."
            )
        curve = bench.curve(pair, gate, device, "val").points
        of, given = f"{pair.little} -> {pair.big}", table.given
        check_known(curve, limits or {}, of, device, given)
        if limits and not within(curve[cut : cut + 1], limits).all():
            reach = {name: float(curve.figure(name)[cut]) for name in limits}
            raise unreachable(limits, reach, f"that keeps {self.text()} under {gate} on {device}")
        chosen = Gate(gate, float(curve.threshold[cut]))
        test = table.predictions("test").correct
        return GuaranteedPoint(
            guarantee=self,
            point=bench.query(pair, chosen, device, "test"),
            n_images=len(big),
            val_accuracy=float(curve.accuracy[cut]),
            big_accuracy=float(test[rows[1]].mean()),
        )


@dataclass(frozen=True)
class GuaranteedPoint:
    """A pair under a threshold that val certifies.

    Attributes:
        guarantee: what is promised of new inputs.
        point: the operating point, on test.
        n_images: number of images of val that certify it.
        val_accuracy: accuracy of the pair on them.
        big_accuracy: accuracy of big alone on test.
    """

    guarantee: Guarantee
    point: OperatingPoint
    n_images: int
    val_accuracy: float
    big_accuracy: float

    @property
    def gate(self) -> Gate:
        """The gate with its threshold."""
        return Gate(self.point.gate, self.point.threshold)

    @property
    def kept(self) -> bool:
        """Whether the figure on test is what was promised; test scatters around what is true."""
        accuracy, level = self.point.accuracy, self.guarantee.level
        if self.guarantee.kind == "accuracy":
            return accuracy >= level
        return self.big_accuracy - accuracy <= level

    def text(self) -> list[str]:
        """The promise, what it rests on, and what test says, one sentence a line."""
        on_test = f"{100 * self.point.accuracy:.2f} %"
        if self.guarantee.kind == "loss":
            on_test += f", big alone {100 * self.big_accuracy:.2f} %"
        return [
            f"Promised: {self.guarantee.text()}, on inputs like those of val.",
            f"Threshold {self.point.threshold:.4g} of {self.point.gate} is the one with the least "
            f"escalation that {self.n_images:,} images of val certify (there "
            f"{100 * self.val_accuracy:.2f} %).",
            f"On test: {on_test}; {'kept' if self.kept else 'not kept on this sample'}.",
        ]

    def record(self) -> dict[str, Any]:
        """The guarantee as plain JSON."""
        return {
            "kind": self.guarantee.kind,
            "level": self.guarantee.level,
            "delta": self.guarantee.delta,
            "threshold": self.point.threshold,
            "val_images": self.n_images,
            "val_accuracy": self.val_accuracy,
            "big_accuracy": self.big_accuracy,
            "kept_on_test": self.kept,
        }


def gate_of(
    bench: Benchmark,
    pair: Pair,
    device: str,
    gate: str,
    threshold: float | None,
    guarantee: str,
    delta: float | None = None,
) -> tuple[Gate, GuaranteedPoint | None]:
    """The gate that a user asked for, by a threshold or by a guarantee, and what is guaranteed.

    Args:
        bench: the table that has both networks.
        pair: the little and the big network.
        device: name of a device of the table, or the path of a profile.
        gate: name of the gate metric.
        threshold: threshold in the metric's unit; None: 0.5, or the one that is guaranteed.
        guarantee: "accuracy=0.85" or "loss=0.01"; empty: none is asked.
        delta: largest probability that the guarantee does not hold; None: 0.1.

    Raises:
        ConstraintError: both a threshold and a guarantee, or one that cannot be given, or a
            probability without a guarantee.
        GateError: no such threshold, or a gate that cannot be certified.
    """
    if not guarantee:
        if delta is not None:
            raise ConstraintError(
                f"delta {delta:g} was given without a guarantee, which alone can fail to hold; "
                "give --guarantee accuracy=0.85 or loss=0.01 too, or leave --delta out."
            )
        return Gate(gate, 0.5 if threshold is None else threshold), None
    if threshold is not None:
        raise ConstraintError(
            f"both threshold {threshold:g} and guarantee {guarantee} were given; a guarantee "
            "chooses the threshold, so give one of them."
        )
    parsed = Guarantee.parse(guarantee, Guarantee.delta if delta is None else delta)
    promised = parsed.choose(bench, pair, gate, device)
    return promised.gate, promised
