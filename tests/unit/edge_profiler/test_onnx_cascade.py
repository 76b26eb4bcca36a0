"""A pair as one graph: the gate in it, both of its branches, and what does not fit."""

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import GateError, ProfileError, UnknownNameError
from biglittle.bench.gates import get_metric
from biglittle.edge_profiler import cascade_model, onnx_model
from biglittle.edge_profiler.onnx_cascade import chained_model, gated_model
from biglittle.edge_profiler.onnx_gates import forced_threshold

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


# ---- pairs that share a trunk ------------------------------------------------------------------
CELLS = get_space("nb201")
PUBLISHED = "2863848418780625260277"  # has every kind of operator
PREFIXES = [(SPACE, PUBLISHED, "2s"), (SPACE, PUBLISHED, "12"), (SPACE, "8" * 20 + "10", "18")]
PREFIXES += [(CELLS, "123432", "4"), (CELLS, "300300", "9s")]


def coupled(space, architecture, cut, seed=0):
    """An exit and the network that it cuts, with the same random weights."""
    names = (f"{architecture}@{cut}", architecture)
    return tuple(onnx_model(space, name, 10, seed=seed) for name in names)


@pytest.mark.parametrize("escalate", [False, True])
@pytest.mark.parametrize(("space", "architecture", "cut"), PREFIXES)
def test_a_prefix_pair_answers_as_its_networks_alone(run, space, architecture, cut, escalate):
    networks = coupled(space, architecture, cut)
    little, big = (run(model, IMAGES)[0] for model in networks)
    threshold = forced_threshold("margin", escalate)
    logits, escalated = run(cascade_model(*networks, "margin", threshold, "prefix"), IMAGES)
    assert not np.allclose(little, big)
    np.testing.assert_allclose(logits, big if escalate else little, rtol=1e-4, atol=1e-5)
    assert bool(escalated) is escalate


def test_a_prefix_pair_holds_the_trunk_once_and_costs_what_the_bench_says():
    from biglittle.edge_profiler.onnx_reader import read_model

    networks = coupled(SPACE, PUBLISHED, "12")
    model = cascade_model(*networks, "margin", 0.5, "prefix")
    (choose,) = [n for n in model.graph.node if n.op_type == "If"]
    (rest,) = [a.g for a in choose.attribute if a.name == "then_branch"]
    assert not [w for w in rest.initializer if "stem" in w.name or "blocks.12." in w.name]
    read = read_model(model, "pair")
    exits = SPACE.exit_numbers(["12", ""])
    little, big = SPACE.macs([PUBLISHED] * 2, 10, exits).tolist()
    trunk = int(SPACE.trunk_macs(PUBLISHED, exits[:1])[0])
    assert [path.macs for path in read.paths] == [little, little + big - trunk]
    biases = 2 * sum(
        w.dims[0] for m in (model.graph, rest) for w in m.initializer if ".bias" in w.name
    )
    assert sum(np.prod(w.dims) for m in (model.graph, rest) for w in m.initializer) < (
        SPACE.params([PUBLISHED] * 2, 10, exits).sum()
        - SPACE.trunk_params(PUBLISHED, exits[:1])[0]
        + biases
    )


def test_weights_that_were_calibrated_apart_still_agree(run):
    torch = pytest.importorskip("torch")
    from biglittle.bench.networks import build_network
    from biglittle.cotrain.recalibrate import recalibrated

    big, little = (build_network(n, 10, seed=4) for n in (PUBLISHED, f"{PUBLISHED}@12"))
    shared = {k: v for k, v in big.state_dict().items() if k.startswith(("stem", "blocks"))}
    little.load_state_dict(
        {**little.state_dict(), **{k: shared[k] for k in little.state_dict() if k in shared}}
    )
    images = torch.randn(24, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    networks, answers = [], []
    for network in (little, big):
        recalibrated(network, images, batch=8)
        weights = {k: v.numpy() for k, v in network.state_dict().items()}
        networks.append(onnx_model(SPACE, network.name, 10, weights=weights))
        with torch.no_grad():
            answers.append(network(torch.from_numpy(IMAGES)).numpy())
    for escalate, expected in zip((False, True), answers, strict=True):
        threshold = forced_threshold("entropy", escalate)
        logits = run(cascade_model(*networks, "entropy", threshold, "prefix"), IMAGES)[0]
        np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-4)


