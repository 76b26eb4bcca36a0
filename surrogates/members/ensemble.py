"""The mean of a Gaussian process and of a ridge with boosted trees, which err differently.

The spread joins what the Gaussian process thinks with how far the two are apart.

Source: Lakshminarayanan et al. 2017, "Simple and Scalable Predictive Uncertainty Estimation using
Deep Ensembles" (section 2.4), with members of different kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..networks import Networks
from . import gaussian_process, ridge_xgboost
from ._member import Array, Files, FittedMember, Member, Prediction

PARTS: tuple[Member, ...] = (gaussian_process.MEMBER, ridge_xgboost.MEMBER)


@dataclass(frozen=True)
class _Fitted:
    parts: tuple[FittedMember, ...]

    @property
    def document(self) -> dict[str, Any]:
        return {member.name: part.document for member, part in zip(PARTS, self.parts, strict=True)}

    @property
    def files(self) -> Files:
        return {
            f"{member.name}.{name}": content
            for member, part in zip(PARTS, self.parts, strict=True)
            for name, content in part.files.items()
        }

    def mean(self, networks: Networks) -> Array:
        return np.asarray(np.mean([part.mean(networks) for part in self.parts], axis=0))

    def predict(self, networks: Networks) -> Prediction:
        predictions = [part.predict(networks) for part in self.parts]
        means = np.stack([p.mean for p in predictions])
        within = np.mean([p.std**2 for p in predictions], axis=0)
        return Prediction(means.mean(axis=0), np.sqrt(within + means.var(axis=0)))


@dataclass(frozen=True)
class _Ensemble:
    name: str = "ensemble"
    summary: str = "mean of " + " and ".join(part.name for part in PARTS)

    def fit(
        self, networks: Networks, targets: Array, seed: int = 0, noise: Array | None = None
    ) -> _Fitted:
        """Learns; the seed goes to every part."""
        return _Fitted(tuple(member.fit(networks, targets, seed, noise) for member in PARTS))

    def load(self, document: Mapping[str, Any], files: Files) -> _Fitted:
        """The inverse of ``document`` and ``files``."""
        parts = []
        for member in PARTS:
            own = f"{member.name}."
            held = {n.removeprefix(own): c for n, c in files.items() if n.startswith(own)}
            parts.append(member.load(document[member.name], held))
        return _Fitted(tuple(parts))


MEMBER = _Ensemble()
