"""The contract of every pair model: a curve from its members' accuracies, right at both ends.

A pair model says how often a gate escalates and what that gains over a coin that escalates as
often; accuracy is then

    A(r) = (1 - r) acc_little + r acc_big + G(r),   G(0) = G(1) = 0,

with the accuracies of the single networks given. So the ends are the networks alone, whatever the
model, and a model of accuracy may be exchanged without touching the pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..curve import Basis, gain_at, gains_at, monotone_rates
from ..data import FitData
from ..members import Member
from ..networks import Networks

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
Files = Mapping[str, bytes]
N_CUTS = 257
CHUNK = 8192  # points at a time, which keeps the working memory below some 100 MiB


@dataclass(frozen=True)
class CandidateRows:
    """Operating points whose networks are rows of a ``Networks``, arrays of shape (n,).

    Attributes:
        little: row of each little network.
        big: row of each big network.
        gate: index of each gate metric.
        cut: threshold as a code, 0 (never escalate) to 256 (always).
    """

    little: Rows
    big: Rows
    gate: NDArray[np.int64]
    cut: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.gate)

    def parts(self) -> Iterator[tuple[slice, CandidateRows]]:
        """All points, ``CHUNK`` of them at a time, with where each part is among them."""
        for start in range(0, len(self), CHUNK):
            part = slice(start, start + CHUNK)
            columns = (self.little, self.big, self.gate, self.cut)
            yield part, CandidateRows(*(column[part] for column in columns))


class FittedPairs(Protocol):
    """A pair model that has learnt."""

    @property
    def document(self) -> dict[str, Any]:
        """Everything but arrays of weight, as plain JSON."""
        ...

    @property
    def files(self) -> Files:
        """ONNX models by local name; may be empty."""
        ...

    def predict(
        self, networks: Networks, accuracy: Array, candidates: CandidateRows
    ) -> tuple[Array, Array]:
        """Accuracy and escalation rate of operating points, each of shape (n,).

        Args:
            networks: networks of the pairs, each of them once.
            accuracy: accuracy of the single networks, shape (len(networks),).
            candidates: operating points, as rows of ``networks``, gates and cuts.
        """
        ...

    def curves(
        self, networks: Networks, accuracy: Array, little: Rows, big: Rows
    ) -> tuple[Array, Array]:
        """Escalation rate and gain of n pairs under every gate, each pair predicted once.

        Args:
            networks: networks of the pairs, each of them once.
            accuracy: accuracy of the single networks, shape (len(networks),).
            little: row of each little network, shape (n,).
            big: row of each big network, shape (n,).

        Returns:
            Rates at all cuts, rising from 0 to 1, shape (n, n_gates, 257), and gains at the rates
            of the grid, shape (n, n_gates, n_grid).
        """
        ...


class PairModel(Protocol):
    """A kind of model of pairs."""

    @property
    def name(self) -> str:
        """Key of the model: the name of its file."""
        ...

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        ...

    def fit(self, data: FitData, points: Member, seed: int = 0) -> FittedPairs:
        """Learns on ``val``; the same arguments give the same model.

        Args:
            data: networks with their predictions.
            points: member that predicts what the model keeps of single networks.
            seed: seeds every random choice of the fit.
        """
        ...

    def load(self, document: Mapping[str, Any], files: Files) -> FittedPairs:
        """The inverse of a fitted model's ``document`` and ``files``."""
        ...


def rates_at(basis: Basis, scores: Array, candidates: CandidateRows) -> Array:
    """Escalation rate of each operating point, shape (n,).

    Args:
        basis: components of the rates at all cuts under all gates.
        scores: scores of every network in that basis, shape (n_networks, n_components).
        candidates: operating points, by row, gate and cut.
    """
    rate = np.empty(len(candidates))
    for part, own in candidates.parts():
        for g in np.unique(own.gate):
            here = np.flatnonzero(own.gate == g)
            unique, position = np.unique(own.little[here], return_inverse=True)
            columns = slice(g * N_CUTS, (g + 1) * N_CUTS)
            curve = monotone_rates(basis.reconstruct(scores[unique], columns))
            rate[part][here] = curve[position, own.cut[here]]  # a slice is a view
    return rate


def rate_curves(basis: Basis, scores: Array) -> Array:
    """Escalation rates at all cuts under all gates, shape (n, n_gates, 257).

    Args:
        basis: components of the rates at all cuts under all gates.
        scores: scores of each network in that basis, shape (n, n_components).
    """
    rates = basis.reconstruct(scores).reshape(-1, N_CUTS)
    return monotone_rates(rates).reshape(len(scores), -1, N_CUTS)


def composed(accuracy: Array, candidates: CandidateRows, rate: Array, gain: Array) -> Array:
    """Accuracy of each operating point from the gain on the grid, shape (n,).

    Args:
        accuracy: accuracy of the single networks, shape (n_networks,).
        candidates: operating points, by row, gate and cut.
        rate: escalation rate of each point, shape (n,).
        gain: gain of each point at the rates of the grid, shape (n, n_grid).
    """
    gain = np.where(
        (candidates.little == candidates.big)[:, None], 0.0, gain
    )  # then it is one network
    coin = (1 - rate) * accuracy[candidates.little] + rate * accuracy[candidates.big]
    return np.asarray(np.clip(coin + gain_at(gain, rate), 0.0, 1.0))


def composed_curves(accuracy: Array, little: Rows, big: Rows, rates: Array, gain: Array) -> Array:
    """Accuracy of pairs at several escalation rates under every gate, shape (n, n_gates, k).

    Args:
        accuracy: accuracy of the single networks, shape (n_networks,).
        little: row of each little network, shape (n,).
        big: row of each big network, shape (n,).
        rates: escalation rates, shape (n, n_gates, k).
        gain: gain of each pair at the rates of the grid, shape (n, n_gates, n_grid).
    """
    gain = np.where((little == big)[:, None, None], 0.0, gain)  # then it is one network
    flat = gains_at(gain.reshape(-1, gain.shape[-1]), rates.reshape(-1, rates.shape[-1]))
    low, high = (accuracy[rows][:, None, None] for rows in (little, big))
    return np.clip((1 - rates) * low + rates * high + flat.reshape(rates.shape), 0.0, 1.0)
