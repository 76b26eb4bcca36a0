"""Pairs directly: a regression from what both networks look like to the gain of the pair.

Two steps, each a ridge with boosted trees on its residual: escalation rates of a network at every
cut under every gate, in a few principal components, from its architecture and predicted accuracy;
gain of a pair, in a few components too, from what both members add up to and how they compare.
Where a step takes predicted accuracy it is fitted on cross-validated predictions, as it will be
used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..curve import GRID, Basis, escalation_rates, gains
from ..data import FitData, sample_pairs
from ..features import pair_features
from ..members import Member
from ..networks import Networks
from ..regressor import (
    BoostSettings,
    Regressor,
    fit_regressor,
    load_regressor,
    network_folds,
    pair_folds,
)
from ._pairs import Array, CandidateRows, Files, Rows, composed, rate_curves, rates_at

N_PAIRS, FOLDS, PAIR_FOLDS = 20_000, 5, 3
VARIANCE, COMPONENTS = 0.99, 4
NETWORK = BoostSettings()
PAIR = BoostSettings(rounds=(0, 25, 50, 100), max_depth=4, learning_rate=0.1, min_child_weight=20.0)
PARTS = ("escalation", "gain")


@dataclass(frozen=True)
class _Fitted:
    document: dict[str, Any]
    files: Files
    escalation: Regressor
    gain: Regressor
    rates: Basis
    gains: Basis

    def predict(
        self, networks: Networks, accuracy: Array, candidates: CandidateRows
    ) -> tuple[Array, Array]:
        features = networks.features
        with_accuracy = np.column_stack([features, accuracy]).astype(np.float32)
        rate = rates_at(self.rates, self.escalation.predict(with_accuracy), candidates)
        out = np.empty(len(candidates))
        for part, own in candidates.parts():
            pairs = pair_features(
                networks.space,
                networks.choices,
                features,
                networks.genomes,
                accuracy,
                own.little,
                own.big,
            )
            scores, gain = self.gain.predict(pairs), np.empty((len(own), len(GRID)))
            for g in np.unique(own.gate):
                here = np.flatnonzero(own.gate == g)
                columns = slice(g * len(GRID), (g + 1) * len(GRID))
                gain[here] = self.gains.reconstruct(scores[here], columns)
            out[part] = composed(accuracy, own, rate[part], gain)
        return out, rate

    def curves(
        self, networks: Networks, accuracy: Array, little: Rows, big: Rows
    ) -> tuple[Array, Array]:
        features = networks.features
        with_accuracy = np.column_stack([features, accuracy]).astype(np.float32)
        rows, where = np.unique(little, return_inverse=True)
        rates = rate_curves(self.rates, self.escalation.predict(with_accuracy[rows]))
        space, choices, genomes = networks.space, networks.choices, networks.genomes
        pairs = pair_features(space, choices, features, genomes, accuracy, little, big)
        gain = self.gains.reconstruct(self.gain.predict(pairs))
        return rates[where], gain.reshape(len(little), -1, len(GRID))


@dataclass(frozen=True)
class _Direct:
    name: str = "direct"
    summary: str = "boosted trees from both networks' figures to the gain of the pair"

    def fit(self, data: FitData, points: Member, seed: int = 0) -> _Fitted:
        """Learns; ``points`` is not used."""
        networks, predictions = data.networks, data.predictions["val"]
        features = networks.features
        folds = network_folds(len(data), FOLDS, seed)
        alone = fit_regressor(features, data.accuracy()[:, None], folds, NETWORK, seed)
        accuracy = np.clip(alone.out_of_fold[:, 0], 0.0, 1.0)
        rate = np.concatenate([escalation_rates(c) for c in data.codes("val")], axis=1)
        rates = Basis.fit(rate, VARIANCE, COMPONENTS)
        escalation = fit_regressor(
            np.column_stack([features, accuracy]).astype(np.float32),
            rates.project(rate),
            folds,
            NETWORK,
            seed,
        )
        little, big = sample_pairs(len(data), N_PAIRS, np.random.default_rng(seed))
        gain = gains(predictions.correct, data.codes("val"), little, big).reshape(len(little), -1)
        basis = Basis.fit(gain, VARIANCE, COMPONENTS)
        fitted = fit_regressor(
            pair_features(data.space, data.choices, features, data.genomes, accuracy, little, big),
            basis.project(gain),
            pair_folds(little, big, network_folds(len(data), PAIR_FOLDS, seed)),
            PAIR,
            seed,
        )
        parts = dict(zip(PARTS, (escalation, fitted), strict=True))
        document = {
            **{name: part.document for name, part in parts.items()},
            "rates": rates.as_dict(),
            "gains": basis.as_dict(),
        }
        files = {f"{n}.onnx": p.model for n, p in parts.items() if p.model is not None}
        return self.load(document, files)

    def load(self, document: Mapping[str, Any], files: Files) -> _Fitted:
        """The inverse of ``document`` and ``files``."""
        escalation, gain = (load_regressor(document[n], files.get(f"{n}.onnx")) for n in PARTS)
        return _Fitted(
            dict(document),
            dict(files),
            escalation,
            gain,
            Basis.from_dict(document["rates"]),
            Basis.from_dict(document["gains"]),
        )


PAIRS = _Direct()
