"""A deployed pair asked again says what its two networks say under the gate."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Gate, get_space
from biglittle.bench.datasets import Images, get_dataset
from biglittle.edge_profiler import onnx_model
from biglittle.edge_profiler.accuracy import normalised, rerun

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
SPACE, CIFAR = get_space("fbnet"), get_dataset("cifar10")


def alone(model, inputs):
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    logits = np.concatenate([session.run(None, {"images": x[None]})[0] for x in inputs])
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return logits.argmax(axis=1), p / p.sum(axis=1, keepdims=True)


def test_right_answers_and_escalations_are_those_of_the_two_networks():
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), np.uint8)
    labels = np.arange(24, dtype=np.uint8) % 10
    inputs = normalised(Images(pixels, labels), CIFAR)
    little, big = (onnx_model(SPACE, a * 22, 10, seed=s) for s, a in enumerate(("8", "4")))
    (first, p), (second, _) = alone(little, inputs), alone(big, inputs)
    two = np.sort(p, axis=1)[:, -2:]
    threshold = float(np.median(two[:, 1] - two[:, 0])) + 1e-6
    asked = two[:, 1] - two[:, 0] < threshold
    got = rerun(little, big, Gate("margin", threshold), inputs, labels)
    assert (got.n, got.escalated) == (24, asked.sum())
    assert 0 < got.escalated < 24
    assert got.right == (np.where(asked, second, first) == labels).sum()


def test_images_are_scaled_as_in_training():
    torch_images = pytest.importorskip("torch") and pytest.importorskip("biglittle.cotrain.images")
    pixels = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3), np.uint8)
    images = Images(pixels, np.zeros(3, np.uint8))
    wanted = torch_images.normalised(images, CIFAR).numpy()
    assert normalised(images, CIFAR) == pytest.approx(wanted, abs=1e-6)
