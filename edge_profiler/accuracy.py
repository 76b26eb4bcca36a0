"""A deployed pair asked about images again: how many it gets right, and how often it escalates."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..bench.datasets import Images
from ..bench.errors import ProfileError
from .onnx_graph import ESCALATED, LOGITS
from .runtimes._ort import CPU, import_onnxruntime

_TOLD = 100  # images between two reports of progress


@dataclass(frozen=True)
class Rerun:
    """What a cascade said about images.

    Attributes:
        right: images whose class it named.
        escalated: images that reached the big network.
        n: number of images that were asked about.
        duration_s: seconds for all images, without loading the pair.
        correct: whether it named the class of each image, shape (n,); empty where nobody kept it.
    """

    right: int
    escalated: int
    n: int
    duration_s: float = 0.0
    correct: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool), compare=False)


def rerun(
    cascade: bytes,
    images: Images,
    threads: int = 1,
    on_progress: Callable[[int, int], None] | None = None,
) -> Rerun:
    """What the pair as one graph with an ``If`` node says, image by image, as it is deployed.

    Args:
        cascade: serialised ONNX that takes pixels (1, height, width, channels), uint8.
        images: pixels (n, height, width, channels) with their labels (n,).
        threads: threads that ONNX Runtime uses inside an operator.
        on_progress: called now and then with (images done, images in all).

    Raises:
        ProfileError: ONNX Runtime cannot run the pair, or it takes something else than pixels.
        MissingExtraError: ``onnxruntime`` is not installed.
    """
    ort = import_onnxruntime()
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    correct, escalated = np.zeros(len(images), bool), 0
    try:
        session = ort.InferenceSession(cascade, options, providers=[CPU])
        (source,) = session.get_inputs()
        wanted = [1, *images.images.shape[1:]]
        if source.type != "tensor(uint8)" or source.shape != wanted:
            raise ProfileError(
                f"the pair takes {source.type} {source.shape}, expected tensor(uint8) {wanted}: "
                "pixels, as 'biglittle cotrain' writes pairs now. Co-train it again."
            )
        began = time.perf_counter()
        for i in range(len(images)):
            feed = {source.name: images.images[i : i + 1]}
            logits, escalates = session.run([LOGITS, ESCALATED], feed)
            correct[i] = logits[0].argmax() == images.labels[i]
            escalated += int(escalates)
            if on_progress is not None and (i + 1) % _TOLD == 0:
                on_progress(i + 1, len(images))
    except ProfileError:
        raise
    except Exception as error:  # the runtime's errors share no base of their own
        raise ProfileError(f"the pair cannot be run: {error}") from error
    took_s = time.perf_counter() - began
    return Rerun(int(correct.sum()), escalated, len(images), took_s, correct)
