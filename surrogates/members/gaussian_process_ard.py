"""A Gaussian process that finds out which columns matter: each has a length scale of its own.

The columns are numbers alone: what each layer computes (``layer_features``) and what they add up
to. One Matern kernel (nu = 5/2) over all of them and one linear kernel, in which each column has a
weight of its own as well; targets share both. These two numbers per column, the variances and the
noise maximise the marginal likelihood under log-normal priors, which is what keeps some two hundred
of them in check: a column starts as a part like all others, and the data have to say otherwise.
A few hundred networks take two seconds. Where the variance of the noise is known row by row, it is
added: without it this model took the noise for something to learn.

Source: Neal 1996, "Bayesian Learning for Neural Networks" (section 4.3, automatic relevance
determination); Rasmussen and Williams 2006 (equations 5.1, 5.8 and 5.9).
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
from ._process import JITTER, FittedProcess, Kernel, squared_distances

STEPS = 60  # of the optimiser
#: Centre and width of the priors on the logarithms, and the starting point. Of the widths of the
#: first two, 1 erred a twelfth more than 2, and 2 a twenty-fifth more than 3 where the noise was
#: known (else as much), cross-validated on what the shipped one learns.
LENGTH, WEIGHT, SCALE, NOISE = (0.0, 3.0), (0.0, 3.0), (-0.5, 1.5), (-1.5, 1.5)
FAR = 3.0  # from the centre at the most: further out float32 cannot tell distances apart


class Posterior:
    """The negative logarithm of what is maximised, and its gradient.

    Parameters are the logarithms of lengths (k), weights (k), the scale of the Matern part, that of
    the linear one, and the noise: (2 k + 3,).

    Args:
        columns: standardised columns of the networks, shape (n, k).
        targets: standardised targets of the networks, shape (n, t).
        row_noise: known variance of the noise of each row, shape (n,), or 0.
    """

    def __init__(self, columns: Array, targets: Array, row_noise: Array | float = 0.0) -> None:
        self.z, self.y, self.row_noise = columns, targets, row_noise
        k = columns.shape[1]
        priors = [LENGTH] * k + [WEIGHT] * k + [SCALE] * 2 + [NOISE]
        self.centre, self.width = (np.array(part) for part in zip(*priors, strict=True))
        self._linalg = import_extra("scipy.linalg")

    def scales(self, p: Array) -> tuple[Array, Array]:
        """What columns are multiplied by in the Matern and in the linear part, each (k,)."""
        k = self.z.shape[1]
        root = np.sqrt(max(k, 1))
        return np.exp(-p[:k]) / root, np.exp(p[k : 2 * k] + p[-2]) / root

    def __call__(self, p: Array) -> tuple[float, Array]:
        """Value and gradient, shape (2 k + 3,)."""
        z, y = self.z, self.y
        (n, k), t = z.shape, y.shape[1]
        curved, straight = (z * scale for scale in self.scales(p))
        variance, noise = float(np.exp(2 * p[-3])), float(np.exp(2 * p[-1]))
        r = np.sqrt(5 * squared_distances(curved, curved))
        decay = np.exp(-r)
        matern, linear = variance * (1 + r + r * r / 3) * decay, straight @ straight.T
        own_noise = np.diag(np.full(n, noise + JITTER) + self.row_noise)
        factor = self._linalg.cho_factor(matern + linear + own_noise, lower=True)
        alpha = self._linalg.cho_solve(factor, y)
        inverse = self._linalg.cho_solve(factor, np.eye(n))
        value = 0.5 * (y * alpha).sum() + t * np.log(np.diag(factor[0])).sum()
        weight = 0.5 * (t * inverse - alpha @ alpha.T)
        slope = np.empty_like(p)
        # By the squared distance the kernel falls with 5/6 (1 + r) exp(-r); that distance is a sum
        # over columns, each with a square that its length divides.
        by_square = -5 / 6 * variance * weight * (1 + r) * decay
        own, cross = by_square.sum(axis=1) @ curved**2, (curved * (by_square @ curved)).sum(axis=0)
        slope[:k] = -4 * (own - cross)
        slope[k : 2 * k] = 2 * (straight * (weight @ straight)).sum(axis=0)
        slope[-3] = 2 * (weight * matern).sum()
        slope[-2] = 2 * (weight * linear).sum()
        slope[-1] = 2 * noise * np.trace(weight)
        off = (p - self.centre) / self.width
        return float(value + 0.5 * t * (off**2).sum()), slope + t * off / self.width

    def best(self) -> Array:
        """Parameters of the largest posterior that is found from the priors' centres."""
        low, high = (self.centre + sign * FAR for sign in (-1, 1))
        optimum = import_extra("scipy.optimize").minimize(
            self,
            self.centre,
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(low, high, strict=True)),
            options={"maxiter": STEPS},
        )
        return np.asarray(optimum.x, np.float64)


def _columns(networks: Networks) -> NDArray[np.float32]:
    """What layers compute and what they add up to, further columns last, shape (n, k)."""
    numbers = [i for i, name in enumerate(networks.feature_names) if "=" not in name]
    return np.concatenate([networks.layers, networks.features[:, numbers]], axis=1)


@dataclass(frozen=True)
class _GaussianProcessArd:
    name: str = "gaussian_process_ard"
    summary: str = "a Matern and a linear kernel in which every column has its own scale"

    def fit(
        self, networks: Networks, targets: Array, seed: int = 0, noise: Array | None = None
    ) -> FittedProcess:
        """Learns; nothing is random."""
        raw = checked(networks, targets)
        x = _columns(networks).astype(np.float64)
        centre, deviation = x.mean(axis=0), x.std(axis=0)
        used = np.flatnonzero(deviation > 1e-6 * np.maximum(np.abs(centre), 1e-6))
        z = (x[:, used] - centre[used]) / deviation[used]
        mean, spread = raw.mean(axis=0), raw.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        y = (raw - mean) / spread
        row_noise = 0.0 if noise is None else (np.asarray(noise) / spread**2).mean(axis=1)
        posterior = Posterior(z, y, row_noise)
        p = posterior.best()

        def everywhere(values: Array) -> Array:
            out = np.zeros((*values.shape[:-1], x.shape[1]))
            out[..., used] = values
            return out

        curved, straight = posterior.scales(p)
        kernel = Kernel(
            groups=[used],
            centre=centre,
            scale=everywhere(curved / deviation[used]),
            rows=everywhere(z * curved),
            variance=np.exp(2 * p[-3:-2]),
            linear_scale=everywhere(straight / deviation[used]),
            linear_rows=everywhere(z * straight),
            noise=float(np.exp(2 * p[-1])),
            row_noise=row_noise,
        )
        document = {
            "columns": list(networks.column_names),
            "centre": rounded(mean),
            "scale": rounded(spread),
            "noise": kernel.noise,
            "noise_was_known": noise is not None,
        }
        return FittedProcess(document, kernel.models(y), _columns)

    def load(self, document: Mapping[str, Any], files: Files) -> FittedProcess:
        """The inverse of ``document`` and ``files``."""
        return FittedProcess(dict(document), files, _columns)


MEMBER = _GaussianProcessArd()
