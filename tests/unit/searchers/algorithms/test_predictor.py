"""The ensemble ranks what is linear in its features, and doubts most where it saw nothing."""

from __future__ import annotations

import numpy as np

from biglittle.searchers.algorithms.predictor import Ensemble


def test_it_learns_what_is_linear_and_ignores_what_is_constant() -> None:
    rng = np.random.default_rng(0)
    features = np.column_stack([rng.normal(size=(400, 3)), np.ones(400)])
    targets = features[:, :1] - 2.0 * features[:, 1:2]
    ensemble = Ensemble(features, targets, np.random.default_rng(1))
    mean, doubt = ensemble.predict(features)
    assert mean.shape == doubt.shape == (400, 1)
    assert np.corrcoef(mean[:, 0], targets[:, 0])[0, 1] > 0.99
    assert np.isfinite(mean).all()
    far = features * 100.0
    assert (
        Ensemble(features, targets, np.random.default_rng(1)).predict(far)[1].mean() > doubt.mean()
    )
