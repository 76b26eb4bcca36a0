"""A run that goes on from kept weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.datasets import Images  # noqa: E402
from biglittle.bench.errors import CheckpointError  # noqa: E402
from biglittle.cotrain.exit_heads import save_exit_heads, trunk_hash  # noqa: E402
from biglittle.cotrain.restart import begin_from  # noqa: E402
from biglittle.cotrain.schedule import PathSampling, Phase, Schedule  # noqa: E402
from biglittle.cotrain.supernet import Supernet  # noqa: E402
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


@pytest.mark.usefixtures("one_thread")
def test_a_run_that_trains_exits_goes_on_in_mid_phase_from_weights_and_heads(
    tmp_path: Path, splits: dict[str, Images], schedule_of: Callable[..., Schedule]
) -> None:
    rule = PathSampling(0.5, 1.0, {"k3_e1": 1.0})
    warm = Phase("warm", (8,), 0.05, 0.05, 1, small=rule)
    phase = Phase("early", (8, 8), 0.05, 0.05, 1, small=rule, ema_decay=0.9, exits=1.0)
    schedule = schedule_of(warm, phase)
    kept, heads, epochs = tmp_path / "kept.safetensors", tmp_path / "exits.safetensors", []

    def keep(epoch: int, net: Supernet) -> None:
        assert net.exit_heads is not None
        epochs.append(epoch)
        if epoch == 2:
            save_weights(kept, net, {"epochs": str(epoch)})
            save_exit_heads(heads, net.exit_heads, trunk_hash(net.state_dict()), {})

    SupernetRun(schedule, tmp_path / "lost", splits).train(validate=0, on_epoch=keep)
    assert epochs == [1, 2, 3]
    assert begin_from(schedule, kept, tmp_path / "new", heads) == 2
    run = SupernetRun(schedule, tmp_path / "new", splits)
    begun = {k: t.clone() for k, t in run.net.state_dict().items()}
    name = next(k for k in begun if k.startswith("exit_heads.") and k.endswith("classifier.weight"))
    fresh = SupernetRun(schedule, tmp_path / "fresh", splits).net.state_dict()
    assert not torch.equal(begun[name], fresh[name])
    averaged = run.train(validate=0).state_dict()
    moved = [k for k, t in run.net.named_parameters() if not torch.equal(t, begun[k])]
    assert any(k.startswith("exit_heads.") for k in moved)
    assert any(not torch.equal(averaged[k], run.net.state_dict()[k]) for k in moved)


def test_a_run_that_began_without_exits_goes_on_with_them(
    tmp_path: Path, splits: dict[str, Images], schedule_of: Callable[..., Schedule]
) -> None:
    warm = Phase("warm", (8,), 0.05, 0.05, 1)
    early = Phase("early", (8,), 0.05, 0.05, 1, exits=0.5)
    SupernetRun(schedule_of(warm), tmp_path, splits).train(validate=0)
    run = SupernetRun(schedule_of(warm, early), tmp_path, splits)
    assert run.epoch == 1
    assert run.train(validate=0).exit_heads is not None
