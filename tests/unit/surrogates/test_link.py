import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biglittle.bench import get_space
from biglittle.bench.errors import SurrogateError, UnknownNameError
from biglittle.surrogates import Recipe, Surrogate
from biglittle.surrogates.answer_noise import accuracy_variance
from biglittle.surrogates.fit import FitSettings, fit_models
from biglittle.surrogates.link import SHARES, Link, fit_link
from biglittle.surrogates.networks import Networks

RANGES = st.tuples(st.floats(0, 0.4), st.floats(0.6, 1))


@given(RANGES, st.floats(0.45, 0.59))
def test_back_and_forth_is_the_same(ends, accuracy):
    link = Link("logit", *ends)
    assert link.inverse(link.forward(np.array([accuracy])))[0] == pytest.approx(accuracy, abs=1e-9)


@given(RANGES, st.floats(-50, 50), st.floats(-50, 50))
@example((0.2722045626676379, 0.9999999999999999), 0.0, 37.0)
def test_what_comes_back_rises_and_stays_between_floor_and_ceiling(ends, a, b):
    low, high = Link("logit", *ends).inverse(np.array(sorted((a, b))))
    assert ends[0] <= low <= high <= ends[1]


@given(RANGES, st.floats(-3, 3), st.floats(1e-4, 0.1))
def test_a_small_deviation_follows_the_slope(ends, z, std):
    link, step = Link("logit", *ends), 1e-6
    around = link.inverse(np.array([z - step, z + step]))
    slope = (around[1] - around[0]) / (2 * step)
    assert link.std(np.array([z]), np.array([std]))[0] == pytest.approx(slope * std, rel=0.02)


def test_a_deviation_cannot_leave_the_range():
    link = Link("logit", 0.1, 0.9)
    assert link.std(np.array([0.0, 3.0]), np.array([100.0, 100.0])).max() <= 0.4 + 1e-9


def test_the_identity_changes_nothing_but_what_is_no_fraction():
    link, values = Link(), np.array([-0.1, 0.3, 1.2])
    np.testing.assert_array_equal(link.forward(values), values)
    np.testing.assert_array_equal(link.inverse(values), [0, 0.3, 1])
    np.testing.assert_array_equal(link.std(values, values), values)


def test_links_that_cannot_be_are_refused():
    with pytest.raises(UnknownNameError, match="logit"):
        Link("logti")
    for ends in ((0.5, 0.5), (0.2, 1.1), (-0.1, 0.9), (0.1, float("nan"))):
        with pytest.raises(SurrogateError, match="floor"):
            Link("logit", *ends)


def saturating(ceiling, n=300, seed=0):
    space, rng = get_space("fbnet"), np.random.default_rng(seed)
    networks = Networks(space, space.choices, 10, space.sample(rng, n))
    skill = (networks.log_macs - networks.log_macs.mean()) / networks.log_macs.std()
    z = 1.5 + 1.5 * skill + 0.05 * rng.normal(size=n)
    return networks, 0.1 + (ceiling - 0.1) / (1 + np.exp(-z))


def test_the_ceiling_is_found_from_what_is_learnt_from():
    networks, accuracy = saturating(0.9)
    link, best = fit_link("logit", networks, accuracy), accuracy.max()
    assert link.floor == 0.1
    assert link.ceiling in [best + share * (1 - best) for share in SHARES]
    assert link.ceiling == pytest.approx(0.9, abs=0.02)
    assert fit_link("logit", networks, accuracy) == link
    assert fit_link("identity", networks, accuracy) == Link()


def test_networks_no_better_than_chance_are_refused_and_perfect_ones_are_not():
    networks, accuracy = saturating(0.9, 30)
    with pytest.raises(SurrogateError, match="chance"):
        fit_link("logit", networks, np.full(30, 0.1))
    perfect = np.where(np.arange(30) == 3, 1.0, accuracy)
    assert fit_link("logit", networks, perfect).ceiling == 1.0


def test_the_link_is_kept_and_bounds_what_is_predicted(fitted, surrogate, data):
    link = surrogate.link
    assert link == Link.from_dict(json.loads(json.dumps(fitted[0]["accuracy"]["link"])))
    assert link.ceiling > data.accuracy().max()
    largest = np.full((1, surrogate.space.n_layers), surrogate.space.choices.index("k3_e6"))
    assert surrogate.accuracy(largest)[0] < link.ceiling
    member = surrogate._accuracy.predict(surrogate._networks(data.genomes))
    np.testing.assert_allclose(
        surrogate.accuracy(data.genomes), link.inverse(member.mean[:, 0]), atol=1e-12
    )
    expected = link.inverse(member.mean + member.std) - link.inverse(member.mean - member.std)
    luck = accuracy_variance(surrogate.accuracy(data.genomes), **surrogate.document["luck"])
    spread = np.sqrt((expected[:, 0] / 2) ** 2 + luck)
    np.testing.assert_allclose(surrogate.network_std(data.genomes), spread, atol=1e-12)


def test_a_linear_member_runs_past_the_ceiling_without_a_link(data):
    rows = np.argsort(data.networks.log_macs, kind="stable")[:35]
    genome = data.genomes[np.argmax(data.networks.log_macs)][None]
    cheap = data.take(rows)
    said = {}
    for name in ("ridge:identity", "ridge:logit"):
        settings = FitSettings(Recipe.parse(name))
        said[name] = Surrogate(*fit_models(cheap, 0, settings)).accuracy(genome)[0]
    ceiling = fit_link("logit", cheap.networks, cheap.accuracy()).ceiling
    assert said["ridge:logit"] <= ceiling


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "biglittle-surrogate-2"}, "surrogate fit"),
        ({"accuracy": {"link": {"kind": "probit", "floor": 0.1, "ceiling": 0.9}}}, "probit"),
        ({"accuracy": {"link": {"kind": "logit", "floor": 0.9, "ceiling": 0.1}}}, "floor"),
        ({"accuracy": {"link": {"kind": "logit"}}}, "not complete"),
    ],
)
def test_files_without_a_usable_link_are_refused(fitted, change, message):
    document, models = fitted
    new = {k: {**document[k], **v} if isinstance(v, dict) else v for k, v in change.items()}
    with pytest.raises((SurrogateError, UnknownNameError), match=message):
        Surrogate({**document, **new}, models)
