"""Pairs as one graph: little's and big's operators with the gate as the node that joins them.

Message passing as in ``gnn_training.py``; what is read out are components of the escalation rates
of little and of the gain of the pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..curve import GRID, Basis, escalation_rates, gains
from ..data import FitData, sample_pairs
from ..extras import import_extra
from ..members import Member
from ..networks import Networks
from ..onnx_graph import OnnxModel
from ._pairs import Array, CandidateRows, Files, Rows, composed, rate_curves, rates_at

MODEL = "graph.onnx"
N_PAIRS, EPOCHS, PER_EPOCH = 4000, 60, 384
VARIANCE, COMPONENTS = 0.99, 4
CHUNK = 32  # pairs at a time: dense adjacency takes room


@dataclass(frozen=True)
class _Fitted:
    document: dict[str, Any]
    files: Files
    rates: Basis
    gains: Basis

    @cached_property
    def _model(self) -> OnnxModel:
        return OnnxModel(self.files[MODEL])

    def _scores(
        self, networks: Networks, asked_little: Rows, asked_big: Rows
    ) -> tuple[Array, Array, Rows]:
        """Scores of rates by network, of gains by distinct pair, and which pair each one is."""
        from ..operator_graphs import graphs

        keys = asked_little * len(networks) + asked_big
        unique, position = np.unique(keys, return_inverse=True)
        little, big = unique // len(networks), unique % len(networks)
        parts = [
            self._model.run(
                "targets", graphs(networks, little[i : i + CHUNK], big[i : i + CHUNK]).named
            )
            for i in range(0, len(unique), CHUNK)
        ]
        scale, centre = (np.array(self.document[k]) for k in ("scale", "centre"))
        scores = np.concatenate(parts) * scale + centre
        n_rates = len(self.rates.components)
        # Escalation is little's business: the mean over its pairs is taken.
        rate_scores = np.zeros((len(networks), n_rates))
        times = np.zeros(len(networks))
        np.add.at(rate_scores, little, scores[:, :n_rates])
        np.add.at(times, little, 1.0)
        by_network = rate_scores / np.maximum(times, 1)[:, None]
        return by_network, scores[:, n_rates:], position

    def predict(
        self, networks: Networks, accuracy: Array, candidates: CandidateRows
    ) -> tuple[Array, Array]:
        by_network, scores, position = self._scores(networks, candidates.little, candidates.big)
        rate = rates_at(self.rates, by_network, candidates)
        gain = np.empty((len(candidates), len(GRID)))
        for g in np.unique(candidates.gate):
            here = np.flatnonzero(candidates.gate == g)
            columns = slice(g * len(GRID), (g + 1) * len(GRID))
            gain[here] = self.gains.reconstruct(scores[position[here]], columns)
        return composed(accuracy, candidates, rate, gain), rate

    def curves(
        self, networks: Networks, accuracy: Array, little: Rows, big: Rows
    ) -> tuple[Array, Array]:
        by_network, scores, position = self._scores(networks, little, big)
        gain = self.gains.reconstruct(scores)[position].reshape(len(little), -1, len(GRID))
        return rate_curves(self.rates, by_network[little]), gain


@dataclass(frozen=True)
class _Gnn:
    name: str = "gnn"
    summary: str = "message passing over both graphs of operators, joined by the gate"

    def fit(self, data: FitData, points: Member, seed: int = 0) -> _Fitted:
        """Learns, without ``points``; the seed decides pairs, initial weights and the order."""
        import_extra("torch")
        import_extra("torch_geometric")
        from ..gnn_training import to_onnx, train
        from ..operator_graphs import graphs

        networks, predictions = data.networks, data.predictions["val"]
        rate = np.concatenate([escalation_rates(c) for c in data.codes("val")], axis=1)
        rates = Basis.fit(rate, VARIANCE, COMPONENTS)
        little, big = sample_pairs(len(data), N_PAIRS, np.random.default_rng(seed))
        gain = gains(predictions.correct, data.codes("val"), little, big).reshape(len(little), -1)
        basis = Basis.fit(gain, VARIANCE, COMPONENTS)
        y = np.column_stack([rates.project(rate)[little], basis.project(gain)])
        centre, scale = y.mean(axis=0), y.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        network = train(
            lambda rows: graphs(networks, little[rows], big[rows]),
            (y - centre) / scale,
            EPOCHS,
            seed,
            PER_EPOCH,
        )
        document = {
            "centre": centre.tolist(),
            "scale": scale.tolist(),
            "rates": rates.as_dict(),
            "gains": basis.as_dict(),
        }
        return _Fitted(document, {MODEL: to_onnx(network)}, rates, basis)

    def load(self, document: Mapping[str, Any], files: Files) -> _Fitted:
        """The inverse of ``document`` and ``files``."""
        rates, basis = (Basis.from_dict(document[k]) for k in ("rates", "gains"))
        return _Fitted(dict(document), dict(files), rates, basis)


PAIRS = _Gnn()
