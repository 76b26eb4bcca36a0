"""What every surrogate has to keep: ``class TestMine(MemberContract): entry = MEMBER``."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from ..bench import get_space
from ..bench.errors import MissingExtraError, SurrogateError
from ..surrogates import MEMBERS, get_member
from ..surrogates.networks import Networks
from ._contract import Contract

CHOICES = ("k3_e1", "k3_e6", "skip")
_FITTED: dict[tuple[str, str], Any] = {}


def networks(n: int, space: str = "fbnet", columns: bool = False) -> Networks:
    """Random networks of a space, n of them, perhaps with a further column."""
    built = get_space(space)
    choices = CHOICES if space == "fbnet" else built.choices
    rng = np.random.default_rng(0)
    genomes = np.unique(built.sample(rng, 4 * n, choices), axis=0)
    genomes = genomes[rng.permutation(len(genomes))[:n]]
    if not columns:
        return Networks(built, choices, 10, genomes)
    further = rng.normal(size=(n, 1)).astype(np.float32)
    return Networks(built, choices, 10, genomes, further, ("proxy",))


def targets(of: Networks) -> np.ndarray:
    """Two made-up targets of networks, shape (n, 2), which follow from their MACs."""
    macs = of.log_macs - of.log_macs.mean()
    return np.column_stack([0.6 + 0.05 * np.tanh(macs), 0.3 * macs])


def _fitted(name: str, space: str = "fbnet") -> Any:
    if (name, space) not in _FITTED:
        given = networks(60, space)
        try:
            _FITTED[name, space] = get_member(name).fit(given, targets(given), 3)
        except MissingExtraError as error:
            pytest.skip(str(error))
    return _FITTED[name, space]


class MemberContract(Contract):
    """What every surrogate of single networks has to keep."""

    registry = MEMBERS

    def test_a_line_says_what_it_does(self, name: str) -> None:
        entry = get_member(name)
        assert entry.name == name
        assert 10 < len(entry.summary) < 90

    @pytest.mark.parametrize("space", ["fbnet", "nb201"])
    def test_it_learns_gives_finite_figures_and_a_spread(self, name: str, space: str) -> None:
        given = networks(90, space).take(np.arange(60, 90))
        prediction = _fitted(name, space).predict(given)
        assert prediction.mean.shape == prediction.std.shape == (30, 2)
        assert np.isfinite(prediction.mean).all()
        assert (prediction.std >= 0).all()
        np.testing.assert_allclose(_fitted(name, space).mean(given), prediction.mean, atol=1e-12)
        assert prediction.mean[:, 0].std() > 0

    def test_json_and_onnx_are_all_there_is_of_it(self, name: str) -> None:
        one, given = _fitted(name), networks(40)
        document = json.loads(json.dumps(one.document))
        assert all(file.endswith(".onnx") for file in one.files)
        again = get_member(name).load(document, dict(one.files))
        for a, b in zip(
            (one.predict(given).mean, one.predict(given).std),
            (again.predict(given).mean, again.predict(given).std),
            strict=True,
        ):
            np.testing.assert_array_equal(a, b)

    def test_the_same_seed_gives_the_same_member(self, name: str) -> None:
        given = networks(60)
        _fitted(name)  # skips where something is not installed
        again = get_member(name).fit(given, targets(given), 3)
        assert json.dumps(again.document) == json.dumps(_fitted(name).document)
        assert dict(again.files) == dict(_fitted(name).files)

    def test_a_batch_says_what_single_questions_say(self, name: str) -> None:
        given = networks(7)
        whole = _fitted(name).predict(given)
        for i in range(7):
            one = _fitted(name).predict(given.take(np.array([i])))
            np.testing.assert_allclose(one.mean[0], whole.mean[i], atol=2e-5)
            np.testing.assert_allclose(one.std[0], whole.std[i], atol=1e-3)
        assert _fitted(name).predict(given.take(np.zeros(0, np.intp))).mean.shape == (0, 2)

    def test_poor_data_is_refused(self, name: str) -> None:
        given = networks(60)
        few = given.take(np.arange(5))
        with pytest.raises(SurrogateError, match="too few"):
            get_member(name).fit(few, targets(few))
        broken = targets(given)
        broken[3, 0] = np.nan
        with pytest.raises(SurrogateError, match="finite"):
            get_member(name).fit(given, broken)
        with pytest.raises(SurrogateError, match="do not go with"):
            get_member(name).fit(given, targets(given)[:50])
