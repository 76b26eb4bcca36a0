"""Pairs that a model never saw."""

import numpy as np
import pytest

from biglittle.surrogates import get_member, get_pair_model
from biglittle.surrogates.data import exact
from biglittle.surrogates.pairs import CandidateRows


@pytest.mark.parametrize("name", ["item_response", "direct"])
def test_pairs_are_predicted_better_than_a_coin(data, name):
    pytest.importorskip("xgboost")
    order = np.random.default_rng(0).permutation(len(data))
    train, unseen = data.take(order[:30]), data.take(order[30:])
    model = get_pair_model(name).fit(train, get_member("gaussian_process"), 0)
    little, big = np.nonzero(~np.eye(len(unseen), dtype=bool))
    gate = np.ones(len(little), int)
    cut = np.random.default_rng(1).integers(20, 200, len(little))
    truth, _ = exact(unseen, "val", little, big, gate, cut)
    alone = unseen.accuracy()
    predicted, rate = model.predict(unseen.networks, alone, CandidateRows(little, big, gate, cut))
    coin = (1 - rate) * alone[little] + rate * alone[big]
    assert np.abs(predicted - truth).mean() < 0.6 * np.abs(coin - truth).mean()
