"""Trains the dense teacher of a table and stores what it says about fixed augmented views.

working/teacher.h5              checkpoint of its training
working/teacher.safetensors     its weights, int8
working/teacher.json            accuracy, time, hardware and versions
working/views/view-000.h5       its logits on every view of the training images
"""

from __future__ import annotations

import json
import logging
import platform
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ... import __version__
from ...bench.datasets import Dataset, Images
from ...bench.files import file_hash, replacing
from ...cotrain.evaluate import logits_of
from ...cotrain.precision import trial_text
from ...cotrain.recipe import load_recipe
from ...cotrain.teacher import (
    RECIPE,
    Teacher,
    fastest_precision,
    load_teacher,
    save_teacher,
    train_teacher,
)
from ...cotrain.train_loop import TrainProgress
from ...cotrain.views import TeacherAnswers, Views, images_hash
from .recipe import TEACHER_NAME

log = logging.getLogger(__name__)

N_VIEWS = 16  # of the training images: an epoch sees another one, 14 MB in all
LOG_STEPS = 20


def teach(
    working: Path,
    splits: dict[str, Images],
    dataset: Dataset,
    device: str = "cpu",
    threads: int = 1,
    seed: int = 0,
    n_views: int = N_VIEWS,
    trained: Path | None = None,
) -> TeacherAnswers:
    """The answers of a trained teacher, each view stored once it is asked about; resumable.

    Args:
        working: folder that the build works in.
        splits: images by split, from ``Dataset.load``.
        dataset: facts of the images, such as their mean.
        device: torch device to train on.
        threads: threads that torch uses.
        seed: seed of the teacher and of the views.
        n_views: augmented views of every training image.
        trained: weights of a teacher that was trained before; taken where the folder has none.

    Raises:
        CheckpointError: the folder holds another run.
        TrainingError: the loss became infinite or undefined.
    """
    torch.set_num_threads(threads)
    weights = working / TEACHER_NAME
    if not weights.exists() and trained is not None and trained.exists():
        log.info("no %s in %s: taking %s", weights.name, working, trained)
        with replacing(weights) as partial:
            shutil.copyfile(trained, partial)
    if not weights.exists():
        _train(working, weights, splits, dataset, device, threads, seed)
    teacher = load_teacher(weights, splits["train"], dataset)
    if not (working / "teacher.json").exists():
        _report(working, teacher, splits, dataset, threads)
    return TeacherAnswers(
        views=Views(n_views, seed),
        folder=working / "views",
        teacher_sha256=file_hash(weights),
        images_sha256=images_hash(splits["train"]),
    ).asking(teacher, splits["train"], dataset)


def _train(
    working: Path,
    weights: Path,
    splits: dict[str, Images],
    dataset: Dataset,
    device: str,
    threads: int,
    seed: int,
) -> None:
    recipe = load_recipe(RECIPE).for_images(dataset)
    precision, rates = fastest_precision(recipe, splits["train"], device)
    log.info("%s", trial_text(rates, threads, precision))
    begun = time.monotonic()

    def report(p: TrainProgress) -> None:
        if p.step % LOG_STEPS == 0 or p.step == p.n_steps:
            log.info(
                "step %d/%d loss %.3f accuracy %.3f, %.0f images/s, %.0f min left",
                p.step,
                p.n_steps,
                p.loss["teacher"],
                p.accuracy["teacher"],
                p.images_per_s,
                p.eta_s / 60,
            )

    teacher = train_teacher(recipe, splits, working, seed, device, precision, on_progress=report)
    facts = {
        "dataset": recipe.dataset,
        "recipe": json.dumps(recipe.as_dict(), sort_keys=True),
        "seed": str(seed),
        "precision": precision.value,
        "seconds": f"{time.monotonic() - begun:.0f}",
        "processor": platform.processor() or platform.machine(),
        "torch": torch.__version__,
    }
    save_teacher(weights, teacher, facts)


def _report(
    working: Path, teacher: Teacher, splits: dict[str, Images], dataset: Dataset, threads: int
) -> None:
    document: dict[str, Any] = {
        "biglittle": __version__,
        "torch": torch.__version__,
        "threads": threads,
        "weights_sha256": file_hash(working / TEACHER_NAME),
        "accuracy": {},
    }
    for split in ("val", "test"):
        predicted = logits_of(teacher, splits[split], dataset).argmax(axis=1)
        accuracy = float(np.mean(predicted == splits[split].labels))
        document["accuracy"][split] = accuracy
        log.info("teacher: accuracy %.4f on %s", accuracy, split)
    with replacing(working / "teacher.json") as partial:
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
