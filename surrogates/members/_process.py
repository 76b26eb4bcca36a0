"""The kernels of the Gaussian processes, as ONNX models of mean and variance.

A kernel is a sum of Matern kernels (nu = 5/2), each over some columns, and of a linear one over all
of them, which carries on where nothing was seen; targets share it.

Source: Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning" (equations 2.25,
2.26 and 4.17).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..networks import Networks
from ..onnx_graph import GraphWriter, OnnxModel
from ._member import Array, Files, Prediction, check_columns

MEAN, VARIANCE = "mean.onnx", "variance.onnx"
CHUNK = 1024  # networks at a time: the kernel matrices stay in the cache
BLOCK = 64  # columns of the whitening at a time: products large enough to be fast, few zeros
JITTER = 1e-4  # of the variance of a target: keeps the weights small enough for float32


def squared_distances(a: Array, b: Array) -> Array:
    """Between the rows of a, shape (n, k), and of b, shape (m, k); shape (n, m)."""
    apart = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    return np.asarray(np.maximum(apart, 0.0))


def matern(squared: Array, length: float = 1.0) -> tuple[Array, Array]:
    """The kernel and its derivative by log length."""
    r = np.sqrt(5 * squared) / length
    decay = np.exp(-r)
    return (1 + r + r * r / 3) * decay, r * r / 3 * (1 + r) * decay


@dataclass(frozen=True)
class Kernel:
    """What turns features into kernels with the rows that were learnt from.

    Attributes:
        groups: indices of the columns of each Matern part.
        centre: what is subtracted from each column, shape (k,).
        scale: what a column is multiplied by for the Matern parts, 0 for a constant one, (k,).
        rows: the rows that were learnt from, centred and scaled, shape (n, k).
        variance: variance of each Matern part.
        linear_scale: what a column is multiplied by for the linear part, shape (k,).
        linear_rows: the same rows, scaled for the linear part, shape (n, k).
        noise: variance of the noise of every row.
        row_noise: variance that is added to it row by row, shape (n,), or 0.
    """

    groups: list[NDArray[np.intp]]
    centre: Array
    scale: Array
    rows: Array
    variance: Array
    linear_scale: Array
    linear_rows: Array
    noise: float
    row_noise: Array | float = 0.0

    def covariance(self) -> Array:
        """Of the rows that were learnt from, noise included, shape (n, n)."""
        total = self.linear_rows @ self.linear_rows.T
        total = total + np.diag(np.full(len(self.rows), self.noise + JITTER) + self.row_noise)
        for columns, variance in zip(self.groups, self.variance, strict=True):
            own = self.rows[:, columns]
            total = total + variance * matern(squared_distances(own, own))[0]
        return np.asarray(total)

    def models(self, targets: Array) -> dict[str, bytes]:
        """ONNX models of mean and variance for standardised targets, shape (n, t)."""
        lower = np.linalg.cholesky(self.covariance())
        alpha = np.linalg.solve(lower.T, np.linalg.solve(lower, targets))
        return {
            MEAN: self.mean_model(alpha),
            VARIANCE: self.variance_model(np.linalg.inv(lower).T),
        }

    def write_matern(self, writer: GraphWriter, features: str) -> str:
        """Nodes that compute the Matern parts with the rows learnt from; gives their name."""
        total: str | None = None
        for columns, variance in zip(self.groups, self.variance, strict=True):
            own = writer.add("Gather", features, writer.constant(columns, np.int64), axis=1)
            moved = writer.add("Sub", own, writer.constant(self.centre[columns]))
            z = writer.add("Mul", moved, writer.constant(self.scale[columns]))
            rows = self.rows[:, columns].astype(np.float32).astype(np.float64)
            axes = writer.constant([1], np.int64)
            norm = writer.add("ReduceSum", writer.add("Mul", z, z), axes, keepdims=1)
            # 5 d^2 = 5 |z|^2 + (5 |x|^2 - 10 z x), the bracket being one product with a bias
            cross = writer.add(
                "Gemm",
                z,
                writer.constant(-10 * rows.T),
                writer.constant(5 * (rows**2).sum(axis=1)),
            )
            squared = writer.add("Add", cross, writer.add("Mul", norm, writer.constant(5.0)))
            r = writer.add("Sqrt", writer.add("Relu", squared))
            third = writer.add("Mul", r, writer.constant(1 / 3))
            inner = writer.add("Add", writer.add("Mul", r, third), r)
            polynomial = writer.add("Add", inner, writer.constant(1.0))
            scaled = writer.add("Mul", polynomial, writer.constant(variance))
            kernel = writer.add("Mul", scaled, writer.add("Exp", writer.add("Neg", r)))
            total = kernel if total is None else writer.add("Add", total, kernel)
        assert total is not None
        return total

    def write_linear(self, writer: GraphWriter, features: str) -> str:
        """Nodes that scale features for the linear part; gives their name."""
        moved = writer.add("Sub", features, writer.constant(self.centre))
        return writer.add("Mul", moved, writer.constant(self.linear_scale))

    def mean_model(self, alpha: Array) -> bytes:
        """The graph from features to standardised targets, the linear part being coefficients."""
        writer = GraphWriter({"features": [None, len(self.centre)]})
        matern = self.write_matern(writer, "features")
        curved = writer.add("MatMul", matern, writer.constant(alpha))
        z = self.write_linear(writer, "features")
        straight = writer.add("MatMul", z, writer.constant(self.linear_rows.T @ alpha))
        writer.add("Add", curved, straight, name="mean")
        return writer.model({"mean": [None, alpha.shape[1]]})

    def variance_model(self, whitening: Array) -> bytes:
        """The graph from features to the variance of a standardised target, without the noise.

        Args:
            whitening: inverse of the upper Cholesky factor of the covariance, shape (n, n), upper
                triangular. A block of columns is written, and multiplied, without the rows that
                are zero in all of it.
        """
        writer = GraphWriter({"features": [None, len(self.centre)]})
        z = self.write_linear(writer, "features")
        straight = writer.add("MatMul", z, writer.constant(self.linear_rows.T))
        kernel = writer.add("Add", self.write_matern(writer, "features"), straight)
        axes, zero = writer.constant([1], np.int64), writer.constant([0], np.int64)
        gone: str | None = None
        for start in range(0, len(whitening), BLOCK):
            end = min(start + BLOCK, len(whitening))
            first = writer.add("Slice", kernel, zero, writer.constant([end], np.int64), axes)
            block = writer.constant(whitening[:end, start:end])
            white = writer.add("MatMul", first, block)
            squares = writer.add("ReduceSum", writer.add("Mul", white, white), axes, keepdims=1)
            gone = squares if gone is None else writer.add("Add", gone, squares)
        assert gone is not None
        own = writer.add("ReduceSum", writer.add("Mul", z, z), axes, keepdims=1)
        prior = writer.add("Add", own, writer.constant(self.variance.sum()))
        writer.add("Relu", writer.add("Sub", prior, gone), name="variance")
        return writer.model({"variance": [None, 1]})


@dataclass(frozen=True)
class FittedProcess:
    """A Gaussian process that has learnt.

    Attributes:
        document: centre and scale of the targets, and the noise, among others.
        files: ONNX models of mean and variance, by name.
        columns: gives what the models take of networks, shape (n, k) float32.
    """

    document: dict[str, Any]
    files: Files
    columns: Callable[[Networks], NDArray[np.float32]]

    @cached_property
    def _mean(self) -> OnnxModel:
        return OnnxModel(self.files[MEAN])

    @cached_property
    def _variance(self) -> OnnxModel:
        return OnnxModel(self.files[VARIANCE])

    def _run(self, model: OnnxModel, output: str, networks: Networks) -> Array:
        x = self.columns(networks)
        parts = [
            model.run(output, {"features": x[start : start + CHUNK]})
            for start in range(0, len(x), CHUNK)
        ]
        return np.concatenate(parts).astype(np.float64)

    def mean(self, networks: Networks) -> Array:
        """Targets, shape (n, t)."""
        check_columns(self.document, networks)
        targets = len(self.document["scale"])
        if not len(networks):
            return np.zeros((0, targets))
        out = self._run(self._mean, "mean", networks)
        return np.asarray(out * np.array(self.document["scale"]) + self.document["centre"])

    def predict(self, networks: Networks) -> Prediction:
        """Targets with their standard deviation, noise included."""
        mean = self.mean(networks)
        if not len(mean):
            return Prediction(mean, mean)
        left = self._run(self._variance, "variance", networks)
        std = np.sqrt(left + float(self.document["noise"]))
        return Prediction(mean, std * np.array(self.document["scale"]))
