"""Fits a surrogate on a benchmark table and writes it as ONNX and JSON.

Three steps, each a ridge with boosted trees on its residual: accuracy of a network from its
architecture; escalation rate at every cut of a network under every gate metric, in a few principal
components, from the same and the predicted accuracy; gain of a pair, likewise, from both. Where a
step takes predicted accuracy as a feature it is fitted on cross-validated predictions, as it will
be used. Everything is fitted on ``val``, where thresholds are chosen; ``test`` is only reported.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import __version__
from ..bench import DeviceProfile, SearchSpace, Table
from ..bench.errors import SurrogateError
from ..bench.gates import stored_metrics
from ..bench.rows import is_held_out
from ..bench.spaces._space import Genomes
from ..bench.table import Predictions
from .curve import GRID, Basis, escalation_rates, gains
from .extras import import_extra
from .features import (
    architecture_features,
    check_genomes,
    feature_names,
    pair_feature_names,
    pair_features,
)
from .latency import fit_profile_latency, latency_feature_names
from .regressor import BoostSettings, FittedRegressor, fit_regressor, network_folds, pair_folds
from .surrogate import DOCUMENT, FORMAT, Surrogate

MIN_NETWORKS = 20  # five folds of four; below that nothing can be said


@dataclass(frozen=True)
class FitSettings:
    """How a surrogate is fitted.

    Attributes:
        network: regressors of single networks.
        pair: regressor of pairs, which has a hundred times the rows.
        n_pairs: ordered pairs to fit on, at the most.
        n_folds: of the cross-validation over networks.
        n_pair_folds: of the one over pairs.
        variance: share that the principal components keep.
        n_components: of them, at the most.
    """

    network: BoostSettings = field(default_factory=BoostSettings)
    pair: BoostSettings = field(
        default_factory=lambda: BoostSettings(
            rounds=(0, 25, 50, 100), max_depth=4, learning_rate=0.1, min_child_weight=20.0
        )
    )
    n_pairs: int = 20_000
    n_folds: int = 5
    n_pair_folds: int = 3
    variance: float = 0.99
    n_components: int = 4


@dataclass(frozen=True)
class FitData:
    """The inherited networks of a table, as the fit sees them.

    Attributes:
        space: of the networks.
        choices: the space's choices that were trained.
        gates: names of the gate metrics.
        n_classes: of the classifier.
        genomes: shape (n, n_layers).
        predictions: by split, rows in the order of ``genomes``.
    """

    space: SearchSpace
    choices: tuple[str, ...]
    gates: tuple[str, ...]
    n_classes: int
    genomes: Genomes
    predictions: dict[str, Predictions]

    def __len__(self) -> int:
        return len(self.genomes)

    def codes(self, split: str) -> list[NDArray[np.uint8]]:
        """Confidence codes by metric, shape (n, n_images) each."""
        return [self.predictions[split].codes[g] for g in self.gates]

    def take(self, rows: NDArray[np.intp]) -> FitData:
        """Only the networks at ``rows``."""
        said = {
            split: Predictions(p.labels, p.top1[rows], {g: c[rows] for g, c in p.codes.items()})
            for split, p in self.predictions.items()
        }
        return FitData(
            self.space, self.choices, self.gates, self.n_classes, self.genomes[rows], said
        )


def fit_data(table: Table) -> FitData:
    """The inherited networks of a table, each architecture once.

    Raises:
        SurrogateError: too few networks.
    """
    ids = table.networks["architecture"]
    inherited = np.flatnonzero(
        (table.networks["training"] == "inherited") & (table.networks["precision"] == "fp32")
    )
    _, first = np.unique(ids[inherited], return_index=True)
    rows = inherited[np.sort(first)]
    if len(rows) < MIN_NETWORKS:
        raise SurrogateError(
            f"table {table.name!r} has {len(rows)} inherited networks; a surrogate needs at least "
            f"{MIN_NETWORKS}."
        )
    genomes = check_genomes(
        table.space, table.space.parse([str(a) for a in ids[rows]]), table.choices
    )
    said = {
        split: Predictions(p.labels, p.top1[rows], {g: c[rows] for g, c in p.codes.items()})
        for split, p in ((s, table.predictions(s)) for s in ("val", "test"))
    }
    return FitData(table.space, table.choices, stored_metrics(), table.n_classes, genomes, said)


def held_out(n_networks: int, seed: int = 0, share: float = 0.2) -> NDArray[np.intp]:
    """Rows of the networks that are held out of a fit, sorted; the same for the same arguments.

    Raises:
        SurrogateError: the share leaves fewer than two networks on a side.
    """
    count = round(n_networks * share)
    if not 2 <= count <= n_networks - 2:
        raise SurrogateError(
            f"holding out {share:g} of {n_networks} networks leaves fewer than two on a side; give "
            "another share or a larger table."
        )
    return np.sort(np.random.default_rng(seed).permutation(n_networks)[:count])


def sample_pairs(
    n_networks: int, n_pairs: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Ordered pairs (little, big) of different networks, all of them or ``n_pairs`` drawn."""
    little, big = np.nonzero(~np.eye(n_networks, dtype=bool))
    if len(little) > n_pairs:
        kept = np.sort(rng.permutation(len(little))[:n_pairs])
        little, big = little[kept], big[kept]
    return little, big


