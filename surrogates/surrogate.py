"""A fitted surrogate: accuracy and escalation rate of networks and pairs outside the table.

A folder with ``surrogate.json`` and the ``.onnx`` files it names. Needs numpy and onnxruntime.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import Candidates, SearchSpace, get_space
from ..bench.errors import BigLittleError, SurrogateError
from ..bench.gates import N_CODES
from ..bench.spaces._space import Genomes
from .curve import GRID, Basis, gain_at, monotone_rates
from .features import (
    architecture_features,
    check_genomes,
    feature_names,
    pair_feature_names,
    pair_features,
)
from .latency import latency_feature_names, latency_features
from .regressor import Regressor, load_regressor

FORMAT = "biglittle-surrogate-1"
DOCUMENT = "surrogate.json"
PARTS = ("accuracy", "escalation", "gain")
CHUNK = 8192  # candidates at a time, which keeps the working memory below some 100 MiB

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PredictedNetworks:
    """What a surrogate says of single networks.

    Attributes:
        accuracy: fractions, shape (n,).
        escalation_scores: components of the escalation rates, shape (n, n_components).
    """

    accuracy: Array
    escalation_scores: Array


def genome_rows(genomes: Genomes) -> tuple[Genomes, NDArray[np.intp]]:
    """Unique genomes, shape (n_unique, n_layers), and where each of the n is among them."""
    packed = np.ascontiguousarray(genomes, np.uint8)
    keys = packed.view(f"V{packed.shape[1]}").ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return packed[first], inverse.astype(np.intp)


class Surrogate:
    """Predicts accuracy and escalation rate of any pair, gate and cut of its space.

    What it predicts are figures on the table's ``val`` images, by which thresholds are chosen.
    Both ends of a curve are exact by construction: cut 0 is the little network's predicted
    accuracy, cut 256 the big one's, and the escalation rate never falls with the cut.

    Args:
        document: what ``surrogate.json`` holds.
        models: bytes of the ONNX files by name.

    Raises:
        SurrogateError: another format, space or set of features.

    Example::

        surrogate = Surrogate.load("data_tables/fbnet_cifar10/surrogate")
        accuracy, escalation_rate = surrogate.predict(candidates)
    """

    def __init__(self, document: Mapping[str, Any], models: Mapping[str, bytes]) -> None:
        self.document = document
        if document.get("format") != FORMAT:
            raise SurrogateError(
                f"the surrogate has format {document.get('format')!r}, this code reads {FORMAT!r}."
            )
        try:
            self._read(models)
        except (KeyError, TypeError, ValueError) as error:
            raise SurrogateError(f"the surrogate is not complete: {error!r}.") from error

    def _read(self, models: Mapping[str, bytes]) -> None:
        document = self.document
        self.space: SearchSpace = get_space(document["space"])
        if document["space_hash"] != self.space.hash:
            raise SurrogateError(
                f"the surrogate was fitted for another version of space {self.space.name!r} "
                f"({document['space_hash'][:8]}, here {self.space.hash[:8]}); fit it again."
            )
        self.choices: tuple[str, ...] = tuple(document["choices"])
        self.gates: tuple[str, ...] = tuple(document["gates"])
        self.n_classes = int(document["n_classes"])
        self.half_widths: dict[str, float] = dict(document["half_widths"])
        names = {
            "network": feature_names(self.space, self.choices),
            "pair": pair_feature_names(self.space, self.choices),
            "latency": latency_feature_names(self.space, self.choices),
        }
        for kind, expected in names.items():
            if tuple(document["features"][kind]) != expected or document["grid"] != GRID.tolist():
                raise SurrogateError(
                    f"the surrogate's {kind} features or grid are not those of this code; fit it "
                    "again."
                )

        def regressor(raw: dict[str, Any]) -> Regressor:
            return load_regressor(raw, models[raw["trees"]] if raw["trees"] else None)

        self._accuracy, self._escalation, self._gain = (regressor(document[p]) for p in PARTS)
        self._escalation_basis = Basis.from_dict(document["escalation"]["basis"])
        self._gain_basis = Basis.from_dict(document["gain"]["basis"])
        self._latency = {name: regressor(raw) for name, raw in document["latency"].items()}
        self._floor_ms = {n: float(raw["floor_ms"]) for n, raw in document["latency"].items()}

    @classmethod
    def load(cls, folder: str | Path, check: bool = True) -> Surrogate:
        """A surrogate from its folder.

        Args:
            folder: with ``surrogate.json`` and the ONNX files.
            check: compare the SHA-256 of every ONNX file with the one the JSON names.

        Raises:
            SurrogateError: missing, edited, truncated, or of another version or space.
        """
        folder = Path(folder)
        try:
            document = json.loads((folder / DOCUMENT).read_text())
            models = {name: (folder / name).read_bytes() for name in document["files"]}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SurrogateError(
                f"{folder} cannot be read as a surrogate ({error}); expected {DOCUMENT} and the "
                "ONNX files it names. Fetch it again, or fit one: biglittle surrogate fit."
            ) from error
        for name, model in models.items():
            got = hashlib.sha256(model).hexdigest()
            if check and got != document["files"][name]:
                raise SurrogateError(
                    f"{folder / name} has SHA-256 {got[:12]}..., {DOCUMENT} says "
                    f"{str(document['files'][name])[:12]}...: it was edited or is truncated. Fetch "
                    "it again, or load with check=False if you trust it."
                )
        try:
            return cls(document, models)
        except SurrogateError:
            raise
        except BigLittleError as error:
            raise SurrogateError(f"{folder}: {error}") from error

    @property
    def devices(self) -> tuple[str, ...]:
        """Devices with a latency model."""
        return tuple(sorted(self._latency))

    @cached_property
    def report(self) -> dict[str, Any]:
        """How good it was on networks held out of the fit; empty where nobody looked."""
        return dict(self.document.get("report") or {})

    def _single(self, genomes: Genomes) -> tuple[NDArray[np.float32], Array]:
        features = architecture_features(self.space, genomes, self.n_classes, self.choices)
        return features, np.clip(self._accuracy.predict(features)[:, 0], 0.0, 1.0)

    def _scores(self, features: NDArray[np.float32], accuracy: Array) -> Array:
        with_accuracy = np.column_stack([features, accuracy]).astype(np.float32)
        return self._escalation.predict(with_accuracy)

    def predict_networks(self, genomes: Genomes) -> PredictedNetworks:
        """Figures of single networks, genomes of shape (n, n_layers).

        Raises:
            SurrogateError: genomes of another space, or a choice the surrogate never saw.
        """
        features, accuracy = self._single(check_genomes(self.space, genomes, self.choices))
        return PredictedNetworks(accuracy, self._scores(features, accuracy))

    def _check(self, candidates: Candidates) -> None:
        for name, values, top in (
            ("gate", candidates.gate, len(self.gates) - 1),
            ("cut", candidates.cut, N_CODES),
        ):
            if len(values) and not (np.min(values) >= 0 and np.max(values) <= top):
                raise SurrogateError(
                    f"a candidate's {name} lies in {np.min(values)}..{np.max(values)}; expected "
                    f"0 to {top}."
                )

    def predict(self, candidates: Candidates) -> tuple[Array, Array]:
        """Accuracy and escalation rate on ``val``, each of shape (n,).

        Networks that occur more than once are predicted once.

        Raises:
            SurrogateError: genomes of another space, a choice, gate or cut out of range.
            MissingExtraError: onnxruntime is not installed.
        """
        self._check(candidates)
        both = [
            check_genomes(self.space, g, self.choices) for g in (candidates.little, candidates.big)
        ]
        if not len(candidates):
            return np.zeros(0), np.zeros(0)
        genomes, where = genome_rows(np.concatenate(both))
        little, big = where[: len(candidates)], where[len(candidates) :]
        features, accuracy = self._single(genomes)
        asked, position = np.unique(little, return_inverse=True)
        scores = self._scores(features[asked], accuracy[asked])
        gate, cut = np.asarray(candidates.gate), np.asarray(candidates.cut)
        out, rate = np.empty(len(candidates)), np.empty(len(candidates))
        for start in range(0, len(candidates), CHUNK):
            part = slice(start, start + CHUNK)
            rate[part] = self._rate(scores, position[part], gate[part], cut[part])
            out[part] = self._compose(
                features, genomes, accuracy, little[part], big[part], gate[part], rate[part]
            )
        return out, rate

    def _rate(
        self, scores: Array, row: NDArray[np.intp], gate: NDArray[np.int64], cut: NDArray[np.int64]
    ) -> Array:
        rate = np.empty(len(row))
        for g in np.unique(gate):
            here = np.flatnonzero(gate == g)
            asked, position = np.unique(row[here], return_inverse=True)
            columns = slice(g * (N_CODES + 1), (g + 1) * (N_CODES + 1))
            curve = monotone_rates(self._escalation_basis.reconstruct(scores[asked], columns))
            rate[here] = curve[position, cut[here]]
        return rate

    def _compose(
        self,
        features: NDArray[np.float32],
        genomes: Genomes,
        accuracy: Array,
        little: NDArray[np.intp],
        big: NDArray[np.intp],
        gate: NDArray[np.int64],
        rate: Array,
    ) -> Array:
        pairs = pair_features(self.space, self.choices, features, genomes, accuracy, little, big)
        scores, gain = self._gain.predict(pairs), np.empty((len(little), len(GRID)))
        for g in np.unique(gate):
            here = np.flatnonzero(gate == g)
            columns = slice(g * len(GRID), (g + 1) * len(GRID))
            gain[here] = self._gain_basis.reconstruct(scores[here], columns)
        gain[little == big] = 0.0  # a network paired with itself answers as it does alone
        coin = (1 - rate) * accuracy[little] + rate * accuracy[big]
        return np.clip(coin + gain_at(gain, rate), 0.0, 1.0)

    def latency_ms(self, device: str, genomes: Genomes) -> Array:
        """Predicted latency of single networks on a measured device, shape (n,).

        Raises:
            SurrogateError: no latency model of that device; names those there are.
        """
        if device not in self._latency:
            known = ", ".join(self.devices) or "none"
            raise SurrogateError(
                f"the surrogate has no latency model of device {device!r}; known: {known}. Use a "
                "profile with a block table, or fit the surrogate again with this profile."
            )
        features = latency_features(self.space, genomes, self.choices)
        predicted = self._latency[device].predict(features)[:, 0]
        return np.maximum(predicted, self._floor_ms[device])
