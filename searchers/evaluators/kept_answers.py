"""Answers of a live supernet that are kept in a folder, from one search to the next."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...bench.errors import CheckpointError
from ...bench.files import replacing, why_unreadable
from ...bench.npz import read_npy
from .live import Answering, Array


def kept_answers(answer: Answering, folder: Path) -> Answering:
    """The same answers, kept in a folder, so that a network is run once over all processes.

    They are rounded to float32, whether they come from the folder or not.

    Args:
        answer: answers of one set of weights and images. The folder cannot tell sets apart: give
            each its own.
        folder: folder of one file for each architecture and number of images, made if need be.

    Raises:
        CheckpointError: a file there cannot be read.
    """

    def read_or_ask(architecture: str, n_images: int) -> Array:
        path = folder / f"{architecture}-{n_images}.npy"
        if path.exists():
            try:
                answers = read_npy(path, kinds="f")
                if answers.ndim != 2 or len(answers) != n_images or not np.isfinite(answers).all():
                    raise ValueError(f"answers of shape {answers.shape} on {n_images} images")
                return np.asarray(answers, np.float64)
            except (OSError, ValueError) as error:
                damaged = f"it is damaged ({error}). Delete it, to have them made again."
                raise CheckpointError(
                    f"{path} cannot be read as answers: {why_unreadable(error, damaged)}"
                ) from error
        fresh = np.asarray(answer(architecture, n_images), np.float32)
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial, partial.open("wb") as file:
            np.save(file, fresh, allow_pickle=False)
        return fresh.astype(np.float64)

    return read_or_ask
