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
        threshold: threshold in the metric's unit.

    Raises:
        UnknownNameError: no gate metric has this name.
        GateError: the threshold is not a number.

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
                f"threshold {self.threshold!r} of gate {self.metric!r} is not a number; expected "
                "one, of all classes. A threshold for each class: Gate('per_class', 0.5), which "
                "learns them on val."
            )

    @classmethod
    def of(cls, given: Gate | tuple[str, float]) -> Gate:
        """The gate itself, or the gate of a metric's name and a threshold.

        Raises:
            GateError: what was given has no threshold, or is not a gate at all.

        >>> Gate.of(("margin", 0.42)) == Gate("margin", 0.42)
        True
        """
        if isinstance(given, Gate):
            return given
        if isinstance(given, tuple | list) and len(given) == 2 and isinstance(given[0], str):
            return cls(*given)
        named = repr(given) if isinstance(given, str) else "'margin'"
        raise GateError(
            f"{given!r} is not a gate, which is a metric and a threshold; pass "
            f"Gate({named}, 0.42). Every threshold of a metric: Benchmark.curve; the best one "
            "within limits: Benchmark.choose."
        )

    def cut(self, n_classes: int) -> int:
        """The code below which an answer is escalated, 0 to 256.

        Raises:
            GateError: the threshold lies outside the metric's range.
        """
        return int(get_gate(self.metric).cut(self.threshold, n_classes))


def metric_name(given: str) -> str:
    """The name of a gate's metric, where every threshold of it is meant.

    Raises:
        GateError: a gate with a threshold, or something else that is not a name.
        UnknownNameError: no metric has this name.
    """
    if isinstance(given, str):
        get_gate(given)
        return given
    name = repr(given.metric) if isinstance(given, Gate) else "'margin'"
    raise GateError(
        f"{given!r} is not the name of a gate's metric; every threshold of the metric is looked "
        f"at here, so pass its name alone: {name}."
    )
