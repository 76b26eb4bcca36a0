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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..extras import import_extra
from ..networks import Networks
from ._member import Array, Files, checked, rounded
from ._process import JITTER, FittedProcess, Kernel, matern, squared_distances

STEPS = 40  # of the optimiser
#: Centre and width of the priors on the logarithms, and the starting point.
LENGTH, SCALE, NOISE = (0.0, 1.0), (-0.5, 1.5), (-1.5, 1.5)
FAR = 2.5  # widths from the centre at the most: further out a kernel matrix cannot be factorised


def _optimised(apart: list[Array], linear: Array, targets: Array) -> Array:
    """Logarithms of lengths, scales, linear scale and noise with the best posterior, (2 g + 2,)."""
    g, (n, t) = len(apart), targets.shape
    centre = np.array([LENGTH[0]] * g + [SCALE[0]] * (g + 1) + [NOISE[0]])
    width = np.array([LENGTH[1]] * g + [SCALE[1]] * (g + 1) + [NOISE[1]])
    linalg = import_extra("scipy.linalg")

    def loss(p: Array) -> tuple[float, Array]:
        kernels = [matern(apart[i], float(np.exp(p[i]))) for i in range(g)]
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
    optimum = minimise(
        loss,
        centre,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(centre - FAR * width, centre + FAR * width, strict=True)),
        options={"maxiter": STEPS},
    )
    return np.asarray(optimum.x, np.float64)


def _columns(networks: Networks) -> NDArray[np.float32]:
    return networks.features


@dataclass(frozen=True)
class _GaussianProcess:
    name: str = "gaussian_process"
    summary: str = "Matern kernels over choices and over their sums, and a linear one"

    def fit(
        self, networks: Networks, targets: Array, seed: int = 0, noise: Array | None = None
    ) -> FittedProcess:
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
        apart = [squared_distances(z[:, c], z[:, c]) / len(c) for c in groups]
        straight = z / np.sqrt(max(used.sum(), 1))
        p, g = _optimised(apart, straight @ straight.T, y), len(groups)
        scale = np.zeros(len(names))
        for i, columns in enumerate(groups):
            scale[columns] = 1 / np.sqrt(len(columns)) / np.exp(p[i])
        by_column = np.where(used, 1 / np.where(used, deviation, 1.0), 0.0)
        slope = float(np.exp(p[-2]))
        kernel = Kernel(
            groups=groups,
            centre=centre,
            scale=scale * by_column,
            rows=z * scale,
            variance=np.exp(2 * p[g : 2 * g]),
            linear_scale=slope * by_column / np.sqrt(max(used.sum(), 1)),
            linear_rows=slope * straight,
            noise=float(np.exp(2 * p[-1])),
        )
        document = {
            "columns": list(networks.column_names),
            "centre": rounded(mean),
            "scale": rounded(np.where(spread > 0, spread, 1.0)),
            "noise": kernel.noise,
            "lengths": rounded(np.exp(p[:g])),
            "variances": rounded(np.exp(2 * p[g:-1])),
        }
        return FittedProcess(document, kernel.models(y), _columns)

    def load(self, document: Mapping[str, Any], files: Files) -> FittedProcess:
        """The inverse of ``document`` and ``files``."""
        return FittedProcess(dict(document), files, _columns)


MEMBER = _GaussianProcess()
