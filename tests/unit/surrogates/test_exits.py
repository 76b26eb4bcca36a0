"""A surrogate that was fitted on networks cut at exits predicts them, and searches find them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Candidates, Table, load_device
from biglittle.bench.errors import SurrogateError
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import get_searcher
from biglittle.surrogates import FitSettings, Surrogate, SurrogateEvaluator
from biglittle.surrogates.data import FitData, fit_data
from biglittle.surrogates.exit_features import EXIT_COLUMNS
from biglittle.surrogates.fit import Recipe, fit_models
from biglittle.surrogates.report import judged, split_rows

RIDGE = FitSettings(Recipe.parse("ridge"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> FitData:
    path = tmp_path_factory.mktemp("exits") / "table.h5"
    write_table(path, synthetic_table(n_networks=40, n_exits=20, seed=3), "test", "2020-01-01")
    return fit_data(Table(path))


@pytest.fixture(scope="module")
def surrogate(data: FitData) -> Surrogate:
    return Surrogate(*fit_models(data, 0, RIDGE))


def test_cut_networks_come_behind_the_whole_ones(data: FitData) -> None:
    assert len(data) == 40 + 20 * 6
    assert data.exits is not None
    assert data.whole[:40].all()
    assert not data.whole[40:].any()
    assert data.networks.feature_names[-4:] == EXIT_COLUMNS
    assert np.isfinite(data.networks.features).all()
    inside, outside = split_rows(data, "random", 0)
    kinds = [{g.tobytes() for g in data.genomes[rows]} for rows in (inside, outside)]
    assert not kinds[0] & kinds[1]  # an exit is held out with its architecture
    assert len(outside[data.whole[outside]]) == 8


def test_no_exit_is_held_out_that_was_not_fitted_on(data: FitData) -> None:
    """Where only cheap networks are cut at some exit, that one is not asked of expensive ones."""
    assert data.exits is not None
    order = np.argsort(data.networks.log_macs[:40], kind="stable")
    cheap = {data.genomes[i].tobytes() for i in order[:20]}
    first = data.exits[40]
    rows = [
        i
        for i in range(len(data))
        if data.exits[i] != first or data.genomes[i].tobytes() not in cheap
    ]
    part = data.take(np.array(rows))
    for split in ("cheap_to_dear", "dear_to_cheap"):
        inside, outside = split_rows(part, split, 0)
        assert part.exits is not None
        assert set(part.exits[outside]) <= set(part.exits[inside])


def test_layers_behind_an_exit_do_not_count(data: FitData) -> None:
    networks = data.networks
    cut = networks.take(np.array([40]))
    other = cut.genomes.copy()
    assert data.exits is not None
    after = int(data.space.exit_after[data.exits[40]])
    other[:, after + 1 :] = 2
    changed = type(cut)(cut.space, cut.space.choices, 10, other, exits=cut.exits)
    same = type(cut)(cut.space, cut.space.choices, 10, cut.genomes, exits=cut.exits)
    assert np.array_equal(changed.features, same.features)
    assert np.array_equal(changed.layers, same.layers)


def test_it_knows_an_exit_from_its_network(data: FitData, surrogate: Surrogate) -> None:
    predicted = surrogate.accuracy(data.genomes, data.exits)
    cut = ~data.whole
    assert np.corrcoef(predicted[cut], data.accuracy()[cut])[0, 1] > 0.8
    assert set(surrogate.exits) == {"4", "4s", "8", "8s", "12", "12s"}
    with pytest.raises(SurrogateError, match=r"exit 20 is unknown.*--on table"):
        surrogate.accuracy(data.genomes[:1], data.space.exit_numbers(["20"]))


def test_both_ends_of_a_prefix_curve_are_its_networks(data: FitData, surrogate: Surrogate) -> None:
    assert data.exits is not None
    little = data.exits[40:43]
    genomes, gate = data.genomes[40:43], np.zeros(3, np.int64)
    whole = np.zeros(3, np.uint8)
    for cut, exits in ((0, little), (256, whole)):
        at = Candidates(genomes, genomes, gate, np.full(3, cut), (little, whole))
        accuracy, _ = surrogate.predict(at)
        assert accuracy == pytest.approx(surrogate.accuracy(genomes, exits))


def test_errors_of_exits_are_reported_beside_those_of_networks(data: FitData) -> None:
    inside, outside = split_rows(data, "random", 0)
    fitted = Surrogate(*fit_models(data.take(inside), 0, RIDGE))
    report = judged(fitted, data.take(outside))
    for images in ("val", "test"):
        assert {"network", "exit", "prefix_pair", "prefix_escalation_rate"} <= {*report[images]}
        assert 0 < report[images]["exit"]["mae"] < 0.2
        assert 0 < report[images]["prefix_pair"]["mae"] < 0.2


def test_a_search_on_it_finds_prefix_pairs(surrogate: Surrogate) -> None:
    evaluator = SurrogateEvaluator(surrogate, load_device("raspberry-pi-4"))
    outcome = get_searcher("nsga2").run(evaluator, budget=300, population=60)
    front = outcome.front
    assert {"prefix"} <= {*front.coupling}
    prefix = front.take(np.flatnonzero(front.coupling == "prefix"))
    pairs = zip(prefix.little, prefix.big, strict=True)
    assert all(a.partition("@")[0] == b.partition("@")[0] for a, b in pairs)
    assert front.provenance["latency_ms"] == "predicted"
    only = get_searcher("random").run(evaluator, budget=60, population=20, couplings=("nested",))
    assert set(only.front.coupling) == {"nested"}


def test_whole_networks_are_described_as_before(tmp_path: Path) -> None:
    write_table(tmp_path / "t.h5", synthetic_table(n_networks=24), "test", "2020-01-01")
    whole = fit_data(Table(tmp_path / "t.h5"))
    assert whole.exits is None
    document, models = fit_models(whole, 0, RIDGE)
    assert "exits" not in document
    surrogate = Surrogate(document, models)
    with pytest.raises(SurrogateError, match="whole networks alone"):
        surrogate.accuracy(whole.genomes[:1], np.ones(1, np.uint8))
    with pytest.raises(SurrogateError, match="describes whole networks alone"):
        fit_models(
            FitData(**{**vars(whole), "exits": np.zeros(len(whole), np.uint8)}),
            0,
            FitSettings(Recipe.parse("ridge/direct/ridge")),
        )
