"""Pairs through the images: every network is a point, every image has a difficulty.

Whether network n is right about image i is taken as p_ni = m_i + t_n . a_i, with the image's
difficulty m_i, its discriminations a_i and the network's point t_n: an item response model with a
linear link, whose least-squares solution are principal components of the table of right answers.
With W_li(r) the share of image i that little l escalates at rate r, the gain of a pair over a coin
is a covariance over images,

    G(r) = cov_i(W_li(r), p_bi) - cov_i(W_li(r), c_li)
         = cov(W_l, m) + t_b . cov(W_l, a) - cov(W_l, c_l).

All three terms belong to a single network: t_b is where big stands, the covariances say which kind
of image little gives away. So the curve of a pair of which no network was seen follows from models
of single networks, and no model ever sees a pair.

Source: Rasch models and their multidimensional kin as in Reckase 2009, "Multidimensional Item
Response Theory" (chapter 4), here with a linear instead of a logistic link, so that the sum over
images is done once and for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..curve import GRID, Basis, escalated_share, escalation_rates
from ..data import FitData
from ..members import FittedMember, Member, get_member
from ..networks import Networks
from ._pairs import Array, CandidateRows, Files, Rows, composed, rate_curves, rates_at

DIMENSIONS = 3  # more change nothing: 6 and 12 err alike on unseen pairs
RATE_COMPONENTS, SHAPE_COMPONENTS, VARIANCE = 5, 8, 0.9999


def item_parameters(correct: NDArray[np.floating[Any]]) -> tuple[Array, Array]:
    """Points of the networks (n, d) and discriminations of the images (d, n_images).

    Args:
        correct: whether each network is right about each image, shape (n, n_images).
    """
    centred = correct - correct.mean(axis=0)
    values, vectors = np.linalg.eigh(centred @ centred.T)
    order = np.argsort(values)[::-1][:DIMENSIONS]
    rows = vectors[:, order].T @ centred
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return centred @ rows.T, rows


def escalated_kinds(data: FitData, images: Array) -> Array:
    """What kind of image each network gives away, shape (n, n_gates, d + 2, n_grid).

    Covariances over images of the escalated share with the difficulty, with each discrimination,
    and with whether the network itself is right.

    Args:
        data: networks with their predictions.
        images: difficulty of each image first, then its discriminations, shape (d + 1, n_images).
    """
    correct = data.predictions["val"].correct.astype(np.float32)
    count = correct.shape[1]
    out = np.empty((len(data), len(data.gates), len(images) + 1, len(GRID)))
    means = images.mean(axis=1)
    for g, codes in enumerate(data.codes("val")):
        for row in range(len(data)):
            against = np.vstack([images, correct[row]]).astype(np.float32)
            joint = (against @ escalated_share(codes[row])).astype(np.float64) / count
            expected = np.append(means, correct[row].mean(dtype=np.float64))
            out[row, g] = joint - expected[:, None] * GRID
    return out


@dataclass(frozen=True)
class _Fitted:
    document: dict[str, Any]
    points: FittedMember
    rates: Basis
    shapes: Basis

    @property
    def files(self) -> Files:
        return self.points.files

    def predict(
        self, networks: Networks, accuracy: Array, candidates: CandidateRows
    ) -> tuple[Array, Array]:
        scores = self.points.mean(networks)
        n_rates = len(self.rates.components)
        place = scores[:, n_rates : n_rates + DIMENSIONS]
        shape = scores[:, n_rates + DIMENSIONS :]
        rate, out = rates_at(self.rates, scores[:, :n_rates], candidates), np.empty(len(candidates))
        width = (DIMENSIONS + 2) * len(GRID)
        for part, own in candidates.parts():
            flat = np.empty((len(own), width))
            for g in np.unique(own.gate):
                here = np.flatnonzero(own.gate == g)
                columns = slice(g * width, (g + 1) * width)
                flat[here] = self.shapes.reconstruct(shape[own.little[here]], columns)
            kinds = flat.reshape(len(own), DIMENSIONS + 2, len(GRID))
            with_big = (kinds[:, 1:-1] * place[own.big][:, :, None]).sum(axis=1)
            gain = kinds[:, 0] + with_big - kinds[:, -1]
            out[part] = composed(accuracy, own, rate[part], gain)
        return out, rate

    def curves(
        self, networks: Networks, accuracy: Array, little: Rows, big: Rows
    ) -> tuple[Array, Array]:
        scores = self.points.mean(networks)
        n_rates = len(self.rates.components)
        place = scores[:, n_rates : n_rates + DIMENSIONS]
        rows, where = np.unique(little, return_inverse=True)
        kinds = self.shapes.reconstruct(scores[rows, n_rates + DIMENSIONS :])
        kinds = kinds.reshape(len(rows), -1, DIMENSIONS + 2, len(GRID))
        alone = kinds[:, :, 0] - kinds[:, :, -1]
        with_big = np.einsum("pgdk,pd->pgk", kinds[where][:, :, 1:-1], place[big])
        return rate_curves(self.rates, scores[rows, :n_rates])[where], alone[where] + with_big


@dataclass(frozen=True)
class _ItemResponse:
    name: str = "item_response"
    summary: str = "every network a point, every image a difficulty; pairs follow"

    def fit(self, data: FitData, points: Member, seed: int = 0) -> _Fitted:
        """Learns; the seed goes to the model of single networks."""
        correct = data.predictions["val"].correct.astype(np.float32)
        place, discrimination = item_parameters(correct)
        images = np.vstack([correct.mean(axis=0), discrimination])
        shape = escalated_kinds(data, images).reshape(len(data), -1)
        rate = np.concatenate([escalation_rates(c) for c in data.codes("val")], axis=1)
        rates = Basis.fit(rate, VARIANCE, RATE_COMPONENTS)
        shapes = Basis.fit(shape, VARIANCE, SHAPE_COMPONENTS)
        targets = np.column_stack([rates.project(rate), place, shapes.project(shape)])
        fitted = points.fit(data.networks, targets, seed)
        document = {
            "points": {"member": points.name, **fitted.document},
            "rates": rates.as_dict(),
            "shapes": shapes.as_dict(),
            "dimensions": DIMENSIONS,
        }
        return _Fitted(document, fitted, rates, shapes)

    def load(self, document: Mapping[str, Any], files: Files) -> _Fitted:
        """The inverse of ``document`` and ``files``."""
        points = get_member(document["points"]["member"]).load(document["points"], files)
        return _Fitted(
            dict(document),
            points,
            Basis.from_dict(document["rates"]),
            Basis.from_dict(document["shapes"]),
        )


PAIRS = _ItemResponse()
