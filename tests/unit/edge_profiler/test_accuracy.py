"""A deployed pair asked again says what its two networks say under the gate."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.datasets import Images, get_dataset
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler import onnx_model
from biglittle.edge_profiler.accuracy import rerun
from biglittle.edge_profiler.deployable import with_pixels
from biglittle.edge_profiler.onnx_cascade import cascade_model

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
SPACE, CIFAR = get_space("fbnet"), get_dataset("cifar10")
PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), np.uint8)
IMAGES = Images(PIXELS, np.arange(24, dtype=np.uint8) % 10)


def alone(model):
    """Classes and probabilities of a network on images that are normalised outside of it."""
    mean, std = (np.array(v, np.float32) for v in (CIFAR.mean, CIFAR.std))
    inputs = ((PIXELS / np.float32(255) - mean) / std).transpose(0, 3, 1, 2)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    logits = np.concatenate([session.run(None, {"images": x[None]})[0] for x in inputs])
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return logits.argmax(axis=1), p / p.sum(axis=1, keepdims=True)


def test_right_answers_and_escalations_are_those_of_the_two_networks():
    little, big = (onnx_model(SPACE, a * 22, 10, seed=s) for s, a in enumerate(("8", "4")))
    (first, p), (second, _) = alone(little), alone(big)
    two = np.sort(p, axis=1)[:, -2:]
    threshold = float(np.median(two[:, 1] - two[:, 0])) + 1e-6
    asked = two[:, 1] - two[:, 0] < threshold
    pixels = [with_pixels(m, CIFAR) for m in (little, big)]
    for cascade in (
        with_pixels(cascade_model(little, big, "margin", threshold), CIFAR),
        cascade_model(*pixels, "margin", threshold),
    ):
        got = rerun(cascade.SerializeToString(), IMAGES)
        assert (got.n, got.escalated) == (24, asked.sum())
        assert 0 < got.escalated < 24
        assert got.right == (np.where(asked, second, first) == IMAGES.labels).sum()


def test_a_pair_that_takes_no_pixels_is_refused():
    little, big = (onnx_model(SPACE, a * 22, 10) for a in ("8", "4"))
    cascade = cascade_model(little, big, "margin", 0.5).SerializeToString()
    with pytest.raises(ProfileError, match=r"takes tensor\(float\) .* expected tensor\(uint8\)"):
        rerun(cascade, IMAGES)
    with pytest.raises(ProfileError, match="cannot be run"):
        rerun(b"no model", IMAGES)
