"""Luck on the images: estimated from answers, and known to a model of accuracy."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.surrogates import get_member
from biglittle.surrogates.answer_noise import accuracy_variance, luck_share
from biglittle.surrogates.link import Link
from biglittle.surrogates.networks import Networks


def answers(n: int, n_images: int, easy: float, seed: int = 0):  # type: ignore[no-untyped-def]
    """Networks of many abilities, and a share of images that all are right about."""
    rng = np.random.default_rng(seed)
    ability = np.linspace(-1, 1, n)[:, None]
    difficulty = rng.normal(size=n_images)[None]
    difficulty[:, : int(easy * n_images)] = -20
    chance = 1 / (1 + np.exp(-(ability - difficulty)))
    truth = (chance * (1 - chance)).mean(axis=1) / n_images
    return rng.random((n, n_images)) < chance, truth


@pytest.mark.parametrize("easy", [0.0, 0.5, 0.9])
def test_the_share_gives_the_variance_that_the_answers_have(easy: float) -> None:
    correct, truth = answers(150, 3000, easy)
    accuracy = correct.mean(axis=1)
    said = accuracy_variance(accuracy, luck_share(correct), correct.shape[1])
    np.testing.assert_allclose(said.mean(), truth.mean(), rtol=0.1)


def test_networks_that_agree_on_everything_have_no_luck() -> None:
    alike = np.tile(np.arange(100) < 70, (30, 1))
    assert luck_share(alike) == 0
    assert luck_share(np.ones((10, 20), bool)) == 1  # nothing can be said
    assert (accuracy_variance(np.array([0.0, 1.0]), 0.5, 100) == 0).all()


def test_the_slope_of_a_link_is_its_derivative() -> None:
    at = np.array([0.2, 0.5, 0.8])
    for link in (Link(), Link("logit", 0.1, 0.9)):
        numeric = (link.forward(at + 1e-6) - link.forward(at - 1e-6)) / 2e-6
        np.testing.assert_allclose(link.slope(at), numeric, rtol=1e-4)


def test_what_is_known_to_be_noise_is_not_learnt() -> None:
    pytest.importorskip("scipy")
    pytest.importorskip("onnx")
    space, rng = get_space("fbnet"), np.random.default_rng(3)
    networks = Networks(space, space.choices, 10, space.sample(rng, 160))
    truth = networks.log_macs - networks.log_macs.mean()
    std = np.where(np.arange(160) % 2, 0.02, 1.5)  # every second row is hardly worth a look
    heard = truth + std * rng.normal(size=160)
    train, test = networks.take(np.arange(120)), np.arange(120, 160)
    off = []
    for noise in (None, std[:120, None] ** 2):
        member = get_member("gaussian_process_ard").fit(train, heard[:120, None], 0, noise)
        assert member.document["noise_was_known"] is (noise is not None)
        off.append(np.abs(member.mean(networks.take(test))[:, 0] - truth[test]).mean())
    assert off[1] < 0.5 * off[0]


def test_luck_is_part_of_what_a_surrogate_may_be_off(surrogate) -> None:  # type: ignore[no-untyped-def]
    luck = surrogate.document["luck"]
    assert 0 < luck["share"] < 1
    genomes = surrogate.space.parse(surrogate.document["support"]["architectures"])
    least = np.sqrt(accuracy_variance(surrogate.accuracy(genomes), **luck))
    assert (surrogate.network_std(genomes) >= least).all()
