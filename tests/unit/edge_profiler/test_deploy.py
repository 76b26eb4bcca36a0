"""What is deployed answers as what was trained, or nobody gets it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
from biglittle.bench import Gate  # noqa: E402
from biglittle.bench.errors import ProfileError  # noqa: E402
from biglittle.edge_profiler.deploy import deploy_pair  # noqa: E402


def _confidence(logits: np.ndarray) -> np.ndarray:
    exponent = np.exp(logits.astype(float) - logits.max(axis=1, keepdims=True))
    return (exponent / exponent.sum(axis=1, keepdims=True)).max(axis=1)


def test_three_files_answer_as_the_networks_do(tmp_path: Path, trained_pair) -> None:  # type: ignore[no-untyped-def]
    little, big = trained_pair.logits
    threshold = float(np.median(_confidence(little)))
    facts = deploy_pair(tmp_path, replace(trained_pair, gate=Gate("max_prob", threshold)))
    assert facts["images"] == len(trained_pair.images)
    assert set(facts["sha256"]) == {p.name for p in tmp_path.iterdir()}
    assert max(facts["logit_difference"].values()) < 1e-3
    session = ort.InferenceSession(str(tmp_path / "cascade.onnx"))
    escalated = _confidence(little) < threshold
    assert 0 < escalated.sum() < len(trained_pair.images)
    for i, goes in enumerate(escalated):
        logits, went = session.run(
            ["logits", "escalated"], {"images": trained_pair.images[i : i + 1]}
        )
        assert bool(went) == goes
        np.testing.assert_allclose(logits[0], (big if goes else little)[i], atol=1e-3)


def test_other_weights_are_found_out(tmp_path: Path, trained_pair) -> None:  # type: ignore[no-untyped-def]
    little, big = trained_pair.logits
    with pytest.raises(ProfileError, match=r"little\.onnx answers otherwise"):
        deploy_pair(tmp_path, replace(trained_pair, logits=(little + 0.01, big)))
    with pytest.raises(ProfileError, match=r"big\.onnx answers otherwise"):
        deploy_pair(tmp_path, replace(trained_pair, logits=(little, big[:, ::-1])))


def test_other_decisions_are_found_out(tmp_path: Path, trained_pair) -> None:  # type: ignore[no-untyped-def]
    little, big = trained_pair.logits
    surer = little * 5.0  # the same classes, other confidences
    threshold = float(np.median(_confidence(little)))
    with pytest.raises(ProfileError, match=r"escalates .* otherwise than the gate"):
        deploy_pair(
            tmp_path, replace(trained_pair, gate=Gate("max_prob", threshold), logits=(surer, big))
        )


def test_a_decision_within_rounding_of_the_threshold_may_differ(
    tmp_path: Path, trained_pair
) -> None:  # type: ignore[no-untyped-def]
    confidence = np.sort(_confidence(trained_pair.logits[0]))
    threshold = float(confidence[12])  # exactly at an image: float32 and float64 may disagree
    facts = deploy_pair(tmp_path, replace(trained_pair, gate=Gate("max_prob", threshold)))
    assert facts["decisions_at_threshold"] in (0, 1)


def test_no_answer_is_no_agreement(tmp_path: Path, trained_pair) -> None:  # type: ignore[no-untyped-def]
    little, big = trained_pair.logits
    with pytest.raises(ProfileError, match="answers otherwise"):
        deploy_pair(tmp_path, replace(trained_pair, logits=(little, np.full_like(big, np.nan))))


def test_an_exit_and_its_network_are_deployed_with_one_trunk(trained_pair, tmp_path):
    torch = pytest.importorskip("torch")
    onnx = pytest.importorskip("onnx")
    from biglittle.bench.datasets import Images
    from biglittle.bench.networks import build_network
    from biglittle.cotrain.images import normalised

    names = ("0" * 22 + "@8", "0" * 22)
    big, little = (build_network(n, 10, seed=7) for n in reversed(names))
    own = little.state_dict()
    trunk = {k: v for k, v in big.state_dict().items() if k.startswith(("stem", "blocks"))}
    little.load_state_dict({**own, **{k: v for k, v in trunk.items() if k in own}})
    images = normalised(Images(trained_pair.images, np.zeros(24, np.uint8)), trained_pair.dataset)
    with torch.no_grad():
        logits = tuple(n.eval()(images).numpy() for n in (little, big))
    weights = tuple({k: v.numpy() for k, v in n.state_dict().items()} for n in (little, big))
    made = {"architectures": names, "weights": weights, "logits": logits}
    pair = replace(trained_pair, **made, gate=Gate("max_prob", 0.11))
    facts = deploy_pair(tmp_path, pair)
    assert facts["logit_difference"]["cascade"] < 1e-3
    graph = onnx.load(tmp_path / "cascade.onnx").graph
    (choose,) = [n for n in graph.node if n.op_type == "If"]
    (rest,) = [a.g for a in choose.attribute if a.name == "then_branch"]
    assert not [w.name for w in rest.initializer if "stem" in w.name]
    other = {k: v + 1e-3 if k == "stem.0.weight" else v for k, v in weights[0].items()}
    apart = replace(pair, weights=(other, weights[1]))
    with pytest.raises(ProfileError, match="other weights before the exit"):
        deploy_pair(tmp_path / "apart", apart)
