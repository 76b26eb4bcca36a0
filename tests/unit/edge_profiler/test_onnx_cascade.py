"""A pair as one graph: the gate in it, both of its branches, and what does not fit."""

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import GateError, ProfileError
from biglittle.bench.gates import get_metric
from biglittle.edge_profiler import cascade_model, onnx_model
from biglittle.edge_profiler.onnx_cascade import forced_threshold, gated_model

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
SPACE = get_space("fbnet")
LITTLE, BIG = "8" * 22, "8" * 20 + "10"
IMAGES = np.random.default_rng(1).standard_normal((1, 3, 32, 32)).astype(np.float32)
METRICS = ("max_prob", "margin", "entropy")


def kinds(graph):
    return [n.op_type for n in graph.node]


# ---- cascades ----------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def pair():
    return onnx_model(SPACE, LITTLE, 10, seed=0), onnx_model(SPACE, BIG, 10, seed=1)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("escalate", [False, True])
def test_each_branch_answers_as_its_network_alone(run, pair, metric, escalate):
    little, big = (run(model, IMAGES)[0] for model in pair)
    logits, escalated = run(
        cascade_model(*pair, metric, forced_threshold(metric, escalate)), IMAGES
    )
    assert not np.allclose(little, big)
    np.testing.assert_allclose(logits, big if escalate else little, rtol=1e-5, atol=1e-6)
    assert escalated.dtype == bool
    assert escalated.shape == ()
    assert bool(escalated) is escalate


@pytest.mark.parametrize("metric", METRICS)
def test_the_graph_computes_the_metric_of_the_bench(run, pair, metric):
    logits = run(pair[0], IMAGES)[0].astype(np.float64)
    p = np.exp(logits - logits.max())
    value = float(get_metric(metric).compute(p / p.sum())[0])
    sign = 1.0 if get_metric(metric).confident == "high" else -1.0
    for offset, escalates in [(-1e-4, False), (1e-4, True)]:
        threshold = value + sign * offset
        for model in (
            cascade_model(*pair, metric, threshold),
            gated_model(pair[0], metric, threshold),
        ):
            assert bool(run(model, IMAGES)[1]) is escalates


def test_the_big_network_lies_in_one_branch_alone(pair):
    model = cascade_model(*pair, "margin", 0.5)
    (choose,) = [n for n in model.graph.node if n.op_type == "If"]
    branches = {a.name: a.g for a in choose.attribute}
    assert len(branches["then_branch"].node) == len(pair[1].graph.node)
    assert kinds(branches["else_branch"]) == ["Identity"]
    assert not [w for w in model.graph.initializer if w.name.startswith("big/")]
    assert [o.name for o in model.graph.output] == ["logits", "escalated"]


def test_gates_without_a_graph_are_refused(pair):
    with pytest.raises(GateError, match="max_prob"):
        cascade_model(*pair, "mood", 0.5)
    with pytest.raises(GateError, match="NaN"):
        cascade_model(*pair, "margin", float("nan"))


def test_networks_that_do_not_fit_each_other_are_refused(pair):
    with pytest.raises(ProfileError, match="same shapes"):
        cascade_model(pair[0], onnx_model(SPACE, BIG, 100), "margin", 0.5)
    cascade = cascade_model(*pair, "margin", 0.5)
    with pytest.raises(ProfileError, match="one each"):
        gated_model(cascade, "margin", 0.5)
