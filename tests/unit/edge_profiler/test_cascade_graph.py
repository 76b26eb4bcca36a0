"""Cascades of the bench as graphs: their networks, gates and couplings by name."""

import numpy as np
import pytest

from biglittle.bench import Gate, get_space
from biglittle.bench.cascade import Cascade
from biglittle.bench.errors import ArchitectureError, GateError, ProfileError
from biglittle.edge_profiler import onnx_model
from biglittle.edge_profiler.cascade_graph import cascade_graph
from biglittle.edge_profiler.onnx_reader import read_model

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
SPACE = get_space("fbnet")
ARCHITECTURE, OTHER = "2863848418780625260277", "8" * 22
IMAGES = np.random.default_rng(1).standard_normal((1, 3, 32, 32)).astype(np.float32)
GATES = [("margin", 0.6), ("entropy", 0.4)]


def test_an_early_exit_network_costs_what_the_bench_counts_for_each_way_out():
    cascade = Cascade.exits_of(ARCHITECTURE, ["4s", "12"], GATES)
    read = read_model(cascade_graph(SPACE, cascade, 10), "cascade")
    exits = SPACE.exit_numbers(["4s", "12", ""])
    alone = SPACE.macs([ARCHITECTURE] * 3, 10, exits)
    trunk = SPACE.trunk_macs([ARCHITECTURE] * 2, exits[:2])
    added = [alone[0], alone[1] - trunk[0], alone[2] - trunk[1]]
    assert [path.macs for path in read.paths] == np.cumsum(added).tolist()
    assert [path.name for path in read.paths] == [f"network {k} answers" for k in (1, 2, 3)]


def test_the_graph_answers_as_the_gates_say(run):
    names = (f"{ARCHITECTURE}@6", OTHER, ARCHITECTURE)
    networks = [onnx_model(SPACE, n, 10, seed=s) for n, s in zip(names, (0, 1, 0), strict=True)]
    expected = [run(model, IMAGES)[0] for model in networks]
    for thresholds, k in (((0.0, 0.0), 0), ((1.0, 0.0), 1), ((1.0, 1.0), 2)):
        cascade = Cascade(names, tuple(Gate("margin", t) for t in thresholds))
        logits, _, answered = run(cascade_graph(SPACE, cascade, 10), IMAGES)
        assert int(answered) == k
        np.testing.assert_allclose(logits, expected[k], rtol=1e-4, atol=1e-5)


def test_a_cascade_of_two_is_the_graph_of_a_pair():
    cascade = Cascade((f"{ARCHITECTURE}@12", ARCHITECTURE), (Gate("margin", 0.4),))
    outputs = [o.name for o in cascade_graph(SPACE, cascade, 10).graph.output]
    assert outputs == ["logits", "escalated"]


def test_what_cannot_be_written_is_refused_in_one_line():
    gate = (Gate("margin", 0.4),)
    exit_ = f"{ARCHITECTURE}@12"
    for names, message in (
        ((f"{ARCHITECTURE}@13", ARCHITECTURE), "no exit '13'; expected one of 2, 2s"),
        ((f"{exit_}:int4", ARCHITECTURE), "one of fp32, int8"),
    ):
        with pytest.raises(ArchitectureError, match=message) as refusal:
            cascade_graph(SPACE, Cascade(names, gate), 10)
        assert "\n" not in str(refusal.value)
    pair = Cascade((exit_, ARCHITECTURE), gate)
    with pytest.raises(ArchitectureError, match="1 sets of weights were given for 2 networks"):
        cascade_graph(SPACE, pair, 10, weights=[{}])
    with pytest.raises(GateError, match="cannot be written as ONNX"):
        cascade_graph(SPACE, Cascade((exit_, ARCHITECTURE), (Gate("oracle", 0.5),)), 10)


def test_trained_weights_that_differ_before_the_exit_are_refused():
    pytest.importorskip("torch")
    from biglittle.bench.networks import build_network

    pair = Cascade((f"{ARCHITECTURE}@12", ARCHITECTURE), (Gate("margin", 0.4),))
    apart = [
        {k: v.numpy() for k, v in build_network(name, 10, seed=seed).state_dict().items()}
        for seed, name in enumerate(pair.networks)
    ]
    with pytest.raises(ProfileError, match="other weights before the exit"):
        cascade_graph(SPACE, pair, 10, apart)
