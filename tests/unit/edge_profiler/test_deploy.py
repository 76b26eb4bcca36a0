"""What is deployed answers as what was trained, or nobody gets it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
from biglittle.bench import Gate, get_space  # noqa: E402
from biglittle.bench.datasets import get_dataset  # noqa: E402
from biglittle.bench.errors import ProfileError  # noqa: E402
from biglittle.edge_profiler.deploy import deploy_pair  # noqa: E402

SPACE = get_space("fbnet")
ORIGIN = {"training": "joint", "seed": 3}
IDS = ("8" * 22, "0" + "8" * 20 + "0")
CIFAR = get_dataset("cifar10")
PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), np.uint8)


def _confidence(logits: np.ndarray) -> np.ndarray:
    exponent = np.exp(logits.astype(float) - logits.max(axis=1, keepdims=True))
    return (exponent / exponent.sum(axis=1, keepdims=True)).max(axis=1)


def _deploy(folder: Path, trained_pair, gate: Gate, logits=None):  # type: ignore[no-untyped-def]
    images, answers = PIXELS, logits or trained_pair[1]
    return deploy_pair(folder, SPACE, IDS, trained_pair[0], gate, images, answers, CIFAR, ORIGIN)


def test_three_files_answer_as_the_networks_do(tmp_path: Path, trained_pair) -> None:  # type: ignore[no-untyped-def]
    little, big = trained_pair[1]
    threshold = float(np.median(_confidence(little)))
    facts = _deploy(tmp_path, trained_pair, Gate("max_prob", threshold))
    assert facts["images"] == len(PIXELS)
    assert set(facts["sha256"]) == {p.name for p in tmp_path.iterdir()}
    assert max(facts["logit_difference"].values()) < 1e-3
    session = ort.InferenceSession(str(tmp_path / "cascade.onnx"))
    escalated = _confidence(little) < threshold
    assert 0 < escalated.sum() < len(PIXELS)
    for i, goes in enumerate(escalated):
        logits, went = session.run(["logits", "escalated"], {"images": PIXELS[i : i + 1]})
        assert bool(went) == goes
        np.testing.assert_allclose(logits[0], (big if goes else little)[i], atol=1e-3)


def test_other_weights_are_found_out(tmp_path: Path, trained_pair) -> None:  # type: ignore[no-untyped-def]
    little, big = trained_pair[1]
    with pytest.raises(ProfileError, match=r"little\.onnx answers otherwise"):
        _deploy(tmp_path, trained_pair, Gate("max_prob", 0.0), (little + 0.01, big))
    with pytest.raises(ProfileError, match=r"big\.onnx answers otherwise"):
        _deploy(tmp_path, trained_pair, Gate("max_prob", 0.0), (little, big[:, ::-1]))


def test_other_decisions_are_found_out(tmp_path: Path, trained_pair) -> None:  # type: ignore[no-untyped-def]
    little, big = trained_pair[1]
    surer = little * 5.0  # the same classes, other confidences
    threshold = float(np.median(_confidence(little)))
    with pytest.raises(ProfileError, match=r"escalates .* otherwise than the gate"):
        _deploy(tmp_path, trained_pair, Gate("max_prob", threshold), (surer, big))


def test_a_decision_within_rounding_of_the_threshold_may_differ(
    tmp_path: Path, trained_pair
) -> None:  # type: ignore[no-untyped-def]
    confidence = np.sort(_confidence(trained_pair[1][0]))
    threshold = float(confidence[12])  # exactly at an image: float32 and float64 may disagree
    facts = _deploy(tmp_path, trained_pair, Gate("max_prob", threshold))
    assert facts["decisions_at_threshold"] in (0, 1)


def test_no_answer_is_no_agreement(tmp_path: Path, trained_pair) -> None:  # type: ignore[no-untyped-def]
    little, big = trained_pair[1]
    with pytest.raises(ProfileError, match="answers otherwise"):
        _deploy(tmp_path, trained_pair, Gate("max_prob", 0.0), (little, np.full_like(big, np.nan)))
