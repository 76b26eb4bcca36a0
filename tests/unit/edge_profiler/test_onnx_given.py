"""Cascades of networks that others exported: unnamed nodes, free batches, softmax, files."""

import numpy as np
import pytest

from biglittle.bench.errors import GateError, ProfileError
from biglittle.edge_profiler import cascade_model, chained_model
from biglittle.edge_profiler.onnx_gates import forced_threshold

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from biglittle.edge_profiler.onnx_given import given_network, other_opsets  # noqa: E402

IMAGES = np.random.default_rng(0).standard_normal((1, 1, 8, 8)).astype(np.float32)
METRICS = ("max_prob", "margin", "entropy")


def exported(seed, batch=1, size=8, softmax=False, opset=17):
    """A small network as another exporter writes it: nodes have no names."""
    rng = np.random.default_rng(seed)
    weights = {"w": rng.normal(size=(4, 1, 3, 3)), "d": 3 * rng.normal(size=(4, 10))}
    nodes = [
        helper.make_node("Conv", ["images", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("MatMul", ["f", "d"], ["m"]),
    ]
    nodes += [helper.make_node("Softmax", ["m"], ["p"], axis=-1)] if softmax else []
    graph = helper.make_graph(
        nodes,
        "exported",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 1, size, size])],
        [helper.make_tensor_value_info("p" if softmax else "m", TensorProto.FLOAT, [batch, 10])],
        [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


@pytest.mark.parametrize("escalate", [False, True])
@pytest.mark.parametrize("batch", [1, "N", None])
def test_unnamed_nodes_and_a_free_batch_are_run_as_one_graph(run, batch, escalate):
    little, big = (exported(seed, batch) for seed in (0, 1))
    before = little.SerializeToString()
    cascade = cascade_model(little, big, "margin", forced_threshold("margin", escalate))
    answer, escalated = run(cascade, IMAGES)
    np.testing.assert_allclose(answer, run(exported(int(escalate)), IMAGES)[0], rtol=1e-5)
    assert bool(escalated) is escalate
    assert little.SerializeToString() == before
    three = chained_model([little, big, exported(2, batch)], [("margin", float("inf"))] * 2)
    np.testing.assert_allclose(run(three, IMAGES)[0], run(exported(2), IMAGES)[0], rtol=1e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_a_softmax_at_the_end_is_not_taken_twice(run, metric):
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        threshold = share * (np.log(10) if metric == "entropy" else 1.0)
        decided = [
            bool(run(cascade_model(*pair, metric, float(threshold)), IMAGES)[1])
            for pair in ([exported(s, softmax=p) for s in (0, 1)] for p in (False, True))
        ]
        assert decided[0] is decided[1]
    logits = run(exported(0), IMAGES)[0].astype(np.float64)
    top = np.exp(logits - logits.max())
    surest = float(top.max() / top.sum())
    sure = cascade_model(exported(0, softmax=True), exported(1), "max_prob", surest - 1e-3)
    unsure = cascade_model(exported(0, softmax=True), exported(1), "max_prob", surest + 1e-3)
    assert not run(sure, IMAGES)[1]
    assert run(unsure, IMAGES)[1]


def test_files_are_taken_as_models_are(run, tmp_path):
    paths = [tmp_path / f"{seed}.onnx" for seed in (0, 1)]
    for seed, path in enumerate(paths):
        onnx.save(exported(seed), path)
    for files in (paths, [str(path) for path in paths]):
        cascade = cascade_model(*files, "margin", 0.4)
        assert cascade == cascade_model(exported(0), exported(1), "margin", 0.4)
    with pytest.raises(ProfileError, match=r"none\.onnx cannot be read as ONNX: there is no such"):
        cascade_model(tmp_path / "none.onnx", paths[1], "margin", 0.4)
    with pytest.raises(ProfileError, match="the big network is 3, of type int; expected an onnx"):
        cascade_model(paths[0], 3, "margin", 0.4)


@pytest.mark.parametrize(
    ("metric", "threshold", "message"),
    [
        ("margin", 4, "threshold 4 is outside the range of 'margin' .* from 0 to 1"),
        ("max_prob", 1.5, "outside the range of 'max_prob'"),
        ("entropy", 2.4, "with 10 classes; expected a number from 0 to 2.30259"),
        ("margin", -0.5, "outside the range"),
        ("margin", "0.4", "threshold '0.4' of gate 'margin' is not a number"),
        ("margin", True, "is not a number"),
    ],
)
def test_thresholds_that_no_metric_has_are_refused(metric, threshold, message):
    with pytest.raises(GateError, match=message):
        cascade_model(exported(0), exported(1), metric, threshold)


def test_other_free_sides_and_other_opsets_say_what_to_do():
    free = exported(0, "N", "H")
    with pytest.raises(ProfileError, match=r"\(N, 1, H, H\), of which more than the batch is free"):
        cascade_model(free, exported(1), "margin", 0.4)
    with pytest.raises(ProfileError, match=r"make_dynamic_shape_fixed --input_name images"):
        cascade_model(free, exported(1), "margin", 0.4)
    with pytest.raises(ProfileError, match=r"\(4, 1, 8, 8\) to .* and batch 1 \(or a free one\)"):
        cascade_model(exported(0, 4), exported(1, 4), "margin", 0.4)
    with pytest.raises(ProfileError, match=r"convert_version\(model, 17\)"):
        cascade_model(exported(0, opset=15), exported(1), "margin", 0.4)


def test_operators_of_other_domains_keep_their_version():
    quantised = exported(0)
    quantised.opset_import.add(domain="com.microsoft", version=1)
    assert other_opsets([quantised, exported(1)]) == {"com.microsoft": 1}
    domains = {o.domain for o in cascade_model(quantised, exported(1), "margin", 0.4).opset_import}
    assert domains == {"", "com.microsoft"}
    later = exported(1)
    later.opset_import.add(domain="com.microsoft", version=2)
    with pytest.raises(ProfileError, match="in versions 1 and 2; export both with one exporter"):
        other_opsets([quantised, later])


def test_a_model_without_anything_free_is_the_very_same():
    model = exported(0)
    assert given_network(model, "it") is model
