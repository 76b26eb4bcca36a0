"""What a surrogate is fitted on."""

import numpy as np
import pytest

from biglittle.bench.errors import SurrogateError
from biglittle.surrogates.data import exact, fit_data, sample_pairs


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


def test_pairs_are_all_of_them_or_as_many_as_were_asked_for():
    rng = np.random.default_rng(0)
    for most, count in ((100, 90), (7, 7)):
        little, big = sample_pairs(10, most, rng)
        assert len(little) == len(big) == count
        assert (little != big).all()
        assert len(set(zip(little.tolist(), big.tolist(), strict=True))) == count


def test_some_rows_keep_their_predictions(data):
    rows = np.array([7, 2])
    few = data.take(rows)
    assert len(few) == 2
    np.testing.assert_array_equal(few.genomes, data.genomes[rows])
    for split in ("val", "test"):
        np.testing.assert_array_equal(few.accuracy(split), data.accuracy(split)[rows])


def test_a_table_of_few_networks_is_refused(small_table):
    with pytest.raises(SurrogateError, match="needs at least 20"):
        fit_data(small_table)
