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
from ..bench.bounded import read_bounded
from ..bench.cost import TAIL
from ..bench.documents import read_json, typed
from ..bench.errors import BigLittleError, SurrogateError
from ..bench.files import why_unreadable
from ..bench.gates import N_CODES
from ..bench.spaces import Exits, Genomes, parse_networks
from .answer_noise import accuracy_variance
from .curve import GRID
from .exit_features import EXIT_COLUMNS
from .features import check_genomes, feature_names
from .intervals import LEAST_STD, Intervals, pair_std
from .link import Link
from .members import Prediction, get_member
from .networks import Networks
from .pairs import CandidateRows, composed_curves, get_pair_model
from .support import Support
from .surrogate_document import NamedFiles, SurrogateDocument

FORMAT = "biglittle-surrogate-3"
DOCUMENT = "surrogate.json"
MAX_MODEL_BYTES = 2**29  # of one ONNX file; those that ship have less than 1 MiB

Array = NDArray[np.float64]
Rows = NDArray[np.intp]

#: Escalation rates at which whole curves are asked for: those at which a predicted curve bends, and
#: the one up to which the 95th percentile of latency is that of the little network.
CURVE_RATES = np.array(sorted([*GRID.tolist(), TAIL, 1.0]))


@dataclass(frozen=True)
class PredictedNetworks:
    """Predicted accuracy of single networks, with intervals and distances.

    Attributes:
        accuracy: predicted accuracy, a fraction, shape (n,).
        low: lower end of the interval, shape (n,); NaN where none was calibrated.
        high: upper end of the interval, shape (n,).
        distance: distance to the nearest network that was learnt from, shape (n,).
        outside: whether that is further than is usual, shape (n,).
    """

    accuracy: Array
    low: Array
    high: Array
    distance: Array
    outside: NDArray[np.bool_]


@dataclass(frozen=True)
class PredictedPoints:
    """Predicted operating points, with intervals and distances; arrays of shape (n,).

    Attributes:
        accuracy: predicted accuracy, a fraction.
        low: lower end of the accuracy's interval; NaN where none was calibrated.
        high: upper end of the accuracy's interval.
        escalation_rate: predicted escalation rate, a fraction.
        rate_low: lower end of the escalation rate's interval.
        rate_high: upper end of that interval.
        distance: distance of the less familiar of the two networks to the nearest one that was
            learnt from.
        outside: whether one of the two networks is outside the support.
    """

    accuracy: Array
    low: Array
    high: Array
    escalation_rate: Array
    rate_low: Array
    rate_high: Array
    distance: Array
    outside: NDArray[np.bool_]


@dataclass(frozen=True)
class PredictedCurves:
    """Predicted curves of whole pairs, arrays of shape (n, n_gates, k).

    Attributes:
        cut: rising codes of thresholds, 0 to 256; the largest at which no more are escalated than
            at one of ``CURVE_RATES``. The first is 0, little alone, and the last 256, big alone;
            where little never escalates so few, cuts repeat.
        escalation_rate: predicted escalation rate, a fraction.
        accuracy: predicted accuracy, a fraction.
    """

    cut: NDArray[np.int64]
    escalation_rate: Array
    accuracy: Array


def genome_rows(genomes: Genomes) -> tuple[Genomes, NDArray[np.intp]]:
    """Unique genomes, shape (n_unique, n_layers), and where each of the n is among them."""
    packed = np.ascontiguousarray(genomes, np.uint8)
    keys = packed.view(f"V{packed.shape[1]}").ravel()
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return packed[first], inverse.astype(np.intp)


def document_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 of what ``surrogate.json`` holds, its own hash left out, whatever the line breaks."""
    rest = {key: value for key, value in document.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def held(part: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of one part of a surrogate, by their local names."""
    return {n.removeprefix(f"{part}."): c for n, c in files.items() if n.startswith(f"{part}.")}


def _table_beside(folder: Path) -> str:
    """The option that names the one table beside a surrogate's folder; "" where there is none."""
    tables = sorted(folder.absolute().parent.glob("*.h5"))
    return f" --table {folder.parent / tables[0].name}" if len(tables) == 1 else ""


