"""The operators of a router give the scores of the router."""

from __future__ import annotations

import numpy as np
import pytest

ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")
from biglittle.bench.errors import GateError  # noqa: E402
from biglittle.bench.router import Router  # noqa: E402
from biglittle.edge_profiler.onnx_graph import GraphWriter  # noqa: E402
from biglittle.edge_profiler.onnx_router import write_router  # noqa: E402


@pytest.mark.parametrize("more", [0, 3])
def test_a_graph_scores_as_the_router_does(more: int) -> None:
    rng, c, h = np.random.default_rng(0), 6, 5
    n = c + more
    router = Router(
        rng.normal(size=n), rng.uniform(0.5, 2, n), rng.normal(size=(n, h)), rng.normal(size=h),
        rng.normal(size=h), -0.2, c,
    )  # fmt: skip
    graph = GraphWriter("gate/")
    score = write_router(graph, router, "features", "probabilities" if more else None)
    inputs = [graph.value("features", (4, c, 3, 3))]
    inputs += [graph.value("probabilities", (4, 10))] if more else []
    model = graph.model(inputs, [graph.value(score, (4,))], "router")
    features, p = rng.normal(size=(4, c, 3, 3)), rng.dirichlet(np.ones(10), 4)
    feeds = {"features": features.astype(np.float32)}
    feeds |= {"probabilities": p.astype(np.float32)} if more else {}
    (got,) = ort.InferenceSession(model.SerializeToString()).run([score], feeds)
    assert np.allclose(got, router.scores(features.mean(axis=(2, 3)), p), atol=1e-5)
    if more:
        with pytest.raises(GateError, match="looks at confidences"):
            write_router(GraphWriter(), router, "features")
