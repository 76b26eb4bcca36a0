"""One network: from random weights or a start, and what cannot be trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.errors import (  # noqa: E402
    ArchitectureError,
    TrainingError,
)
from biglittle.bench.networks import build_network, weights_hash  # noqa: E402
from biglittle.cotrain.recalibrate import calibrated  # noqa: E402
from biglittle.cotrain.train_loop import TrainProgress  # noqa: E402
from biglittle.cotrain.train_network import train_network  # noqa: E402

LITTLE, BIG = "8" * 22, "0" + "8" * 20 + "0"
Splits = dict[str, Images]


def test_a_start_is_gone_on_from_and_left_alone(
    six_steps, tmp_path: Path, few_digits: Splits
) -> None:
    start = build_network(LITTLE, 10, seed=1)
    before = weights_hash(start)
    slow = dataclasses.replace(six_steps, peak_lr=1e-9, ema_decay=None, images=16)
    trained = train_network(LITTLE, slow, few_digits, tmp_path, start, 3)
    assert weights_hash(start) == before
    for (name, a), b in zip(start.named_parameters(), trained.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6, msg=name)


def test_statistics_are_those_of_every_other_network(
    six_steps, tmp_path: Path, few_digits: Splits, digits: Dataset
) -> None:
    trained = train_network(LITTLE, six_steps, few_digits, tmp_path, None, 3)
    before = weights_hash(trained)
    with torch.no_grad():
        for module in trained.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.reset_running_stats()
    assert weights_hash(trained) != before
    assert weights_hash(calibrated(trained, few_digits["train"], digits)) == before


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"architecture": "12"}, ArchitectureError, "22 digits"),
        ({"start": build_network("0" * 22, 10)}, ArchitectureError, "network to start from is 000"),
        ({"batch": 80}, TrainingError, "70 training images"),
        ({"device": "gpu"}, TrainingError, "cannot train on device 'gpu'"),
    ],
)
def test_wrong_arguments(
    six_steps, tmp_path: Path, few_digits: Splits, arguments, kind, message
) -> None:  # type: ignore[no-untyped-def]
    recipe = dataclasses.replace(six_steps, batch=arguments.get("batch", six_steps.batch))
    given = {"architecture": LITTLE, "start": None, **arguments, "recipe": recipe}
    given.pop("batch", None)
    with pytest.raises(kind, match=message):
        train_network(splits=few_digits, folder=tmp_path, seed=0, **given)


@pytest.mark.usefixtures("every_step")
def test_a_network_learns(six_steps, tmp_path: Path, few_digits: Splits) -> None:
    # Dark or bright all over: whatever the rounding, thirty steps are plenty to tell them apart.
    labels = (np.arange(64) % 2).astype(np.uint8)
    pixels = np.repeat(60 + 130 * labels, 32 * 32 * 3).reshape(64, 32, 32, 3).astype(np.uint8)
    splits = {**few_digits, "train": Images(pixels, labels)}
    recipe = dataclasses.replace(six_steps, images=480, resolutions=((16, 1.0),))
    told: list[TrainProgress] = []
    train_network(BIG, recipe, splits, tmp_path, None, 0, on_progress=told.append)
    assert np.mean([p.accuracy["network"] for p in told[-5:]]) > 0.75
    assert told[-1].loss["network"] < told[0].loss["network"]
