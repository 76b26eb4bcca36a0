"""A run that goes on from kept weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.datasets import Images  # noqa: E402
from biglittle.bench.errors import CheckpointError  # noqa: E402
from biglittle.cotrain.restart import begin_from  # noqa: E402
from biglittle.cotrain.schedule import Phase, Schedule  # noqa: E402
from biglittle.cotrain.train_supernet import (  # noqa: E402
    SupernetRun,
)
from biglittle.cotrain.weights import save_weights  # noqa: E402

BATCH, STEPS = 16, 3  # 3 steps an epoch, 6 in all


def test_a_run_begins_from_kept_weights(
    tmp_path: Path, splits: dict[str, Images], schedule_of: Callable[..., Schedule]
) -> None:
    phases = (Phase(name, (8,), peak_lr=0.05, end_lr=0.0, warmup_steps=1) for name in "ab")
    schedule = schedule_of(*phases)
    run = SupernetRun(schedule, tmp_path / "lost", splits, threads=1)
    run.train(max_steps=STEPS, validate=0)
    kept = tmp_path / "kept.safetensors"
    save_weights(kept, run.net, {"epochs": "1"})
    folder = tmp_path / "new"
    assert begin_from(schedule, kept, folder) == 1
    again = SupernetRun(schedule, folder, splits, threads=1)
    assert (again.epoch, again.step) == (1, 0)
    begun = dict(again.net.named_parameters())
    for name, tensor in run.net.named_parameters():
        assert torch.equal(begun[name], tensor.half().float())
    again.train(max_steps=1, validate=0)
    with pytest.raises(CheckpointError, match="there already"):
        begin_from(schedule, kept, folder)
    save_weights(kept, run.net, {"epochs": "9"})
    with pytest.raises(CheckpointError, match="after 9 epochs; expected 'fbnet' after 1 to 2"):
        begin_from(schedule, kept, tmp_path / "other")
