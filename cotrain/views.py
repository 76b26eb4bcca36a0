"""A fixed set of augmented views of the training images, and what a teacher says about them.

A view is one crop and one flip for every training image, decided by (seed, view) alone. A training
that takes the views in turn, one an epoch, learns from a teacher without running it: its logits
stand in one small file a view (float16, about 1 MB for 45,000 images of ten classes).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..bench.datasets import Dataset, Images
from ..bench.errors import BigLittleError, CheckpointError
from .checkpoint import load_checkpoint, restoring, save_checkpoint
from .images import Crop, cropped_batch
from .teacher import Teacher

BATCH = 500


@dataclass(frozen=True)
class Views:
    """Which views there are.

    Attributes:
        n_views: number of views; epochs beyond them begin with the first again.
        seed: seed of every crop and flip.
    """

    n_views: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_views < 1:
            raise BigLittleError(f"{self.n_views} views; expected at least 1.")

    def crop(self, view: int, n: int) -> Crop:
        """Crops and flips of view ``view`` for ``n`` images."""
        return Crop.drawn(n, np.random.default_rng((self.seed, view)))


@dataclass(frozen=True)
class TeacherAnswers:
    """A teacher's logits on views of the training images.

    Attributes:
        views: views that the logits are of.
        folder: folder in which the logits are kept.
        teacher_sha256: SHA-256 of the teacher's weights file.
        images_sha256: SHA-256 of the training images and their labels.
        ask: answers a view that has no file yet, from ``asking``; None: every view has one.
    """

    views: Views
    folder: Path
    teacher_sha256: str
    images_sha256: str
    ask: Callable[[int], torch.Tensor] | None = field(default=None, compare=False, repr=False)

    def path(self, view: int) -> Path:
        """The file of one view."""
        return self.folder / f"view-{view:03}.h5"

    def _identity(self, view: int) -> dict[str, Any]:
        return {
            "views": asdict(self.views),
            "view": view,
            "teacher_sha256": self.teacher_sha256,
            "images_sha256": self.images_sha256,
        }

    def logits(self, view: int) -> torch.Tensor:
        """Logits on one view of all training images, shape (n, n_classes), float16.

        Raises:
            CheckpointError: not there and nobody to ask, or of another teacher, other views or
                other images.
        """
        path = self.path(view)
        if not path.exists():
            if self.ask is None:
                raise CheckpointError(
                    f"{path} is not there: the teacher's answers on view {view}. Make them with "
                    "'biglittle table build --stage teacher'."
                )
            answers = {"logits": self.ask(view).half()}
            save_checkpoint(path, self._identity(view), {}, answers=answers)
        _, states = load_checkpoint(path, self._identity(view))
        with restoring(path):
            return states["answers"]["logits"]

    def asking(self, teacher: Teacher, train: Images, dataset: Dataset) -> TeacherAnswers:
        """The same answers, where the teacher is asked about each view that has no file yet.

        Args:
            teacher: the network in evaluation mode whose weights ``teacher_sha256`` names.
            train: training images with their labels.
            dataset: facts of the images.
        """

        def ask(view: int) -> torch.Tensor:
            return _answers(teacher, train, dataset, self.views.crop(view, len(train)))

        return replace(self, ask=ask)

    def make(self, on_progress: Callable[[int, int], None] | None = None) -> None:
        """Writes the file of every view, or checks that it belongs to this teacher.

        Args:
            on_progress: called with views done and views in all.

        Raises:
            CheckpointError: a file is missing and nobody can be asked, or it belongs to another
                teacher.
        """
        for view in range(self.views.n_views):
            self.logits(view)
            if on_progress is not None:
                on_progress(view + 1, self.views.n_views)


class TaughtImages:
    """Batches of the views in turn, one an epoch, with what the teacher says about them.

    Args:
        answers: a teacher's answers on views of the training images.
        train: training images with their labels.
        dataset: facts of the images.
    """

    def __init__(self, answers: TeacherAnswers, train: Images, dataset: Dataset) -> None:
        self.answers, self.train, self.dataset = answers, train, dataset
        self._view: tuple[int, Crop, torch.Tensor] | None = None

    def batch(
        self, epoch: int, index: np.ndarray, resolution: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Images, labels and the teacher's probabilities, (batch, n_classes), of some images.

        Args:
            epoch: number of the epoch, from 0, whose view is taken.
            index: indices of the images, shape (batch,).
            resolution: rows (and columns) of the images.

        Raises:
            CheckpointError: the teacher's answers on the view are not there, or of others.
        """
        view = epoch % self.answers.views.n_views
        if self._view is None or self._view[0] != view:
            crop = self.answers.views.crop(view, len(self.train))
            self._view = (view, crop, self.answers.logits(view))
        _, crop, logits = self._view
        x, y = cropped_batch(self.train, self.dataset, index, resolution, crop.take(index))
        return x, y, logits[torch.from_numpy(index)].float().softmax(1)


@torch.no_grad()
def _answers(teacher: Teacher, train: Images, dataset: Dataset, crop: Crop) -> torch.Tensor:
    parts = []
    for start in range(0, len(train), BATCH):
        index = np.arange(start, min(start + BATCH, len(train)))
        x, _ = cropped_batch(train, dataset, index, dataset.height, crop.take(index))
        parts.append(teacher(x))
    return torch.cat(parts)


def images_hash(images: Images) -> str:
    """SHA-256 of the pixels and the labels of a split."""
    digest = sha256(np.ascontiguousarray(images.images).tobytes())
    digest.update(np.ascontiguousarray(images.labels).tobytes())
    return digest.hexdigest()