def test_a_prefix_pair_whose_weights_differ_is_refused_in_one_line():
    little = coupled(SPACE, PUBLISHED, "12")[0]
    other = onnx_model(SPACE, PUBLISHED, 10, seed=1)
    with pytest.raises(ProfileError, match=r"other weights before the exit .*SHA-256") as refusal:
        cascade_model(little, other, "margin", 0.5, "prefix")
    assert "\n" not in str(refusal.value)
    cascade_model(little, other, "margin", 0.5)  # as siblings they run
    with pytest.raises(ProfileError, match="is no exit of"):
        cascade_model(little, onnx_model(SPACE, BIG, 10), "margin", 0.5, "prefix")
    with pytest.raises(UnknownNameError, match="Did you mean 'prefix'"):
        cascade_model(little, other, "margin", 0.5, "prefixed")


# ---- more than two networks --------------------------------------------------------------------
MIXED = [
    ([f"{PUBLISHED}@4s", f"{PUBLISHED}@12", PUBLISHED], ["prefix", "prefix"]),
    ([LITTLE, f"{PUBLISHED}@12", PUBLISHED], ["sibling", "prefix"]),
    ([f"{PUBLISHED}@6", f"{PUBLISHED}@10s", PUBLISHED, BIG], ["prefix", "prefix", "sibling"]),
    # Nested networks lie in the graph as siblings do; the last goes on from the first.
    ([f"{PUBLISHED}@6", LITTLE, BIG, PUBLISHED], ["sibling", "nested", "prefix"]),
]


@pytest.mark.parametrize(("names", "couplings"), MIXED)
def test_a_cascade_answers_as_the_network_at_which_it_stops(run, names, couplings):
    networks = [onnx_model(SPACE, name, 10) for name in names]
    expected = [run(model, IMAGES)[0] for model in networks]
    for k, alone in enumerate(expected):
        metrics = [METRICS[i % 3] for i in range(len(names) - 1)]
        gates = [(m, forced_threshold(m, i < k)) for i, m in enumerate(metrics)]
        logits, escalated, answered = run(chained_model(networks, gates, couplings), IMAGES)
        np.testing.assert_allclose(logits, alone, rtol=1e-4, atol=1e-5)
        assert (bool(escalated), int(answered)) == (k > 0, k)
        assert answered.shape == ()


def test_a_chain_of_exits_holds_every_layer_once():
    names = [f"{PUBLISHED}@4s", f"{PUBLISHED}@12", PUBLISHED]
    networks = [onnx_model(SPACE, name, 10) for name in names]
    model = chained_model(networks, [("margin", 0.5)] * 2, ["prefix"] * 2)

    def layers(graph):
        for node in graph.node:
            yield node.name.partition("/")[2]
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    yield from layers(attribute.g)

    there = [name for name in layers(model.graph) if name.startswith(("stem", "blocks"))]
    whole = [n.name for n in networks[-1].graph.node if n.name.startswith(("stem", "blocks"))]
    assert sorted(there) == sorted(whole)


def test_a_cascade_of_wrong_length_is_refused(pair):
    gate = ("margin", 0.5)
    for networks, gates in (
        (pair[:1], []),
        (pair, [gate, gate]),
        ([*pair, *pair, pair[0]], [gate] * 4),
    ):
        with pytest.raises(ProfileError, match="expected 2 to 4 networks, and one gate"):
            chained_model(networks, gates)
    with pytest.raises(ProfileError, match="the first network maps"):
        chained_model([*pair, onnx_model(SPACE, BIG, 100)], [gate] * 2)


def test_a_prefix_pair_takes_pixels_as_any_other(run):
    from biglittle.bench.datasets import get_dataset
    from biglittle.edge_profiler.deployable import with_pixels

    cifar, networks = get_dataset("cifar10"), coupled(SPACE, PUBLISHED, "12")
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    alone = run(with_pixels(networks[1], cifar), pixels)[0]
    cascade = cascade_model(*networks, "margin", forced_threshold("margin", True), "prefix")
    logits = run(with_pixels(cascade, cifar), pixels)[0]
    np.testing.assert_allclose(logits, alone, rtol=1e-4, atol=1e-5)
