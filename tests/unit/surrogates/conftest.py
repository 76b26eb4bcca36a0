"""A small table with the real schema, and a surrogate fitted on it once."""

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Table, get_space
from biglittle.bench.table_contents import Predictions, TableContents, encode_predictions
from biglittle.bench.table_writer import write_table
from biglittle.surrogates import FitSettings
from biglittle.surrogates.build import write_surrogate
from biglittle.surrogates.data import FitData, fit_data
from biglittle.surrogates.fit import fit_models

CHOICES = ("k3_e1", "k3_e3", "k3_e6", "k5_e3", "skip")
SETTINGS = FitSettings()


def make_table(path: Path, n: int = 50, n_val: int = 400, n_test: int = 300) -> Table:
    """Accuracy rises with MACs; an image is hard for all networks alike."""
    space, rng = get_space("fbnet"), np.random.default_rng(0)
    genomes = space.sample(rng, n, CHOICES)
    genomes[0], genomes[1] = 8, 0
    macs = space.macs(genomes, 10)
    predictions = {}
    for split, size in (("val", n_val), ("test", n_test)):
        labels = rng.integers(0, 10, size).astype(np.uint8)
        difficulty, rows = rng.normal(size=size), []
        for skill in np.log(macs / 1e7):
            scores = rng.normal(size=(size, 10))
            scores[np.arange(size), labels] += 1.5 * (skill + 1 - difficulty)
            raised = np.exp(1.5 * scores)
            rows.append(encode_predictions(raised / raised.sum(axis=1, keepdims=True), labels))
        codes = {gate: np.array([r[1][gate] for r in rows]) for gate in rows[0][1]}
        predictions[split] = Predictions(labels, np.array([r[0] for r in rows]), codes)
    networks = {
        "architecture": np.array(space.format(genomes)),
        "training": np.full(n, "inherited"),
        "precision": np.full(n, "fp32"),
        "weights_sha256": np.full(n, "0"),
        "seed": np.zeros(n, int),
        "epochs": np.zeros(n, int),
        "macs": macs,
        "params": space.params(genomes, 10),
    }
    contents = TableContents(
        "toy", "fbnet", "toy", 10, CHOICES, networks, np.arange(n_val), predictions
    )
    write_table(path, contents, "0", "2026-01-01")
    return Table(path)


@pytest.fixture(scope="session")
def table(tmp_path_factory) -> Table:
    return make_table(tmp_path_factory.mktemp("table") / "table.h5")


@pytest.fixture(scope="session")
def small_table(tmp_path_factory) -> Table:
    return make_table(tmp_path_factory.mktemp("small") / "table.h5", 10, 50, 50)


@pytest.fixture(scope="session")
def data(table) -> FitData:
    return fit_data(table)


@pytest.fixture(scope="session")
def settings() -> FitSettings:
    return SETTINGS


@pytest.fixture(scope="session")
def fitted(data):
    pytest.importorskip("xgboost")
    pytest.importorskip("onnx")
    return fit_models(data, 0, SETTINGS)


@pytest.fixture(scope="session")
def folder(fitted, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("surrogate") / "surrogate"
    write_surrogate(path, *fitted)
    return path


@pytest.fixture(scope="session")
def surrogate(folder):
    from biglittle.surrogates import Surrogate

    return Surrogate.load(folder)


@pytest.fixture(scope="session")
def calibrated_surrogate(fitted, data):
    from biglittle.surrogates import Surrogate
    from biglittle.surrogates.intervals import calibrated
    from biglittle.surrogates.report import residuals

    document, models = fitted
    intervals = calibrated(residuals(Surrogate(document, models), data))
    return Surrogate({**document, "intervals": intervals.as_dict()}, models)
