"""Paths through a supernet, drawn by the rules of a schedule."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.spaces import get_space  # noqa: E402
from biglittle.cotrain.paths import draw_path  # noqa: E402
from biglittle.cotrain.schedule import PathSampling  # noqa: E402

SPACE = get_space("fbnet")
ANCHOR, SKIP = SPACE.choices.index("k3_e1"), SPACE.choices.index("skip")


def _paths(rule: PathSampling, n: int = 300) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([draw_path(SPACE, rule, ANCHOR, rng) for _ in range(n)])


def test_a_path_without_skips_uses_the_weighted_choices_alone() -> None:
    paths = _paths(PathSampling(0.0, 0.0, {"k3_e1": 3.0, "k3_e6": 1.0, "k5_e6": 0.0}))
    share = np.bincount(paths.ravel(), minlength=9) / paths.size
    assert share[SPACE.choices.index("k3_e6")] == pytest.approx(0.25, abs=0.02)
    assert share[SPACE.choices.index("k3_e1")] == pytest.approx(0.75, abs=0.02)


def test_skips_come_at_the_share_asked_for() -> None:
    paths = _paths(PathSampling(0.2, 0.6, {"k3_e1": 1.0}))
    share = (paths == SKIP).mean(axis=1)
    assert share.mean() == pytest.approx(0.4, abs=0.03)
    # A path's own share varies: far more than if every layer were drawn at 0.4.
    assert share.std() > 1.1 * np.sqrt(0.4 * 0.6 / SPACE.n_layers)
    assert (_paths(PathSampling(1.0, 1.0, {"k3_e1": 1.0}), 5) == SKIP).all()


def test_anchor_and_all_skip_come_as_often_as_the_rule_says() -> None:
    rule = PathSampling(0.0, 0.0, {"k3_e3": 1.0}, all_skip=0.3, anchor=0.2)
    paths = _paths(rule, 2000)
    for choice, share in ((SKIP, 0.3), (ANCHOR, 0.2), (SPACE.choices.index("k3_e3"), 0.5)):
        assert (paths == choice).all(axis=1).mean() == pytest.approx(share, abs=0.04)


def test_a_generator_decides_the_path() -> None:
    rule = PathSampling(0.2, 0.6, {"k3_e1": 0.5, "k3_e3": 0.5})
    assert np.array_equal(_paths(rule, 10), _paths(rule, 10))


def test_without_a_concentration_paths_are_drawn_as_ever() -> None:
    # Pinned: a checkpoint's run goes on with the paths it would have taken.
    rule = PathSampling(0.2, 0.6, {"k3_e1": 0.5, "k3_e3": 0.5}, all_skip=0.1, anchor=0.1)
    rng, expected = np.random.default_rng(5), np.random.default_rng(5)
    for _ in range(50):
        path = draw_path(SPACE, rule, ANCHOR, rng)
        kind = expected.random()
        if kind < 0.1:
            drawn = np.full(SPACE.n_layers, SKIP)
        elif kind < 0.2:
            drawn = np.full(SPACE.n_layers, ANCHOR)
        else:
            share = expected.uniform(0.2, 0.6)
            choices = [SPACE.choices.index(n) for n in rule.weights]
            drawn = expected.choice(choices, SPACE.n_layers, p=[0.5, 0.5])
            drawn = np.where(expected.random(SPACE.n_layers) < share, SKIP, drawn)
        assert np.array_equal(path, drawn)
    assert rng.random() == expected.random()


def test_a_concentration_gives_paths_of_their_own_mix_around_the_same_mean() -> None:
    weights = {"k3_e1": 3.0, "k3_e6": 1.0}
    wide = SPACE.choices.index("k3_e6")
    shares = {
        concentration: (
            _paths(PathSampling(0.0, 0.0, weights, concentration=concentration), 600) == wide
        ).mean(axis=1)
        for concentration in (None, 0.5, 1000.0)
    }
    for share in shares.values():
        assert share.mean() == pytest.approx(0.25, abs=0.05)
    assert shares[1000.0].std() == pytest.approx(shares[None].std(), rel=0.15)
    # Few and small parameters: most paths make nearly one choice.
    assert np.isin(shares[0.5], (0.0, 1.0)).mean() > 0.4 > np.isin(shares[None], (0.0, 1.0)).mean()
