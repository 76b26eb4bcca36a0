"""When one network, of a pair or of its table, serves better alone than the pair does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cost import NetworkCosts
from .counts import Counts
from .figures import words_of
from .footprint import FIGURES as ON_MICROCONTROLLERS
from .provenance import LATENCIES, words_at


@dataclass(frozen=True)
class BetterAlone:
    """A network that serves better alone than a pair does at an operating point.

    Attributes:
        architecture: name of the network, with the exit where it is cut.
        accuracy: fraction in [0, 1], on the images of the point.
        latency_ms: latency of one input; None where the device has no figure.
        macs: multiply-accumulates of one input; None where nobody knows them.
        provenance: how each figure came about, by field.
        of_pair: whether it is of the pair or cascade; False: another network of the table.
    """

    architecture: str
    accuracy: float
    latency_ms: float | None
    macs: float | None
    provenance: Mapping[str, str]
    of_pair: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The network as plain JSON."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**values, "provenance": words_of(values, self.provenance)}

    def text(self, than: str = "pair") -> str:
        """One sentence that says what to use instead of the pair, or ``than`` this, and why."""
        cost = ""
        if self.latency_ms is not None:
            cost = f", {self.latency_ms:.4g} ms ({self.provenance['latency_ms']})"
        elif self.macs is not None:
            cost = f", {self.macs / 1e6:.3g} M MACs ({self.provenance['macs']})"
        it = "it" if self.of_pair else "this network of the table"
        return (
            f"Use {self.architecture} alone: {it} is at least as accurate as the {than} here, "
            f"{self.accuracy:.2%} ({self.provenance['accuracy']}), at no higher cost{cost}, and "
            "needs no second network in memory."
        )


def compared_by(figures: Mapping[str, float | None]) -> dict[str, float] | None:
    """The cost, by name, that a network alone may not exceed: the first that the point has.

    Args:
        figures: figures of an operating point; None where there is none.

    Returns:
        None where the point has no cost at all, so that nothing can be compared with it.
    """
    for name in ("latency_ms", "macs", "energy_mj"):
        value = figures.get(name)
        if value is not None:
            return {name: value}
    return None


def better_alone(
    rows: Sequence[int],
    ids: NDArray[np.str_],
    n_right: int,
    limits: Mapping[str, float] | None,
    costs: NetworkCosts,
    judged: Counts,
    reported: Counts,
    others: NDArray[np.intp] | None = None,
) -> BetterAlone | None:
    """The network that alone is right at least as often within limits as a pair is.

    Of the pair's own two the better one; where neither is, the best of the others, of equals the
    one that is first.

    Limits of figures that a network alone has less of than its pair, such as memory, are those of
    a point of the pair that keeps to them.

    Args:
        rows: rows of the pair's networks.
        ids: names of all networks of the table.
        n_right: images that the pair is right about, of the images it is judged by.
        limits: largest values by figure; None: nothing can be compared.
        costs: costs of all networks on the device.
        judged: answers on the images by which pair and networks are compared.
        reported: answers on the images whose accuracy is shown.
        others: rows of further networks to look at, where neither of the pair's own serves.
    """
    if limits is None:
        return None
    figures = {name: costs.latency_ms for name in LATENCIES}  # the same for every input
    figures |= {"energy_mj": costs.energy_mj, "macs": costs.macs}
    figures |= {n: alone(costs, ()) for n, alone in ON_MICROCONTROLLERS.items() if n in limits}
    checked = [(figures[name], limit) for name, limit in limits.items() if name in figures]
    right = judged.tally.right

    def best(some: NDArray[np.intp]) -> int | None:
        serves = right[some] >= n_right
        for column, limit in checked:
            serves &= column[some] <= limit
        fit = some[serves]
        return int(fit[np.argmax(right[fit])]) if len(fit) else None

    row = best(np.array(rows[::-1], np.intp))  # the big one first where both are as good
    of_pair = row is not None
    if row is None and others is not None:
        row = best(others)
    if row is None:
        return None
    latency, macs = float(costs.latency_ms[row]), float(costs.macs[row])
    words = {"accuracy": reported.word, "macs": "modelled", **words_at(costs.provenance, row)}
    return BetterAlone(
        architecture=str(ids[row]),
        accuracy=float(reported.tally.right[row] / reported.n_images),
        latency_ms=None if np.isnan(latency) else latency,
        macs=None if np.isnan(macs) else macs,
        provenance=words,
        of_pair=of_pair,
    )
