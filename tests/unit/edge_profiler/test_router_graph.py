"""Cascades that a learned router steers, as one graph: what it answers, and what does not run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.cascade import Cascade
from biglittle.bench.errors import GateError, ProfileError
from biglittle.bench.router import Router
from biglittle.bench.router_gate import RouterGate, features_of

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
from biglittle.edge_profiler import chained_model, onnx_model  # noqa: E402
from biglittle.edge_profiler.cascade_graph import cascade_graph  # noqa: E402
from biglittle.edge_profiler.deploy import deploy_pair  # noqa: E402
from biglittle.edge_profiler.executed import executed_nodes  # noqa: E402
from biglittle.edge_profiler.onnx_gates import forced_gate, forced_threshold  # noqa: E402
from biglittle.edge_profiler.onnx_trunk import stem_of, trunk_of  # noqa: E402
from biglittle.edge_profiler.subject import file_subjects  # noqa: E402

SPACE = get_space("fbnet")
BIG, OTHER = "2863848418780625260277", "8" * 22
PREFIX, SIBLING = (f"{BIG}@12", BIG), (OTHER, BIG)
IMAGES = np.random.default_rng(1).standard_normal((6, 3, 32, 32)).astype(np.float32)
KINDS = [(place, confident) for place in ("trunk", "stem") for confident in (False, True)]


def router_gate(little: str, place: str, confident: bool, threshold: float = 0.5) -> RouterGate:
    rng, (c, _) = np.random.default_rng(3), features_of(SPACE, little, place)
    n, h = c + 3 * confident, 5
    return RouterGate(
        Router(
            rng.normal(size=n), rng.uniform(0.5, 2, n), rng.normal(size=(n, h)) / np.sqrt(n),
            rng.normal(size=h), rng.normal(size=h), -0.1, c,
        ),
        threshold,
        place,
    )  # fmt: skip


def value_of(model, name, image):
    """What a network computes under a name, for one image."""
    more = onnx.ModelProto()
    more.CopyFrom(model)
    more.graph.output.append(onnx.helper.make_tensor_value_info(name, 1, None))
    return ort.InferenceSession(more.SerializeToString()).run([name], {"images": image})[0]


def scores_of(gate, model):
    """The bench's scores of all images, on features of the network alone."""
    part = trunk_of(model) if gate.place == "trunk" else stem_of(model)
    pooled, p = [], []
    for image in IMAGES[:, None]:
        pooled.append(value_of(model, part.features, image).mean(axis=(2, 3)))
        logits = run_alone(model, image)
        p.append(np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum())
    return gate.router.scores(np.concatenate(pooled), np.concatenate(p))


def run_alone(model, image):
    return ort.InferenceSession(model.SerializeToString()).run(None, {"images": image})[0]


@pytest.mark.parametrize(("names", "coupling"), [(PREFIX, "prefix"), (SIBLING, "sibling")])
@pytest.mark.parametrize(("place", "confident"), KINDS)
def test_the_graph_decides_and_answers_as_the_bench_does(names, coupling, place, confident):
    networks = [onnx_model(SPACE, name, 10, seed=4) for name in names]
    gate = router_gate(names[0], place, confident)
    scores = scores_of(gate, networks[0])
    middle = float(np.sort(scores)[2:4].mean())  # three images on either side
    gate = replace(gate, threshold=middle)
    graph = chained_model(networks, (gate,), (coupling,))
    session = ort.InferenceSession(graph.SerializeToString())
    for image, escalate in zip(IMAGES[:, None], gate.escalated(scores), strict=True):
        logits, escalated = session.run(None, {"images": image})
        assert escalated.shape == ()
        assert bool(escalated) is bool(escalate)
        alone = run_alone(networks[int(escalate)], image)
        np.testing.assert_allclose(logits, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("place", "confident"), KINDS)
def test_no_branch_runs_that_is_not_taken(place, confident):
    networks = [onnx_model(SPACE, name, 10) for name in PREFIX]
    ran = {}
    for escalate in (False, True):
        gate = forced_gate(router_gate(PREFIX[0], place, confident), escalate)
        ran[escalate] = executed_nodes(chained_model(networks, (gate,), ("prefix",)), IMAGES[:1])
    kept, sent = ({n for n in names if not n.startswith("gate/")} for names in ran.values())
    assert not [n for n in kept if n.startswith("big/")]
    head = [n for n in sent if n.startswith("little/head")]
    assert bool(head) is confident  # an early router saves it
    blocks = [n for n in sent if n.startswith("little/blocks")]
    assert bool(blocks) is (confident or place == "trunk")
    # What has run is not run again: every layer of the big network has one name in all.
    layers = sorted(
        n.partition("/")[2] for n in sent if n.startswith(("big/", "little/stem", "little/blocks"))
    )
    assert layers == sorted(n.name for n in networks[1].graph.node)