def fit_models(
    data: FitData, seed: int = 0, settings: FitSettings | None = None
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Document and ONNX models of a surrogate fitted on all networks of ``data``, on ``val``.

    Raises:
        MissingExtraError: xgboost or onnx is not installed.
        SurrogateError: too few networks.
    """
    if len(data) < MIN_NETWORKS // 2:
        raise SurrogateError(f"{len(data)} networks are too few to fit a surrogate on.")
    settings = settings or FitSettings()
    space, said = data.space, data.predictions["val"]
    features = architecture_features(space, data.genomes, data.n_classes, data.choices)
    folds = network_folds(len(data), settings.n_folds, seed)
    truth = said.correct.mean(axis=1)
    parts: dict[str, FittedRegressor] = {}
    parts["accuracy"] = fit_regressor(features, truth[:, None], folds, settings.network, seed)
    accuracy = np.clip(parts["accuracy"].out_of_fold[:, 0], 0.0, 1.0)

    rates = np.concatenate([escalation_rates(c) for c in data.codes("val")], axis=1)
    rate_basis = Basis.fit(rates, settings.variance, settings.n_components)
    parts["escalation"] = fit_regressor(
        np.column_stack([features, accuracy]).astype(np.float32),
        rate_basis.project(rates),
        folds,
        settings.network,
        seed,
    )

    rng = np.random.default_rng(seed)
    little, big = sample_pairs(len(data), settings.n_pairs, rng)
    gain = gains(said.correct, data.codes("val"), little, big).reshape(len(little), -1)
    gain_basis = Basis.fit(gain, settings.variance, settings.n_components)
    parts["gain"] = fit_regressor(
        pair_features(space, data.choices, features, data.genomes, accuracy, little, big),
        gain_basis.project(gain),
        pair_folds(little, big, network_folds(len(data), settings.n_pair_folds, seed)),
        settings.pair,
        seed,
    )
    models = {f"{n}.onnx": part.model for n, part in parts.items() if part.model is not None}
    document: dict[str, Any] = {
        "format": FORMAT,
        "space": space.name,
        "space_hash": space.hash,
        "choices": list(data.choices),
        "n_classes": data.n_classes,
        "gates": list(data.gates),
        "split": "val",
        "n_networks": len(data),
        "n_pairs": len(little),
        "seed": seed,
        "features": {
            "network": feature_names(space, data.choices),
            "pair": pair_feature_names(space, data.choices),
            "latency": latency_feature_names(space, data.choices),
        },
        "grid": GRID.tolist(),
        "half_widths": {},
        "latency": {},
    }
    for name, part in parts.items():
        trees = f"{name}.onnx" if part.model is not None else None
        document[name] = {**part.document, "trees": trees}
    document["escalation"]["basis"] = rate_basis.as_dict()
    document["gain"]["basis"] = gain_basis.as_dict()
    return document, models


def fit_surrogate(
    table: Table,
    folder: str | Path,
    *,
    devices: Sequence[DeviceProfile] = (),
    seed: int = 0,
    settings: FitSettings | None = None,
    report_seeds: Sequence[int] = (0, 1, 2, 3, 4),
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Fits a surrogate on a table's networks, writes its folder, returns the report.

    What is shipped never sees the architectures that the table holds out, so that they are left to
    judge it by. The figures of the report, and the half-widths of its intervals, are from fits with
    a fifth of all networks held out, another fifth for each seed.

    Args:
        table: with the inherited networks.
        folder: to write, whole or not at all; an existing surrogate in it is replaced.
        devices: profiles with measured networks to fit latency models of.
        seed: of everything random.
        settings: of the fit.
        report_seeds: of the held-out splits; empty for no report.
        progress: called with a line at each step.

    Raises:
        MissingExtraError: xgboost or onnx (or, for the report, scipy) is not installed.
        SurrogateError: too few networks, or the folder holds something else.
    """
    from .report import half_widths, held_out_report  # it needs this module

    say = progress or (lambda line: None)
    settings, data = settings or FitSettings(), fit_data(table)
    measured, residuals = held_out_report(data, report_seeds, settings, say)
    kept = np.flatnonzero([not is_held_out(a) for a in data.space.format(data.genomes)])
    say(f"fitting on the {len(kept)} of {len(data)} networks that are not held out")
    document, models = fit_models(data.take(kept), seed, settings)
    for profile in devices:
        say(f"fitting the latency of {profile.name}")
        try:
            fitted = fit_profile_latency(profile, data.space, data.choices, seed)
        except SurrogateError as error:  # one poor profile must not cost the whole surrogate
            say(f"no latency model for {profile.name}: {error}")
            continue
        if fitted is not None:
            trees = f"latency-{profile.name}.onnx" if fitted.model is not None else None
            document["latency"][profile.name] = {**fitted.document, "trees": trees}
            if trees and fitted.model is not None:
                models[trees] = fitted.model
    document |= {
        "version": __version__,
        "dataset": table.dataset,
        "table": {"name": table.name, "sha256": table.sha256},
        "half_widths": half_widths(residuals),
        "report": measured,
        "settings": asdict(settings),
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "xgboost": str(import_extra("xgboost").__version__),
            "onnx": str(import_extra("onnx").__version__),
        },
    }
    write_surrogate(folder, document, models)
    return measured


def write_surrogate(
    folder: str | Path, document: dict[str, Any], models: dict[str, bytes]
) -> Surrogate:
    """Writes a surrogate's folder, whole or not at all, and gives it back as it was read.

    Raises:
        SurrogateError: the folder holds something that is no surrogate, or does not read back.
    """
    folder = Path(folder)
    if folder.exists() and not (folder.is_dir() and set(os.listdir(folder)) <= _owned(folder)):
        raise SurrogateError(
            f"{folder} holds something that is no surrogate; give a new or empty folder."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    document = {**document, "files": {n: hashlib.sha256(m).hexdigest() for n, m in models.items()}}
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".partial", dir=folder.parent))
    try:
        partial.chmod(0o755)
        for name, model in models.items():
            (partial / name).write_bytes(model)
        (partial / DOCUMENT).write_text(json.dumps(document, indent=1) + "\n")
        Surrogate.load(partial)
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Surrogate.load(folder)


def _owned(folder: Path) -> set[str]:
    try:
        return {DOCUMENT, *json.loads((folder / DOCUMENT).read_text())["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
