"""What a surrogate must beat: a rule on MACs alone, and the most similar network of the table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..bench import Candidates
from ..bench.spaces._space import Genomes
from .curve import escalation_rates, exact_accuracy, gain_at, gains, monotone_rates
from .fit import FitData, sample_pairs
from .surrogate import genome_rows

Array = NDArray[np.float64]


def isotonic(x: Array, y: Array) -> tuple[Array, Array]:
    """Knots (x, y) of the non-decreasing step fit of least squares.

    Source: Barlow et al. 1972, pool adjacent violators.
    """
    order = np.argsort(x, kind="stable")
    pools: list[tuple[float, int]] = []
    for value in y[order]:
        pool = (float(value), 1)
        while pools and pools[-1][0] >= pool[0]:
            mean, count = pools.pop()
            total = count + pool[1]
            pool = ((mean * count + pool[0] * pool[1]) / total, total)
        pools.append(pool)
    return x[order], np.repeat([p[0] for p in pools], [p[1] for p in pools])


class MacsOnly:
    """Accuracy rises with MACs, escalation is linear in log MACs, every pair gains the same.

    Args:
        data: the networks to learn from, on ``val``.
    """

    def __init__(self, data: FitData) -> None:
        self._data = data
        said, x = data.predictions["val"], self._log_macs(data.genomes)
        self._knots = isotonic(x, said.correct.mean(axis=1))
        design = np.column_stack([np.ones_like(x), x])
        self._rates = [
            np.linalg.lstsq(design, escalation_rates(c), rcond=None)[0] for c in data.codes("val")
        ]
        little, big = sample_pairs(len(data), 4000, np.random.default_rng(0))
        self._gain = gains(said.correct, data.codes("val"), little, big).mean(axis=0)

    def _log_macs(self, genomes: Genomes) -> Array:
        return np.log(self._data.space.macs(genomes, self._data.n_classes).astype(np.float64))

    def accuracy(self, genomes: Genomes) -> Array:
        """Accuracy of single networks, shape (n,)."""
        return np.asarray(np.interp(self._log_macs(genomes), *self._knots))

    def predict(self, candidates: Candidates) -> tuple[Array, Array]:
        """Accuracy and escalation rate, each of shape (n,)."""
        unique, where = genome_rows(np.asarray(candidates.little))
        x = self._log_macs(unique)
        design = np.column_stack([np.ones_like(x), x])
        curves = np.stack([monotone_rates(design @ c) for c in self._rates])
        rate = curves[candidates.gate, where, candidates.cut]
        coin = (1 - rate) * self.accuracy(candidates.little) + rate * self.accuracy(candidates.big)
        return coin + gain_at(self._gain[candidates.gate], rate), rate


class NearestNeighbour:
    """Every network answers like the most similar one of the table, pairs by the exact curve.

    Similar is a Hamming distance in which a layer weighs as much as its choices differ in MACs.

    Args:
        data: the networks to learn from, on ``val``.
    """

    def __init__(self, data: FitData) -> None:
        self._data = data
        space, allowed = data.space, data.space.allowed(data.choices)
        macs = [
            [sum(op.macs for op in space.build_layer(layer, int(c))) for c in allowed]
            for layer in space.layers
        ]
        self._weights = np.std(np.array(macs, np.float64), axis=1) + 1.0
        self._accuracy = data.predictions["val"].correct.mean(axis=1)

    def nearest(self, genomes: Genomes) -> NDArray[np.intp]:
        """Row of the most similar network, shape (n,)."""
        differs = genomes[:, None, :] != self._data.genomes[None, :, :]
        return np.asarray((differs @ self._weights).argmin(axis=1))

    def accuracy(self, genomes: Genomes) -> Array:
        """Accuracy of single networks, shape (n,)."""
        unique, where = genome_rows(np.asarray(genomes))
        return np.asarray(self._accuracy[self.nearest(unique)][where])

    def predict(self, candidates: Candidates) -> tuple[Array, Array]:
        """Accuracy and escalation rate, each of shape (n,)."""
        unique, where = genome_rows(np.concatenate([candidates.little, candidates.big]))
        nearest = self.nearest(unique)[where]
        little, big = nearest[: len(candidates)], nearest[len(candidates) :]
        return exact(self._data, "val", little, big, candidates.gate, candidates.cut)


def exact(
    data: FitData,
    split: str,
    little: NDArray[np.intp],
    big: NDArray[np.intp],
    gate: NDArray[np.int64],
    cut: NDArray[np.int64],
) -> tuple[Array, Array]:
    """Accuracy and escalation rate of networks of the table, each of shape (n,).

    Args:
        data: the table's networks.
        split: whose images.
        little: row of each little network.
        big: row of each big network.
        gate: index of each gate metric.
        cut: of each gate, 0 to 256.
    """
    said, codes = data.predictions[split], data.codes(split)
    accuracy, rate = np.empty(len(little)), np.empty(len(little))
    for g in np.unique(gate):
        for row in np.unique(little[gate == g]):
            here = np.flatnonzero((gate == g) & (little == row))
            bigs, position = np.unique(big[here], return_inverse=True)
            curves = exact_accuracy(said.correct[row], said.correct[bigs], codes[g][row])
            accuracy[here] = curves[position, cut[here]]
            rate[here] = escalation_rates(codes[g][row][None])[0][cut[here]]
    return accuracy, rate
