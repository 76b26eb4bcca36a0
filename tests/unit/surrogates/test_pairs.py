import numpy as np
import pytest

from biglittle.bench import Candidates
from biglittle.surrogates import get_member, get_pair_model
from biglittle.surrogates.curve import GRID, escalated_share, gains
from biglittle.surrogates.data import exact
from biglittle.surrogates.members.macs_only import isotonic
from biglittle.surrogates.pairs import Asked
from biglittle.surrogates.pairs.item_response import escalated_kinds, item_parameters


def test_isotonic_pools_what_falls():
    x, y = isotonic(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 5.0]))
    assert x.tolist() == [1, 2, 3, 4]
    assert y.tolist() == [1, 2.5, 2.5, 5]


def test_with_all_dimensions_the_item_response_model_is_exact(data, monkeypatch):
    module = "biglittle.surrogates.pairs.item_response.DIMENSIONS"
    monkeypatch.setattr(module, len(data) - 1)
    correct = data.predictions["val"].correct.astype(float)
    place, discrimination = item_parameters(correct)
    images = np.vstack([correct.mean(axis=0), discrimination])
    np.testing.assert_allclose(images[0] + place @ discrimination, correct, atol=1e-9)
    kinds = escalated_kinds(data, images)
    little, big = np.array([0, 3, 5]), np.array([4, 2, 5])
    said = kinds[little]
    gain = said[:, :, 0] - said[:, :, -1]
    gain = gain + np.einsum("pgdk,pd->pgk", said[:, :, 1:-1], place[big])
    truth = gains(data.predictions["val"].correct, data.codes("val"), little, big)
    np.testing.assert_allclose(gain, truth, atol=1e-5)


def test_an_escalated_kind_is_a_covariance(data):
    correct = data.predictions["val"].correct.astype(float)
    kinds = escalated_kinds(data, correct.mean(axis=0)[None])
    share = escalated_share(data.codes("val")[1][7])
    for row, against in ((0, correct.mean(axis=0)), (1, correct[7])):
        expected = (share * against[:, None]).mean(axis=0) - GRID * against.mean()
        np.testing.assert_allclose(kinds[7, 1, row], expected, atol=1e-6)


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
    predicted, rate = model.predict(unseen.networks, alone, Asked(little, big, gate, cut))
    coin = (1 - rate) * alone[little] + rate * alone[big]
    assert np.abs(predicted - truth).mean() < 0.6 * np.abs(coin - truth).mean()


def test_exact_answers_equal_counting(data):
    rng = np.random.default_rng(0)
    little, big = rng.integers(0, len(data), (2, 20))
    gate, cut = rng.integers(0, 3, 20), rng.integers(0, 257, 20)
    accuracy, rate = exact(data, "val", little, big, gate, cut)
    said = data.predictions["val"]
    for i in range(20):
        escalated = data.codes("val")[gate[i]][little[i]] < cut[i]
        right = np.where(escalated, said.correct[big[i]], said.correct[little[i]])
        assert accuracy[i] == pytest.approx(right.mean())
        assert rate[i] == pytest.approx(escalated.mean())


def test_candidates_are_not_needed_twice(surrogate):
    one = surrogate.space.sample(np.random.default_rng(0), 1, surrogate.choices)
    many = np.repeat(one, 300, axis=0)
    asked = Candidates(many, many, np.zeros(300, int), np.arange(300) % 257)
    networks, rows = surrogate._asked(asked)
    assert len(networks) == 1
    assert len(rows) == 300
