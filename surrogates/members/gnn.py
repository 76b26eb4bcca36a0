"""A graph network over a network's operators, see ``gnn_training.py``.

The spread is what networks kept back from the training were off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..extras import import_extra
from ..networks import Networks
from ..onnx_graph import OnnxModel
from ._member import Array, Files, Prediction, check_columns, checked, rounded, with_spread

MODEL = "graph.onnx"
EPOCHS = 120
KEPT_BACK = 10  # one in so many
CHUNK = 64  # graphs at a time: dense adjacency takes room


@dataclass(frozen=True)
class _Fitted:
    document: dict[str, Any]
    files: Files

    @cached_property
    def _model(self) -> OnnxModel:
        return OnnxModel(self.files[MODEL])

    def mean(self, networks: Networks) -> Array:
        from ..operator_graphs import graphs

        check_columns(self.document, networks)
        scale, centre = (np.array(self.document[k]) for k in ("scale", "centre"))
        rows = np.arange(len(networks))
        parts = [
            self._model.run("targets", graphs(networks, rows[i : i + CHUNK]).named)
            for i in range(0, len(rows), CHUNK)
        ]
        standardised = np.concatenate([np.zeros((0, len(scale))), *parts])
        return np.asarray(standardised * scale + centre)

    def predict(self, networks: Networks) -> Prediction:
        return with_spread(self.mean(networks), self.document)


@dataclass(frozen=True)
class _Gnn:
    name: str = "gnn"
    summary: str = "message passing over the graph of operators"

    def fit(
        self, networks: Networks, targets: Array, seed: int = 0, noise: Array | None = None
    ) -> _Fitted:
        """Learns; the seed decides initial weights, the order and what is kept back."""
        y = checked(networks, targets)
        import_extra("torch")
        import_extra("torch_geometric")
        from ..gnn_training import to_onnx, train
        from ..operator_graphs import graphs

        centre, scale = y.mean(axis=0), y.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        order = np.random.default_rng(seed).permutation(len(y))
        back = np.sort(order[: max(len(y) // KEPT_BACK, 1)])
        rows = np.setdiff1d(np.arange(len(y)), back)
        standard = ((y - centre) / scale)[rows]
        network = train(lambda some: graphs(networks, rows[some]), standard, EPOCHS, seed)
        document = {
            "columns": list(networks.column_names),
            "centre": rounded(centre),
            "scale": rounded(scale),
            "spread": [0.0] * y.shape[1],
        }
        bare = _Fitted({**document, "columns": []}, {MODEL: to_onnx(network)})
        off = bare.mean(networks.of(networks.genomes[back])) - y[back]
        document["spread"] = rounded(np.sqrt((off**2).mean(axis=0)))
        return _Fitted(document, bare.files)

    def load(self, document: Mapping[str, Any], files: Files) -> _Fitted:
        """The inverse of ``document`` and ``files``."""
        return _Fitted(dict(document), files)


MEMBER = _Gnn()
