"""Per-class correlation of input gradients (EPE-NAS).

    epe_nas = sum_c | sum_ij log( |corr(J_c)_ij| + k ) |        k = 1e-5

J_c are the rows of class c of the matrix that ``jacov`` uses. With more than 100 classes the sums
are averaged over the images of each class, and compared between classes:

    epe_nas = sum_c sum_d | e_c - e_d | / n_classes,   e_c = sum_ij log(|corr(J_c)_ij| + k) / n_c

It is ill-conditioned: two images whose gradients hardly correlate add the logarithm of almost
nothing, so that in float32 it differs by some per cent from one number of threads to another. In
float64 (``run(..., dtype="float64")``) it does not.

Source: Lopes, Alirezazadeh and Alexandre 2021, "EPE-NAS: Efficient Performance Estimation Without
Training for Neural Architecture Search" (their code). Classes are those of the
batch.
"""

from __future__ import annotations

import torch

from ..passes import Passes
from ._proxy import Proxy
from .jacov import correlation

K = 1e-5
MANY_CLASSES = 100


def epe_nas(passes: Passes) -> float:
    """The sum over classes."""
    labels, rows = passes.labels, passes.image_gradient
    by_class = []
    many = len(torch.unique(labels)) > MANY_CLASSES
    for label in torch.unique(labels):
        corr = correlation(rows[labels == label])
        total = float(torch.log(corr.abs() + K).sum())
        by_class.append(total / len(corr) if many else total)
    if many:
        e = torch.tensor(by_class, dtype=torch.float64)
        return float((e[:, None] - e[None]).abs().sum() / len(e))
    return sum(abs(e) for e in by_class)


PROXY = Proxy("epe_nas", "Lopes et al. 2021", ("image_gradient",), True, epe_nas)
