"""A deployed pair asked about images again: how many it gets right, and how often it escalates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..bench.datasets import Dataset, Images
from ..bench.errors import ProfileError
from ..bench.gate import Gate
from .onnx_network import ESCALATED, INPUT, LOGITS, cascade_model
from .runtimes._ort import CPU, import_onnxruntime

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Rerun:
    """What a cascade said about images.

    Attributes:
        right: images whose class it named.
        escalated: images that reached the big network.
        n: images.
    """

    right: int
    escalated: int
    n: int


def normalised(images: Images, dataset: Dataset) -> NDArray[np.float32]:
    """Images as networks take them, float32 (n, channels, height, width)."""
    mean = np.array(dataset.mean, np.float32) * np.float32(255)
    std = np.array(dataset.std, np.float32) * np.float32(255)
    scaled = (images.images.astype(np.float32) - mean) / std
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def rerun(
    little: onnx.ModelProto,
    big: onnx.ModelProto,
    gate: Gate,
    inputs: NDArray[np.float32],
    labels: NDArray[np.uint8],
    threads: int = 1,
) -> Rerun:
    """What the pair as one graph with an ``If`` node says, image by image, as it would be deployed.

    Args:
        little: the little network.
        big: the big network.
        gate: metric and threshold.
        inputs: normalised, (n, channels, height, width).
        labels: shape (n,).
        threads: of ONNX Runtime.

    Raises:
        GateError: a metric without ONNX form.
        ProfileError: ONNX Runtime cannot run the pair.
        MissingExtraError: ``onnx`` or ``onnxruntime`` is not installed.
    """
    ort = import_onnxruntime()
    model = cascade_model(little, big, gate.metric, gate.threshold)
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    right = escalated = 0
    try:
        session = ort.InferenceSession(model.SerializeToString(), options, providers=[CPU])
        for image, label in zip(inputs, labels, strict=True):
            logits, asked = session.run([LOGITS, ESCALATED], {INPUT: image[None]})
            right += int(logits[0].argmax() == label)
            escalated += int(asked)
    except Exception as error:  # the runtime's errors share no base of their own
        raise ProfileError(f"the pair cannot be run: {error}") from error
    return Rerun(right, escalated, len(labels))
