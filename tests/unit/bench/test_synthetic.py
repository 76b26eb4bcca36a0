"""The made-up table: the same from one seed, and with all that a real one has."""

from __future__ import annotations

import numpy as np

from biglittle.bench.rows import PAIR_TRAININGS, check_rows, completed
from biglittle.bench.synthetic import synthetic_table


def test_one_seed_is_one_table() -> None:
    one, again, other = (synthetic_table(6, seed=seed) for seed in (3, 3, 4))
    for split in ("val", "test"):
        top1 = [table.predictions[split].top1 for table in (one, again, other)]
        assert np.array_equal(top1[0], top1[1])
        assert not np.array_equal(top1[0], top1[2])


def test_it_has_networks_of_every_training_and_whole_pairs() -> None:
    networks = completed(synthetic_table(8, n_pairs=2, n_trained=4).networks)
    check_rows(networks)
    trainings = set(networks["training"].tolist())
    assert {"inherited", "finetuned", "standalone", *PAIR_TRAININGS} == trainings
    inherited = networks["architecture"][networks["training"] == "inherited"]
    assert len(set(inherited.tolist())) == 8
    assert inherited[0] == "8" * 22
