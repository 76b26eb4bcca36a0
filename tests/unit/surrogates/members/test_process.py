"""The variance of the Gaussian processes: what the dense formula says, in a file half as large."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.surrogates.members._process import BLOCK, VARIANCE, Kernel, matern, squared_distances
from biglittle.surrogates.onnx_graph import OnnxModel

K = 3  # columns


def kernel(n: int) -> Kernel:
    rng = np.random.default_rng(n)
    rows = rng.normal(size=(n, K))
    groups = [np.array([0, 2]), np.array([1])]
    return Kernel(
        groups=groups,
        centre=rng.normal(size=K),
        scale=np.array([0.5, 1.0, 2.0]),
        rows=rows,
        variance=np.array([0.7, 0.4]),
        linear_scale=np.full(K, 0.25),
        linear_rows=rows * np.array([0.5, 0.25, 0.125]),
        noise=0.1,
    )


def dense(given: Kernel, x: np.ndarray) -> np.ndarray:
    """Equation 2.26, without the noise of what is predicted, shape (m, 1)."""
    z, straight = (x - given.centre) * given.scale, (x - given.centre) * given.linear_scale
    between = straight @ given.linear_rows.T
    for columns, variance in zip(given.groups, given.variance, strict=True):
        apart = squared_distances(z[:, columns], given.rows[:, columns])
        between += variance * matern(apart)[0]
    gained = (between * np.linalg.solve(given.covariance(), between.T).T).sum(1)
    return ((straight**2).sum(1) + given.variance.sum() - gained)[:, None]


@pytest.mark.parametrize("n", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
def test_blocks_give_the_variance_of_the_dense_formula(n: int) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    given = kernel(n)
    x = np.random.default_rng(0).normal(size=(50, K)) + given.centre
    model = OnnxModel(given.models(np.zeros((n, 1)))[VARIANCE])
    variance = model.run("variance", {"features": x.astype(np.float32)})
    # float32 of variances of about 1, which the rows that were learnt from bring down
    np.testing.assert_allclose(variance, dense(given, x), atol=1e-4)


def test_the_file_holds_little_more_than_the_triangle() -> None:
    pytest.importorskip("onnx")
    n = 6 * BLOCK
    model = kernel(n).models(np.zeros((n, 1)))[VARIANCE]
    triangle, rows = 4 * n * (n + 1) // 2, 2 * 4 * n * (K + 1)
    assert len(model) < triangle + rows + 4 * n * BLOCK // 2 + 4096
