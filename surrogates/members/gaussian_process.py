"""A Gaussian process over choices and over what they add up to.

The kernel is a sum of two Matern kernels (nu = 5/2), one over the one-hot choices and one over all
other columns, each standardised and with a length scale and a variance of its own, and of a linear
kernel over all of them, which carries on where nothing was seen; targets share the kernel. These
and the noise maximise the marginal likelihood under weak log-normal priors. A few hundred networks
take a second.

Source: Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning" (equations 2.25,
2.26, 5.8 and 5.9).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..extras import import_extra
from ..onnx_graph import GraphWriter, OnnxModel
from ._member import Array, Files, Networks, Prediction, check_columns, checked, rounded

MEAN, VARIANCE = "mean.onnx", "variance.onnx"
CHUNK = 4096  # networks at a time: a kernel matrix of some 10 MiB
STEPS = 40  # of the optimiser
JITTER = 1e-4  # of the variance of a target: keeps the weights small enough for float32
#: Centre and width of the priors on the logarithms, and the starting point.
LENGTH, SCALE, NOISE = (0.0, 1.0), (-0.5, 1.5), (-1.5, 1.5)
FAR = 2.5  # widths from the centre at the most: further out a kernel matrix cannot be factorised


def _squared(a: Array, b: Array) -> Array:
    apart = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    return np.asarray(np.maximum(apart, 0.0))


def _matern(squared: Array, length: float) -> tuple[Array, Array]:
    """The kernel and its derivative by log length."""
    r = np.sqrt(5 * squared) / length
    decay = np.exp(-r)
    return (1 + r + r * r / 3) * decay, r * r / 3 * (1 + r) * decay


def _optimised(apart: list[Array], linear: Array, targets: Array) -> Array:
    """Logarithms of lengths, scales, linear scale and noise with the best posterior, (2 g + 2,)."""
    g, (n, t) = len(apart), targets.shape
    centre = np.array([LENGTH[0]] * g + [SCALE[0]] * (g + 1) + [NOISE[0]])
    width = np.array([LENGTH[1]] * g + [SCALE[1]] * (g + 1) + [NOISE[1]])
    linalg = import_extra("scipy.linalg")

    def loss(p: Array) -> tuple[float, Array]:
        kernels = [_matern(apart[i], float(np.exp(p[i]))) for i in range(g)]
        variance, noise = np.exp(2 * p[g:-1]), float(np.exp(2 * p[-1]))
        parts = [*(kernel for kernel, _ in kernels), linear]
        total = np.asarray(sum(v * k for v, k in zip(variance, parts, strict=True)))
        total = total + (noise + JITTER) * np.eye(n)
        factor = linalg.cho_factor(total, lower=True)
        alpha, inverse = linalg.cho_solve(factor, targets), linalg.cho_solve(factor, np.eye(n))
        value = 0.5 * (targets * alpha).sum() + t * np.log(np.diag(factor[0])).sum()
        weight = 0.5 * (t * inverse - alpha @ alpha.T)
        slope = np.empty_like(p)
        for i, (_, by_length) in enumerate(kernels):
            slope[i] = variance[i] * (weight * by_length).sum()
        for i, part in enumerate(parts):
            slope[g + i] = 2 * variance[i] * (weight * part).sum()
        slope[-1] = 2 * noise * np.trace(weight)
        off = (p - centre) / width
        return float(value + 0.5 * t * (off**2).sum()), slope + t * off / width

    minimise = import_extra("scipy.optimize").minimize
    found = minimise(
        loss,
        centre,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(centre - FAR * width, centre + FAR * width, strict=True)),
        options={"maxiter": STEPS},
    )
    return np.asarray(found.x, np.float64)


@dataclass(frozen=True)
class _Kernel:
    """What turns features into kernels with the rows that were learnt from.

    Attributes:
        groups: columns of each Matern part.
        centre: of the columns, shape (k,).
        scale: what a column is multiplied by for the Matern parts, 0 for a constant one, (k,).
        known: the rows under both, shape (n, k).
        variance: of each Matern part.
        linear_scale: what a column is multiplied by for the linear part, shape (k,).
        linear_known: the rows under that, shape (n, k).
        noise: variance of the noise.
    """

    groups: list[NDArray[np.intp]]
    centre: Array
    scale: Array
    known: Array
    variance: Array
    linear_scale: Array
    linear_known: Array
    noise: float

    def write_matern(self, writer: GraphWriter, features: str) -> str:
        """Nodes that compute the Matern parts with the known rows; gives their name."""
        total: str | None = None
        for columns, variance in zip(self.groups, self.variance, strict=True):
            own = writer.add("Gather", features, writer.constant(columns, np.int64), axis=1)
            moved = writer.add("Sub", own, writer.constant(self.centre[columns]))
            z = writer.add("Mul", moved, writer.constant(self.scale[columns]))
            known = self.known[:, columns].astype(np.float32).astype(np.float64)
            axes = writer.constant([1], np.int64)
            norm = writer.add("ReduceSum", writer.add("Mul", z, z), axes, keepdims=1)
            # 5 d^2 = 5 |z|^2 + (5 |x|^2 - 10 z x), the bracket being one product with a bias
            cross = writer.add(
                "Gemm",
                z,
                writer.constant(-10 * known.T),
                writer.constant(5 * (known**2).sum(axis=1)),
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
        straight = writer.add("MatMul", z, writer.constant(self.linear_known.T @ alpha))
        writer.add("Add", curved, straight, name="mean")
        return writer.model({"mean": [None, alpha.shape[1]]})

    def variance_model(self, whitening: Array) -> bytes:
        """The graph from features to the variance of a standardised target, without the noise."""
        writer = GraphWriter({"features": [None, len(self.centre)]})
        z = self.write_linear(writer, "features")
        straight = writer.add("MatMul", z, writer.constant(self.linear_known.T))
        kernel = writer.add("Add", self.write_matern(writer, "features"), straight)
        white = writer.add("MatMul", kernel, writer.constant(whitening))
        axes = writer.constant([1], np.int64)
        gone = writer.add("ReduceSum", writer.add("Mul", white, white), axes, keepdims=1)
        own = writer.add("ReduceSum", writer.add("Mul", z, z), axes, keepdims=1)
        prior = writer.add("Add", own, writer.constant(self.variance.sum()))
        writer.add("Relu", writer.add("Sub", prior, gone), name="variance")
        return writer.model({"variance": [None, 1]})


@dataclass(frozen=True)
class _Fitted:
    document: dict[str, Any]
    files: Files

    @cached_property
    def _mean(self) -> OnnxModel:
        return OnnxModel(self.files[MEAN])

    @cached_property
    def _variance(self) -> OnnxModel:
        return OnnxModel(self.files[VARIANCE])

    def _run(self, model: OnnxModel, output: str, networks: Networks) -> Array:
        x = networks.features
        parts = [
            model.run(output, {"features": x[start : start + CHUNK]})
            for start in range(0, len(x), CHUNK)
        ]
        return np.concatenate(parts).astype(np.float64)

    def mean(self, networks: Networks) -> Array:
        check_columns(self.document, networks)
        targets = len(self.document["scale"])
        if not len(networks):
            return np.zeros((0, targets))
        out = self._run(self._mean, "mean", networks)
        return np.asarray(out * np.array(self.document["scale"]) + self.document["centre"])

    def predict(self, networks: Networks) -> Prediction:
        mean = self.mean(networks)
        if not len(mean):
            return Prediction(mean, mean)
        left = self._run(self._variance, "variance", networks)
        std = np.sqrt(left + float(self.document["noise"]))
        return Prediction(mean, std * np.array(self.document["scale"]))


@dataclass(frozen=True)
class _GaussianProcess:
    name: str = "gaussian_process"
    summary: str = "Matern kernels over choices and over their sums, and a linear one"

    def fit(self, networks: Networks, targets: Array, seed: int = 0) -> _Fitted:
        """Learns; nothing is random."""
        raw, names = checked(networks, targets), networks.feature_names
        x = networks.features.astype(np.float64)
        centre, deviation = x.mean(axis=0), x.std(axis=0)
        used = deviation > 1e-6 * np.maximum(np.abs(centre), 1e-6)
        onehot = np.array(["=" in name for name in names])
        groups = [np.flatnonzero(part & used) for part in (onehot, ~onehot)]
        groups = [columns for columns in groups if len(columns)]
        z = np.where(used, (x - centre) / np.where(used, deviation, 1.0), 0.0)
        mean, spread = raw.mean(axis=0), raw.std(axis=0)
        y = (raw - mean) / np.where(spread > 0, spread, 1.0)
        apart = [_squared(z[:, c], z[:, c]) / len(c) for c in groups]
        straight = z / np.sqrt(max(used.sum(), 1))
        p, g = _optimised(apart, straight @ straight.T, y), len(groups)
        scale = np.zeros(len(names))
        for i, columns in enumerate(groups):
            scale[columns] = 1 / np.sqrt(len(columns)) / np.exp(p[i])
        by_column = np.where(used, 1 / np.where(used, deviation, 1.0), 0.0)
        slope = float(np.exp(p[-2]))
        kernel = _Kernel(
            groups=groups,
            centre=centre,
            scale=scale * by_column,
            known=z * scale,
            variance=np.exp(2 * p[g : 2 * g]),
            linear_scale=slope * by_column / np.sqrt(max(used.sum(), 1)),
            linear_known=slope * straight,
            noise=float(np.exp(2 * p[-1])),
        )
        total = kernel.linear_known @ kernel.linear_known.T
        total = total + (kernel.noise + JITTER) * np.eye(len(x))
        for variance, squared, log_length in zip(kernel.variance, apart, p[:g], strict=True):
            total = total + variance * _matern(squared, float(np.exp(log_length)))[0]
        lower = np.linalg.cholesky(total)
        alpha = np.linalg.solve(lower.T, np.linalg.solve(lower, y))
        document = {
            "columns": list(networks.column_names),
            "centre": rounded(mean),
            "scale": rounded(np.where(spread > 0, spread, 1.0)),
            "noise": kernel.noise,
            "lengths": rounded(np.exp(p[:g])),
            "variances": rounded(np.exp(2 * p[g:-1])),
        }
        files = {
            MEAN: kernel.mean_model(alpha),
            VARIANCE: kernel.variance_model(np.linalg.inv(lower).T),
        }
        return _Fitted(document, files)

    def load(self, document: Mapping[str, Any], files: Files) -> _Fitted:
        """The inverse of ``document`` and ``files``."""
        return _Fitted(dict(document), files)


MEMBER = _GaussianProcess()
