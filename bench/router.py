"""A learned router: from a trunk's features to a score of "the little network will do".

The features at an exit are averaged over rows and columns, put beside what the little network's
confidences say, standardised, and go through one hidden layer. A router without confidences decides
before any classifier: the head of the little network is then not run for what is sent on, and the
pair costs less (`early_gate`).

Source: Bolukbasi et al. 2017, "Adaptive Neural Networks for Efficient Inference" (a policy on
features of the network's own layers). We differ: one hidden layer, trained after the networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .cost import NOTHING_SHARED, NetworkCosts, SharedCosts
from .errors import GateError
from .operators import Operator

Array = NDArray[np.float64]

#: Confidences that a router may look at, in the order of its inputs: the largest probability, the
#: margin, and the entropy in nats.
CONFIDENCES = ("max_prob", "margin", "entropy")


@dataclass(frozen=True, eq=False)
class Router:
    """Weights of a router with c channels, k confidences (0 or 3) and h hidden units.

    Attributes:
        centre: mean of each input on the training images, shape (c + k,).
        scale: deviation of each input there, positive, shape (c + k,).
        hidden: weights of the hidden layer, shape (c + k, h).
        hidden_bias: its biases, shape (h,).
        out: weights of the output, shape (h,).
        out_bias: bias of the output.
        n_channels: channels of the features.
    """

    centre: Array
    scale: Array
    hidden: Array
    hidden_bias: Array
    out: Array
    out_bias: float
    n_channels: int

    def __post_init__(self) -> None:
        n, h = self.hidden.shape
        shapes = (self.centre.shape, self.scale.shape, self.hidden_bias.shape, self.out.shape)
        confidences = n - self.n_channels
        if shapes != ((n,), (n,), (h,), (h,)) or confidences not in (0, len(CONFIDENCES)):
            raise GateError(
                f"a router of {self.n_channels} channels has arrays of shapes "
                f"{(*shapes, self.hidden.shape)}; expected (n,), (n,), (h,), (h,), (n, h) with n "
                f"the channels, or {len(CONFIDENCES)} more."
            )

    @property
    def confident(self) -> bool:
        """Whether it looks at the little network's confidences, which then has to answer first."""
        return len(self.centre) > self.n_channels

    def inputs(self, pooled: Array, probabilities: Array | None = None) -> Array:
        """The router's inputs, shape (n, c + k).

        Args:
            pooled: averages of the features over rows and columns, shape (n, c).
            probabilities: class probabilities of the little network, shape (n, n_classes).

        Raises:
            GateError: there are no probabilities for a router that looks at confidences.
        """
        if not self.confident:
            return pooled
        if probabilities is None:
            raise GateError("this router looks at confidences; pass the little's probabilities.")
        return np.concatenate([pooled, confidences(probabilities)], axis=1)

    def scores(self, pooled: Array, probabilities: Array | None = None) -> Array:
        """Scores in (0, 1), high where the little network will do, shape (n,).

        Args:
            pooled: averages of the features over rows and columns, shape (n, c).
            probabilities: class probabilities of the little network, shape (n, n_classes).

        Raises:
            GateError: there are no probabilities for a router that looks at confidences.
        """
        x = (self.inputs(pooled, probabilities) - self.centre) / self.scale
        logit = np.maximum(x @ self.hidden + self.hidden_bias, 0.0) @ self.out + self.out_bias
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logit)))

    def operators(self, size: int) -> tuple[Operator, ...]:
        """What it computes, for latency models: the pooling and its two layers.

        Args:
            size: rows (and columns) of the features.
        """
        c, (n, h) = self.n_channels, self.hidden.shape
        return (
            Operator("global_avg_pool", c, c, size, size),
            Operator("linear", n, h, 1, 1),
            Operator("relu", h, h, 1, 1),
            Operator("linear", h, 1, 1, 1),
        )

    def macs(self) -> int:
        """Multiply-accumulates of an image; sums of the pooling count 0, as everywhere."""
        return sum(op.macs for op in self.operators(1))

    def params(self) -> int:
        """Trained numbers, without the means and deviations."""
        return sum(op.params for op in self.operators(1))

    def arrays(self) -> dict[str, Array]:
        """Everything by name, to be kept without pickle."""
        names = ("centre", "scale", "hidden", "hidden_bias", "out")
        own = {name: np.asarray(getattr(self, name), np.float64) for name in names}
        scalars = {"out_bias": self.out_bias, "n_channels": float(self.n_channels)}
        return {**own, **{name: np.array([value]) for name, value in scalars.items()}}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Router:
        """The router that `arrays` were taken of.

        Raises:
            GateError: an array is missing, or of a shape that does not fit.
        """
        values = dict(arrays)
        try:
            bias, channels = (float(values.pop(n)[0]) for n in ("out_bias", "n_channels"))
            return cls(**values, out_bias=bias, n_channels=int(channels))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise GateError(
                f"these arrays are not those of a router ({error}); expected Router.arrays()."
            ) from error

    def priced(self, little: NetworkCosts, latency_ms: float) -> NetworkCosts:
        """Costs of a little network with this router as its gate.

        Args:
            little: costs of the little network alone.
            latency_ms: latency of the router, in place of that of the usual gate.
        """
        more, parts = self.params(), little.footprint
        if parts is not None:
            parts = replace(parts, flash_kib=parts.flash_kib + more * 4 / 2**10)
        return replace(
            little,
            macs=little.macs + self.macs(),
            params=little.params + more,
            weights_mib=little.weights_mib + more * 4 / 2**20,
            gate_ms=latency_ms,
            footprint=parts,
        )


def confidences(probabilities: Array) -> Array:
    """``CONFIDENCES`` of class probabilities (n, n_classes), shape (n, 3)."""
    two = np.partition(probabilities, -2, axis=1)[:, -2:]
    entropy = -(probabilities * np.log(np.maximum(probabilities, 1e-30))).sum(axis=1)
    return np.stack([two[:, 1], two[:, 1] - two[:, 0], entropy], axis=1)


def early_gate(
    little: NetworkCosts, run_ms: float, run_macs: float, shared: SharedCosts | None = None
) -> SharedCosts:
    """What a pair shares whose gate decides before the little network has answered.

    An input that is sent on pays no more of the little network than what ran before the gate, so
    that the rest of it counts as shared: the mean latency ``t_l + t_g + r (t_b - t_s)`` with
    ``t_s = t_shared + (t_l - t_run)`` is what the device spends.

    Args:
        little: costs of the little network, one row.
        run_ms: latency of what the little network runs before the gate: of the trunk where it
            decides at an exit without its head, of the stem where it decides behind that.
        run_macs: multiply-accumulates of the same.
        shared: what the two networks share of what runs before the gate; None: nothing.

    Raises:
        GateError: more is said to run before the gate than the whole little network.
    """
    both = NOTHING_SHARED if shared is None else shared
    saved_ms, saved_macs = little.latency_ms - run_ms, little.macs - run_macs
    if np.any(saved_ms < 0) or np.any(saved_macs < 0):
        raise GateError(
            f"{run_ms} ms and {run_macs} MACs before the gate are more than the little network's "
            f"{little.latency_ms} ms and {little.macs} MACs; give what runs before the gate."
        )
    energy = np.divide(
        little.energy_mj * saved_ms,
        little.latency_ms,
        out=np.zeros_like(little.latency_ms),
        where=little.latency_ms > 0,
    )
    return replace(
        both,
        latency_ms=both.latency_ms + saved_ms,
        energy_mj=both.energy_mj + energy,
        macs=both.macs + saved_macs,
    )
