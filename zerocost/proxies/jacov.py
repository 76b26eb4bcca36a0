"""Jacobian covariance (jacob_cov): how differently a network answers to different images.

    jacov = -sum_i [ log(v_i + k) + 1 / (v_i + k) ]        k = 1e-5

v are the eigenvalues of the correlation matrix, images by images, of J, and row i of J is the
gradient of the sum of image i's logits with respect to its pixels.

Source: Mellor et al. 2020, "Neural Architecture Search without Training" (first version), as in
Abdelfattah et al. 2021. The matrix is symmetric, so we use the symmetric solver in float64; where
they take the eigenvalues of a general matrix, small negative or complex ones can appear.
"""

from __future__ import annotations

import torch

from ..network import PassError
from ..passes import Passes
from ._proxy import Proxy

K = 1e-5


def correlation(rows: torch.Tensor) -> torch.Tensor:
    """Correlation matrix (n, n) in float64 of n rows.

    Raises:
        PassError: all values of a row are equal, which has no correlation.
    """
    centred = rows.double() - rows.double().mean(1, keepdim=True)
    norms = centred.norm(dim=1)
    scale = rows.double().norm(dim=1).clamp_min(torch.finfo(torch.float64).tiny)
    if bool((norms <= 1e-12 * scale).any()):
        raise PassError(
            f"the input gradient of {int((norms <= 1e-12 * scale).sum())} of {len(rows)} images "
            "is constant over its pixels (the output may not depend on the input): it has no "
            "correlation."
        )
    unit: torch.Tensor = centred / norms[:, None]
    return unit @ unit.T


def jacov(passes: Passes) -> float:
    """The sum over eigenvalues."""
    v = torch.linalg.eigvalsh(correlation(passes.image_gradient)).clamp_min(0)
    return -float((torch.log(v + K) + 1 / (v + K)).sum())


PROXY = Proxy("jacov", "Mellor et al. 2020, first version", ("image_gradient",), False, jacov)