def test_routers_stand_in_a_cascade_of_three():
    names = (f"{BIG}@6", f"{BIG}@12", BIG)
    cascade = Cascade(names, (("margin", 0.5), ("margin", 0.5)))
    networks = [onnx_model(SPACE, name, 10) for name in names]
    alone = [run_alone(model, IMAGES[:1]) for model in networks]
    for place in ("trunk", "stem"):
        for stops, wanted in enumerate(alone):
            routers = {
                k: forced_gate(router_gate(names[k], place, False), k < stops) for k in (0, 1)
            }
            graph = cascade_graph(SPACE, cascade, 10, routers=routers)
            logits, _, answered = ort.InferenceSession(graph.SerializeToString()).run(
                None, {"images": IMAGES[:1]}
            )
            assert answered == stops
            np.testing.assert_allclose(logits, wanted, rtol=1e-4, atol=1e-5)
    with pytest.raises(GateError, match="expected 0 to 1"):
        cascade_graph(SPACE, cascade, 10, routers={2: router_gate(names[0], "stem", False)})
    with pytest.raises(GateError, match="does not fit the trunk"):
        cascade_graph(SPACE, cascade, 10, routers={0: router_gate(BIG, "trunk", False)})


def test_a_space_of_cells_has_such_gates_too():
    cells, names = get_space("nb201"), ("123432@9", "123432")
    networks = [onnx_model(cells, name, 10) for name in names]
    (c, _), n = features_of(cells, names[0], "stem"), 4
    router = Router(np.zeros(c), np.ones(c), np.ones((c, n)), np.ones(n), np.ones(n), 0.0, c)
    for escalate in (False, True):
        gate = forced_gate(RouterGate(router, 0.5, "stem"), escalate)
        graph = chained_model(networks, (gate,), ("prefix",))
        got = run_alone(graph, IMAGES[:1])
        np.testing.assert_allclose(
            got, run_alone(networks[escalate], IMAGES[:1]), rtol=1e-4, atol=1e-5
        )


def test_a_forced_router_takes_one_branch():
    assert forced_threshold("router", True) == float("inf")
    assert forced_threshold("router", False) == -1.0
    assert forced_gate(("entropy", 0.3), True) == ("entropy", -1.0)


def test_a_pair_is_deployed_with_its_router(trained_pair, tmp_path):
    torch = pytest.importorskip("torch")
    from biglittle.bench.datasets import Images
    from biglittle.bench.networks import build_network
    from biglittle.cotrain.train_router import router_data

    little, big = trained_pair.architectures
    networks = []
    for name, weights in zip((little, big), trained_pair.weights, strict=True):
        network = build_network(name, 10).eval()
        network.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in weights.items()})
        networks.append(network)
    images = Images(trained_pair.images, np.zeros(len(trained_pair.images), np.uint8))
    for place in ("trunk", "stem"):
        data = router_data(*networks, images, trained_pair.dataset, place)
        gate = router_gate(little, place, False)
        scores = gate.router.scores(data.pooled)
        gate = replace(gate, threshold=float(np.median(scores)))
        pair = replace(trained_pair, gate=gate, scores=scores)
        facts = deploy_pair(tmp_path / place, pair)
        assert facts["logit_difference"]["cascade"] < 1e-3
        session = ort.InferenceSession(str(tmp_path / place / "cascade.onnx"))
        about = session.get_modelmeta().custom_metadata_map
        assert about["gate"] == "router"
        assert f'"features": "{place}"' in about["router"]
        went = [bool(session.run(["escalated"], {"images": x[None]})[0]) for x in pair.images]
        far = np.abs(scores - gate.threshold) > 1e-4
        assert np.array_equal(np.array(went)[far], gate.escalated(scores)[far])
        for subject in file_subjects([tmp_path / place / "cascade.onnx"]):
            forced = ort.InferenceSession(subject.model())
            sent = bool(forced.run(["escalated"], {"images": pair.images[:1]})[0])
            assert sent is (subject.names["branch"] == "escalated")
    with pytest.raises(ProfileError, match="without the router's scores"):
        deploy_pair(tmp_path / "none", replace(pair, scores=None))
    with pytest.raises(ProfileError, match="otherwise than the gate 'router'"):
        deploy_pair(tmp_path / "other", replace(pair, scores=1 - scores))
