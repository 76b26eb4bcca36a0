"""Single networks of published tables are evaluated alone; what does not ship is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import (
    ConstraintError,
    DatasetError,
    UnknownNameError,
)
from biglittle.bench.pareto import nondominated
from biglittle.searchers import get_searcher
from biglittle.searchers.evaluators.published import PublishedNetworks, nb201


def test_single_networks_of_a_published_table() -> None:
    space, rng = get_space("nb201"), np.random.default_rng(0)
    genomes = np.unique(space.sample(rng, 200), axis=0)
    accuracy, latency = rng.random(len(genomes)), 1 + 9 * rng.random(len(genomes))
    evaluator = PublishedNetworks(space, space.format(genomes), accuracy, latency, 10)
    for name in ("random", "nsga2", "local_search"):
        outcome = get_searcher(name).run(evaluator, len(genomes) + 50, population=20)
        assert outcome.n_evaluations <= len(genomes)
        assert set(outcome.front.gate) == {"none"}
        assert (outcome.front.little == outcome.front.big).all()
        true = np.stack([1 - accuracy, latency], axis=1)
        if outcome.n_evaluations == len(genomes):
            assert len(outcome.front) == len(nondominated(true))
    unknown = space.parse(["000000"])
    if "000000" not in space.format(genomes):
        assert np.isnan(evaluator.networks(unknown).accuracy[0])
    with pytest.raises(ConstraintError, match="as many"):
        PublishedNetworks(space, ["000000"], accuracy, latency, 10)


def test_published_tables_that_are_not_there_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGLITTLE_REFERENCE_DATA", str(tmp_path))
    with pytest.raises(DatasetError, match="BIGLITTLE_REFERENCE_DATA"):
        nb201()
    with pytest.raises(UnknownNameError, match="cifar10"):
        nb201(dataset="cifar-10")


@pytest.mark.reference_data
def test_nb201_has_the_published_front() -> None:
    try:
        evaluator = nb201()
    except DatasetError as error:
        pytest.skip(str(error))
    values = np.stack([1 - evaluator.accuracy, evaluator.latency_ms], axis=1)
    front = values[nondominated(values)]
    assert (len(values), len(front)) == (15_625, 44)
    assert front[:, 0].min() == pytest.approx(1 - 0.9157)
