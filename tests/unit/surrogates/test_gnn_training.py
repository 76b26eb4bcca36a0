import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("torch_geometric")
pytest.importorskip("onnx")

from biglittle.surrogates.gnn_training import sparse, to_onnx, train  # noqa: E402
from biglittle.surrogates.onnx_graph import OnnxModel  # noqa: E402
from biglittle.surrogates.operator_graphs import graphs  # noqa: E402


def test_dense_onnx_says_what_the_sparse_network_says(data):
    little, big = np.arange(6), np.arange(6, 12)
    given = graphs(data.networks, little, big)
    targets = np.random.default_rng(0).normal(size=(6, 3))
    network = train(lambda rows: graphs(data.networks, little[rows], big[rows]), targets, 2, 0)
    with torch.no_grad():
        expected = network(sparse(given)).numpy()
    got = OnnxModel(to_onnx(network)).run("targets", given.named)
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_padding_changes_nothing(data):
    order = np.argsort(data.networks.log_macs)[[0, -1]]
    both = graphs(data.networks, order)
    targets = np.zeros((2, 1))
    model = OnnxModel(
        to_onnx(train(lambda rows: graphs(data.networks, order[rows]), targets, 1, 0))
    )
    together = model.run("targets", both.named)
    for i in range(2):
        alone = model.run("targets", graphs(data.networks, order[i : i + 1]).named)
        np.testing.assert_allclose(alone[0], together[i], atol=1e-5)
