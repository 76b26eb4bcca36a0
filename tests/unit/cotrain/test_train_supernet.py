"""A supernet run: how paths are drawn, that a killed run resumes exactly, and that it can fail."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.datasets import Images  # noqa: E402
from biglittle.bench.errors import (  # noqa: E402
    BigLittleError,
    CheckpointError,
    TrainingError,
)
from biglittle.bench.spaces import get_space  # noqa: E402
from biglittle.cotrain import train_supernet  # noqa: E402
from biglittle.cotrain.precision import Precision  # noqa: E402
from biglittle.cotrain.schedule import PathSampling, Phase, Schedule  # noqa: E402
from biglittle.cotrain.train_supernet import (  # noqa: E402
    Progress,
    SupernetRun,
)

SPACE = get_space("fbnet")
ANCHOR, SKIP = SPACE.choices.index("k3_e1"), SPACE.choices.index("skip")
BATCH, STEPS = 16, 3  # 3 steps an epoch, 6 in all
SCHEDULE = Schedule(
    space="fbnet",
    dataset="digits",
    anchor="k3_e1",
    phases=(
        Phase("anchor", (8,), peak_lr=0.05, end_lr=0.01, warmup_steps=2),
        Phase(
            "sampled",
            (16,),
            peak_lr=0.02,
            end_lr=0.0,
            warmup_steps=1,
            large=PathSampling(0.0, 0.3, {"k3_e1": 0.5, "k3_e3": 0.5}),
            small=PathSampling(0.5, 1.0, {"k3_e1": 1.0}, all_skip=0.1),
            grow=("k3_e3",),
        ),
    ),
    batch=BATCH,
    momentum=0.9,
    weight_decay=5e-4,
    label_smoothing=0.1,
    distillation=0.5,
    clip_norm=5.0,
    seed=0,
)


def _train(
    folder: Path, splits: dict[str, Images], *kills: int, schedule: Schedule = SCHEDULE
) -> dict[str, torch.Tensor]:
    """State of a run that was killed after each of ``kills`` steps and started anew."""
    for steps in kills:
        SupernetRun(schedule, folder, splits, threads=1).train(max_steps=steps, validate=0)
    run = SupernetRun(schedule, folder, splits, threads=1)
    run.train(validate=0)
    assert (run.epoch, run.step) == (2, 0)
    state = {name: tensor.clone() for name, tensor in run.net.state_dict().items()}
    for kind, group in run.optimizer.states().items():
        state |= {f"{kind}/{name}": tensor.clone() for name, tensor in group.items()}
    return state


@pytest.fixture(scope="module")
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("threads")
def test_a_killed_and_resumed_run_is_bit_identical(
    tmp_path: Path, splits: dict[str, Images]
) -> None:
    whole = _train(tmp_path / "whole", splits)
    # At the very end of an epoch, before the next phase grows norms, and within an epoch.
    resumed = _train(tmp_path / "resumed", splits, STEPS, 1)
    assert whole.keys() == resumed.keys()
    assert any(name.startswith("momentum/") for name in whole)
    different = [name for name in whole if not torch.equal(whole[name], resumed[name])]
    assert different == []


@pytest.mark.usefixtures("threads")
def test_a_phase_with_another_optimizer_begins_it_anew_and_is_resumed_alike(
    tmp_path: Path, splits: dict[str, Images]
) -> None:
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("this version of torch has no Muon")
    first, last = SCHEDULE.phases
    muon = dataclasses.replace(last, optimizer="muon", weight_decay=0.05)
    schedule = dataclasses.replace(SCHEDULE, phases=(first, muon))
    whole = _train(tmp_path / "whole", splits, schedule=schedule)
    resumed = _train(tmp_path / "resumed", splits, STEPS, 1, schedule=schedule)
    assert whole.keys() == resumed.keys()
    assert [name for name in whole if not torch.equal(whole[name], resumed[name])] == []
    steps = [t for name, t in whole.items() if name.startswith("step/")]
    assert len(steps) > 0
    assert max(int(t) for t in steps) == STEPS  # those of the last phase alone
    with pytest.raises(BigLittleError, match="optimizer of phase 'sampled' is 'adam'"):
        dataclasses.replace(last, optimizer="adam")


@pytest.mark.usefixtures("threads")
def test_training_moves_what_the_schedule_uses_and_reports_every_step(
    tmp_path: Path, splits: dict[str, Images], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_supernet, "LOG_STEPS", 1)
    seen: list[Progress] = []
    run = SupernetRun(SCHEDULE, tmp_path, splits, threads=1)
    before = {name: p.clone() for name, p in run.net.named_parameters()}
    run.train(seen.append, max_steps=STEPS, validate=0)
    assert [(p.epoch, p.step) for p in seen] == [(0, 1), (0, 2), (0, 3)]
    assert all(np.isfinite(p.loss) and 0 <= p.accuracy <= 1 and p.eta_s >= 0 for p in seen)
    moved = {n for n, p in run.net.named_parameters() if not torch.equal(p, before[n])}
    choice_of = {int(n.split(".")[3]) for n in moved if ".norms." in n}
    assert choice_of == {ANCHOR}
    assert "stem.0.weight" in moved
    assert "classifier.weight" in moved


@pytest.mark.usefixtures("threads")
def test_a_loss_that_is_not_finite_names_step_and_path_and_keeps_the_checkpoint(
    tmp_path: Path, splits: dict[str, Images]
) -> None:
    run = SupernetRun(SCHEDULE, tmp_path, splits, threads=1)
    run.train(max_steps=2, validate=0)
    before = run.path.read_bytes()
    with torch.no_grad():
        run.net.classifier.weight.fill_(float("nan"))
    path = str(ANCHOR) * SPACE.n_layers
    with pytest.raises(TrainingError, match=rf"loss is nan at epoch 0, step 2, on paths {path}\."):
        run.train(validate=0)
    assert run.path.read_bytes() == before
    assert SupernetRun(SCHEDULE, tmp_path, splits).step == 2


@pytest.mark.usefixtures("threads")
def test_a_checkpoint_of_another_schedule_is_refused(
    tmp_path: Path, splits: dict[str, Images]
) -> None:
    SupernetRun(SCHEDULE, tmp_path, splits, threads=1).save()
    other = dataclasses.replace(SCHEDULE, seed=1)
    with pytest.raises(CheckpointError, match="belongs to another run: its schedule is"):
        SupernetRun(other, tmp_path, splits)


@pytest.mark.usefixtures("threads")
def test_a_run_goes_on_under_further_phases_alone(
    tmp_path: Path, splits: dict[str, Images]
) -> None:
    run = SupernetRun(SCHEDULE, tmp_path, splits, threads=1)
    run.train(validate=0)
    trained = {name: t.clone() for name, t in run.net.state_dict().items()}
    more = Phase("more", (16,), peak_lr=0.01, end_lr=0.0, warmup_steps=1)
    longer = dataclasses.replace(SCHEDULE, phases=(*SCHEDULE.phases, more))
    assert longer.continues(SCHEDULE)
    assert not SCHEDULE.continues(longer)
    changed = dataclasses.replace(SCHEDULE.phases[1], peak_lr=0.03)
    other = dataclasses.replace(longer, phases=(SCHEDULE.phases[0], changed, more))
    with pytest.raises(CheckpointError, match="belongs to another run: its schedule"):
        SupernetRun(other, tmp_path, splits)
    onward = SupernetRun(longer, tmp_path, splits)
    assert (onward.epoch, onward.step) == (2, 0)
    assert all(torch.equal(t, trained[name]) for name, t in onward.net.state_dict().items())
    onward.train(max_steps=1, validate=0)
    with pytest.raises(CheckpointError, match="belongs to another run: its schedule"):
        SupernetRun(SCHEDULE, tmp_path, splits)  # begun phases are not forgotten


@pytest.mark.usefixtures("threads")
def test_a_trial_changes_no_weight_and_no_step(tmp_path: Path, splits: dict[str, Images]) -> None:
    run = SupernetRun(SCHEDULE, tmp_path, splits, threads=1)
    before = {name: tensor.clone() for name, tensor in run.net.state_dict().items()}
    rates = run.trial(seconds=0.01)
    assert set(rates) == {p.value for p in Precision}
    assert rates[run.precision.value] == max(rates.values())
    assert [n for n, t in run.net.state_dict().items() if not torch.equal(t, before[n])] == []
    assert (run.epoch, run.step) == (0, 0)


def test_bf16_trains_too(tmp_path: Path, splits: dict[str, Images]) -> None:
    run = SupernetRun(SCHEDULE, tmp_path, splits, precision=Precision.BF16)
    start = run.net.classifier.weight.clone()
    net = run.train(max_steps=1, validate=0)
    assert net.classifier.weight.dtype == torch.float32
    assert torch.isfinite(net.classifier.weight).all()
    assert not torch.equal(net.classifier.weight, start)
