"""Ranks of scores, and the aggregation of AZ-NAS."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..bench.errors import BigLittleError

#: The components that AZ-NAS adds up.
AZ_COMPONENTS = ("az_expressivity", "az_progressivity", "az_trainability", "macs")


def rank(values: ArrayLike) -> NDArray[np.float64]:
    """Ranks from 1 (lowest) up, shape (n,); equal values share their mean rank, NaN stays NaN.

    >>> rank([30, 10, 20, 10]).tolist()
    [4.0, 1.5, 3.0, 1.5]
    """
    x = np.asarray(values, np.float64)
    out = np.full(x.shape, np.nan)
    scored = ~np.isnan(x)
    _, inverse, counts = np.unique(x[scored], return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    out[scored] = (ends - (counts - 1) / 2)[inverse]
    return out


def az_nas(columns: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
    """The AZ-NAS score of every network among those given, shape (n,); at most 0.

    az_nas = sum over components of log( rank / m ), m networks, rank m the best

    A network without one of the components has no score (NaN) and does not count in m.

    Args:
        columns: scores by proxy, shape (n,) each; all ``AZ_COMPONENTS`` are needed.

    Raises:
        BigLittleError: a component is not among the columns.

    Source: Lee and Ham 2024, "AZ-NAS: Assembling Zero-Cost Proxies for Network Architecture
    Search" (non-linear ranking aggregation). A score is relative to the set it is computed in.
    """
    missing = [name for name in AZ_COMPONENTS if name not in columns]
    if missing:
        raise BigLittleError(
            f"AZ-NAS needs {', '.join(AZ_COMPONENTS)}; missing are {', '.join(missing)}."
        )
    parts = np.stack([np.asarray(columns[name], np.float64) for name in AZ_COMPONENTS])
    scored = ~np.isnan(parts).any(axis=0)
    out = np.full(parts.shape[1], np.nan)
    if scored.any():
        m = int(scored.sum())
        out[scored] = sum(np.log(rank(part[scored]) / m) for part in parts)
    return out