class Surrogate:
    """Predicts accuracy and escalation rate of any pair, gate and cut of its space.

    What it predicts are figures on the table's ``val`` images, by which thresholds are chosen.
    Both ends of a curve are exact by construction: cut 0 is the little network's predicted
    accuracy, cut 256 the big one's, and the escalation rate never falls with the cut.

    Args:
        document: content of ``surrogate.json``, parsed.
        models: bytes of the ONNX files by name.

    Raises:
        SurrogateError: the document is of another format, space or set of features.

    Example::

        surrogate = Surrogate.load("data_tables/fbnet_cifar10/surrogate")
        accuracy, escalation_rate = surrogate.predict(candidates)
        points = surrogate.predict_points(candidates)  # with intervals, and what is outside
    """

    def __init__(self, document: Mapping[str, Any], models: Mapping[str, bytes]) -> None:
        self.document = document
        if document.get("format") != FORMAT:
            raise SurrogateError(
                f"the surrogate has format {document.get('format')!r}, this code reads {FORMAT!r}; "
                "fit it again: biglittle surrogate fit."
            )
        try:
            self._read(models)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
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
        self.exits: tuple[str, ...] = tuple(document.get("exits", ()))
        self.space.exit_numbers(self.exits)
        expected = feature_names(self.space, self.choices) + (EXIT_COLUMNS if self.exits else ())
        if tuple(document["features"]["network"]) != expected or document["grid"] != GRID.tolist():
            raise SurrogateError(
                "the surrogate's network features or grid are not those of this code; fit it again."
            )
        accuracy, pairs = document["accuracy"], document["pairs"]
        self._accuracy = get_member(accuracy["member"]).load(accuracy, held("accuracy", models))
        self.link = Link.from_dict(accuracy["link"])
        self._pairs = get_pair_model(pairs["model"]).load(pairs, held("pairs", models))
        raw = document["intervals"]
        self.intervals: Intervals | None = Intervals(**raw) if raw else None
        names = parse_networks(self.space, document["support"]["architectures"])
        training = self._networks(*names)
        self.support = Support(training, float(document["support"]["threshold"]))

    @classmethod
    def load(cls, folder: str | Path, check: bool = True) -> Surrogate:
        """A surrogate from its folder.

        Args:
            folder: holds ``surrogate.json`` and the ONNX files.
            check: whether to compare the SHA-256 of every ONNX file with the one the JSON names,
                and that of the JSON with the one at its end.

        Raises:
            SurrogateError: a file is missing, edited, truncated, or of another version or space.
        """
        folder = Path(folder)
        if not folder.exists():
            of = _table_beside(folder)
            raise SurrogateError(
                f"there is no folder {folder} with a surrogate. Fit one: biglittle surrogate fit"
                f"{of}; or search the networks of the table alone: biglittle search --on table{of}."
            )
        try:
            document = read_json(folder / DOCUMENT, dict[str, Any])
            if document.get("format") == FORMAT:  # another one is called that below
                typed(document, SurrogateDocument)
            names = typed(document, NamedFiles).files
            models = {name: read_bounded(folder / name, MAX_MODEL_BYTES) for name in names}
        except (OSError, ValueError) as error:
            absent = isinstance(error, FileNotFoundError) or not isinstance(error, OSError)
            damaged = (
                f"expected {DOCUMENT} and the ONNX files it names ({error}). Fetch it again, or "
                "fit one: biglittle surrogate fit."
            )
            why = damaged if absent else why_unreadable(error, damaged)
            raise SurrogateError(f"{folder} cannot be read as a surrogate: {why}") from error
        for name, model in models.items():
            got = hashlib.sha256(model).hexdigest()
            if check and got != document["files"][name]:
                raise SurrogateError(
                    f"{folder / name} has SHA-256 {got[:12]}..., {DOCUMENT} says "
                    f"{str(document['files'][name])[:12]}...: it was edited or is truncated. Fetch "
                    "it again, or fit it anew: biglittle surrogate fit. One that you trust loads "
                    "in Python alone: Surrogate.load(FOLDER, check=False)."
                )
        try:
            surrogate = cls(document, models)
        except SurrogateError:
            raise
        except BigLittleError as error:
            raise SurrogateError(f"{folder}: {error}") from error
        # Last, because another version deserves to be called that.
        if check and document.get("sha256") != document_hash(document):
            raise SurrogateError(
                f"{folder / DOCUMENT} was edited: what it holds does not have the SHA-256 at its "
                "end. Fetch it again, or fit it anew: biglittle surrogate fit. One that you trust "
                "loads in Python alone: Surrogate.load(FOLDER, check=False)."
            )
        return surrogate

    @cached_property
    def report(self) -> dict[str, Any]:
        """How good it was on networks held out of the fit; empty without a report."""
        return dict(self.document.get("report") or {})

    def _networks(self, genomes: Genomes, exits: Exits | None = None) -> Networks:
        rows = check_genomes(self.space, genomes, self.choices)
        cuts = np.zeros(len(rows), np.uint8) if exits is None else np.asarray(exits, np.uint8)
        strange = sorted({*self.space.exit_names(np.unique(cuts))} - {"", *self.exits})
        if strange:
            listed = ", ".join(self.exits) or "none: it was fitted on whole networks alone"
            raise SurrogateError(
                f"exit {strange[0]} is unknown to the surrogate, which knows {listed}. Search in a "
                "table that has such networks (--on table), or fit on one: biglittle surrogate fit."
            )
        own = cuts if self.exits else None
        return Networks(self.space, self.choices, self.n_classes, rows, exits=own)

    def _alone(self, networks: Networks) -> Array:
        """Accuracy of single networks, shape (n,)."""
        return self.link.inverse(self._accuracy.mean(networks)[:, 0])

    def _with_std(self, networks: Networks) -> tuple[Array, Array]:
        """Accuracy of single networks and its standard deviation, each of shape (n,)."""
        prediction: Prediction = self._accuracy.predict(networks)
        mean, std = prediction.mean[:, 0], prediction.std[:, 0]
        accuracy, spread = self.link.inverse(mean), self.link.std(mean, std)
        if self.document["accuracy"].get("noise_was_known"):  # then its spread leaves luck out
            spread = np.sqrt(spread**2 + accuracy_variance(accuracy, **self.document["luck"]))
        return accuracy, np.maximum(spread, LEAST_STD)

    def accuracy(self, genomes: Genomes, exits: Exits | None = None) -> Array:
        """Predicted accuracy of single networks, shape (n,): nothing else, and quicker.

        Raises:
            SurrogateError: genomes of another space, or a choice the surrogate never saw.
        """
        return self._alone(self._networks(genomes, exits))

    def network_std(self, genomes: Genomes, exits: Exits | None = None) -> Array:
        """Standard deviation that the model gives itself, shape (n,); see ``intervals.py``."""
        return self._with_std(self._networks(genomes, exits))[1]

    def distance(self, genomes: Genomes, exits: Exits | None = None) -> Array:
        """Distance of networks to the nearest one that was learnt from, shape (n,)."""
        return self.support.distance(self._networks(genomes, exits))

    def outside(self, genomes: Genomes, exits: Exits | None = None) -> NDArray[np.bool_]:
        """Whether networks are outside the support, shape (n,)."""
        return self.support.outside(self._networks(genomes, exits))

    def predict_networks(self, genomes: Genomes, exits: Exits | None = None) -> PredictedNetworks:
        """Figures of single networks with intervals, genomes of shape (n, n_layers).

        Raises:
            SurrogateError: genomes of another space, or a choice the surrogate never saw.
        """
        networks = self._networks(genomes, exits)
        accuracy, std = self._with_std(networks)
        times = self.intervals.network if self.intervals else np.nan
        half = times * std
        distance = self.support.distance(networks)
        return PredictedNetworks(
            accuracy,
            np.clip(accuracy - half, 0.0, 1.0),
            np.clip(accuracy + half, 0.0, 1.0),
            distance,
            distance > self.support.threshold,
        )

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

    def _distinct(
        self, little: Genomes, big: Genomes, exits: tuple[Exits, Exits] | None = None
    ) -> tuple[Networks, Rows, Rows]:
        """Each network once, and where the n little and the n big ones are among them."""
        both = [check_genomes(self.space, g, self.choices) for g in (little, big)]
        cuts = [np.zeros(len(rows), np.uint8) for rows in both] if exits is None else list(exits)
        rows = [np.column_stack(pair) for pair in zip(both, cuts, strict=True)]
        unique, where = genome_rows(np.concatenate(rows))
        networks = self._networks(unique[:, :-1], unique[:, -1])
        return networks, where[: len(both[0])], where[len(both[0]) :]

    def _rows(self, candidates: Candidates) -> tuple[Networks, CandidateRows]:
        """Each network of the candidates once, and the candidates as rows of these."""
        self._check(candidates)
        networks, little, big = self._distinct(candidates.little, candidates.big, candidates.exits)
        gate, cut = np.asarray(candidates.gate), np.asarray(candidates.cut)
        return networks, CandidateRows(little, big, gate, cut)

    def predict(self, candidates: Candidates) -> tuple[Array, Array]:
        """Accuracy and escalation rate on ``val``, each of shape (n,).

        Networks that occur more than once are predicted once.

        Raises:
            SurrogateError: genomes of another space, a choice, gate or cut out of range.
            MissingExtraError: onnxruntime is not installed.
        """
        if not len(candidates):
            return np.zeros(0), np.zeros(0)
        networks, rows = self._rows(candidates)
        return self._pairs.predict(networks, self._alone(networks), rows)

    def predict_curves(
        self, little: Genomes, big: Genomes, exits: tuple[Exits, Exits] | None = None
    ) -> PredictedCurves:
        """Whole curves of n pairs on ``val``, genomes of shape (n, n_layers), n > 0.

        What depends on the pair alone is predicted once; a point of a curve is what ``predict``
        says of it.

        Raises:
            SurrogateError: genomes of another space, or a choice the surrogate never saw.
            MissingExtraError: onnxruntime is not installed.
        """
        networks, low, high = self._distinct(little, big, exits)
        alone = self._alone(networks)
        rates, gain = self._pairs.curves(networks, alone, low, high)
        within = [(rates <= rate).sum(axis=-1) - 1 for rate in CURVE_RATES]
        cut = np.stack([np.zeros_like(within[0]), *within], axis=-1).astype(np.int64)
        rate = np.take_along_axis(rates, cut, axis=-1)
        return PredictedCurves(cut, rate, composed_curves(alone, low, high, rate, gain))

    def predict_points(self, candidates: Candidates) -> PredictedPoints:
        """Operating points on ``val`` with intervals, and which are outside the support.

        Raises:
            SurrogateError: genomes of another space, a choice, gate or cut out of range.
            MissingExtraError: onnxruntime is not installed.
        """
        if not len(candidates):
            no = np.zeros(0)
            return PredictedPoints(no, no, no, no, no, no, no, np.zeros(0, bool))
        networks, rows = self._rows(candidates)
        alone, std = self._with_std(networks)
        accuracy, rate = self._pairs.predict(networks, alone, rows)
        intervals, half, rate_half = self.intervals, np.full(len(rate), np.nan), np.nan
        if intervals is not None:
            own = pair_std(std[rows.little], std[rows.big], rate, intervals.gain_std)
            half, rate_half = intervals.pair * own, intervals.escalation_rate
        each = self.support.distance(networks)
        distance = np.maximum(each[rows.little], each[rows.big])
        return PredictedPoints(
            accuracy,
            np.clip(accuracy - half, 0.0, 1.0),
            np.clip(accuracy + half, 0.0, 1.0),
            rate,
            np.clip(rate - rate_half, 0.0, 1.0),
            np.clip(rate + rate_half, 0.0, 1.0),
            distance,
            distance > self.support.threshold,
        )
