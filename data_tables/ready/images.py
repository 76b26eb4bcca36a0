"""Ten images of our own making, which tell whoever has a cascade that it runs as it should."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...edge_profiler.onnx_graph import ESCALATED, LOGITS
from ...edge_profiler.runtimes._ort import CPU, import_onnxruntime
from .cards import MadeAnswer

N_MADE = 10


def made_images(height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """Stripes, rings and spots, uint8 (10, height, width, channels), the same everywhere.

    Whole numbers alone, so that no processor rounds otherwise.
    """
    y, x = np.mgrid[:height, :width].astype(np.int64)
    out = np.empty((N_MADE, height, width, channels), np.uint8)
    for i in range(N_MADE):
        for c in range(channels):
            stripes = (i + 2) * x + (2 * c + 1) * y
            rings = ((y - height // 2) ** 2 + (x - width // 2) ** 2) * (i % 4) // (c + 1)
            spots = (x * y) // (i + 3) * 5
            out[i, :, :, c] = (16 * stripes + rings + spots + 37 * i + 61 * c) % 256
    return out


def answers_to_made(graph: bytes) -> list[MadeAnswer]:
    """What a cascade says of the made images, run by ONNX Runtime on this machine.

    Raises:
        MissingExtraError: ``onnxruntime`` is not installed.
    """
    session = import_onnxruntime().InferenceSession(graph, providers=[CPU])
    (source,) = session.get_inputs()
    images = made_images(*source.shape[1:])
    runs = (session.run([LOGITS, ESCALATED], {source.name: image[None]}) for image in images)
    return [MadeAnswer(logits[0].tolist(), bool(escalated)) for logits, escalated in runs]
