"""A gate: a metric of the little network's confidence, and a threshold."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import GateError
from .gates import get_gate


@dataclass(frozen=True)
class Gate:
    """Answer with the little network when it is confident, else escalate.

    Confident means at or above ``threshold``, and at or below it for ``entropy`` alone.

    Attributes:
        metric: name of the gate metric.
        threshold: in the metric's unit.

    Raises:
        UnknownNameError: no such metric.
        GateError: the threshold is no number.

    >>> from biglittle.bench import Gate
    >>> Gate("margin", 0.42).cut(n_classes=10)
    61
    """

    metric: str
    threshold: float

    def __post_init__(self) -> None:
        get_gate(self.metric)
        if isinstance(self.threshold, bool) or not isinstance(self.threshold, int | float):
            raise GateError(
                f"threshold {self.threshold!r} of gate {self.metric!r} is not a number."
            )

    def cut(self, n_classes: int) -> int:
        """The code below which an answer is escalated, 0 to 256.

        Raises:
            GateError: the threshold lies outside the metric's range.
        """
        return int(get_gate(self.metric).cut(self.threshold, n_classes))
