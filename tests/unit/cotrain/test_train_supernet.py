"""A supernet run: how paths are drawn, that a killed run resumes exactly, and that it can fail."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.errors import CheckpointError, TrainingError  # noqa: E402
from biglittle.bench.spaces import get_space  # noqa: E402
from biglittle.cotrain import train_supernet  # noqa: E402
from biglittle.cotrain.paths import draw_path  # noqa: E402
from biglittle.cotrain.precision import Precision  # noqa: E402
from biglittle.cotrain.quick_accuracy import quick_accuracy  # noqa: E402
from biglittle.cotrain.restart import begin_from  # noqa: E402
from biglittle.cotrain.schedule import PathSampling, Phase, Schedule  # noqa: E402
from biglittle.cotrain.train_supernet import (  # noqa: E402
    Progress,
    SupernetRun,
)
from biglittle.cotrain.weights import save_weights  # noqa: E402

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


def _train(folder: Path, splits: dict[str, Images], *kills: int) -> dict[str, torch.Tensor]:
    """State of a run that was killed after each of ``kills`` steps and started anew."""
    for steps in kills:
        SupernetRun(SCHEDULE, folder, splits, threads=1).train(max_steps=steps, validate=0)
    run = SupernetRun(SCHEDULE, folder, splits, threads=1)
    run.train(validate=0)
    assert (run.epoch, run.step) == (2, 0)
    state = {name: tensor.clone() for name, tensor in run.net.state_dict().items()}
    for name, p in run.net.named_parameters():
        momentum = run.optimizer.state.get(p, {}).get("momentum_buffer")
        if momentum is not None:
            state[f"momentum/{name}"] = momentum
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
def test_quick_accuracy_is_a_fraction_and_leaves_the_supernet_alone(
    tmp_path: Path, splits: dict[str, Images], digits: Dataset
) -> None:
    net = SupernetRun(SCHEDULE, tmp_path, splits, threads=1).net
    before = {name: t.clone() for name, t in net.state_dict().items()}
    accuracy = quick_accuracy(net, "8" * 22, splits, digits, resolution=16, n=50)
    assert 0 <= accuracy <= 1
    assert all(torch.equal(t, before[name]) for name, t in net.state_dict().items())


def _paths(rule: PathSampling, n: int = 300) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array([draw_path(SPACE, rule, ANCHOR, rng) for _ in range(n)])


def test_a_path_without_skips_uses_the_weighted_choices_alone() -> None:
    paths = _paths(PathSampling(0.0, 0.0, {"k3_e1": 3.0, "k3_e6": 1.0, "k5_e6": 0.0}))
    share = np.bincount(paths.ravel(), minlength=9) / paths.size
    assert share[SPACE.choices.index("k3_e6")] == pytest.approx(0.25, abs=0.02)
    assert share[SPACE.choices.index("k3_e1")] == pytest.approx(0.75, abs=0.02)


def test_skips_come_at_the_share_asked_for() -> None:
    paths = _paths(PathSampling(0.2, 0.6, {"k3_e1": 1.0}))
    share = (paths == SKIP).mean(axis=1)
    assert share.mean() == pytest.approx(0.4, abs=0.03)
    # A path's own share varies: far more than if every layer were drawn at 0.4.
    assert share.std() > 1.1 * np.sqrt(0.4 * 0.6 / SPACE.n_layers)
    assert (_paths(PathSampling(1.0, 1.0, {"k3_e1": 1.0}), 5) == SKIP).all()


def test_anchor_and_all_skip_come_as_often_as_the_rule_says() -> None:
    rule = PathSampling(0.0, 0.0, {"k3_e3": 1.0}, all_skip=0.3, anchor=0.2)
    paths = _paths(rule, 2000)
    for choice, share in ((SKIP, 0.3), (ANCHOR, 0.2), (SPACE.choices.index("k3_e3"), 0.5)):
        assert (paths == choice).all(axis=1).mean() == pytest.approx(share, abs=0.04)


def test_a_generator_decides_the_path() -> None:
    rule = PathSampling(0.2, 0.6, {"k3_e1": 0.5, "k3_e3": 0.5})
    assert np.array_equal(_paths(rule, 10), _paths(rule, 10))


def test_without_a_concentration_paths_are_drawn_as_ever() -> None:
    # Pinned: a checkpoint's run goes on with the paths it would have taken.
    rule = PathSampling(0.2, 0.6, {"k3_e1": 0.5, "k3_e3": 0.5}, all_skip=0.1, anchor=0.1)
    rng, expected = np.random.default_rng(5), np.random.default_rng(5)
    for _ in range(50):
        path = draw_path(SPACE, rule, ANCHOR, rng)
        kind = expected.random()
        if kind < 0.1:
            drawn = np.full(SPACE.n_layers, SKIP)
        elif kind < 0.2:
            drawn = np.full(SPACE.n_layers, ANCHOR)
        else:
            share = expected.uniform(0.2, 0.6)
            choices = [SPACE.choices.index(n) for n in rule.weights]
            drawn = expected.choice(choices, SPACE.n_layers, p=[0.5, 0.5])
            drawn = np.where(expected.random(SPACE.n_layers) < share, SKIP, drawn)
        assert np.array_equal(path, drawn)
    assert rng.random() == expected.random()


def test_a_concentration_gives_paths_of_their_own_mix_around_the_same_mean() -> None:
    weights = {"k3_e1": 3.0, "k3_e6": 1.0}
    wide = SPACE.choices.index("k3_e6")
    shares = {
        concentration: (
            _paths(PathSampling(0.0, 0.0, weights, concentration=concentration), 600) == wide
        ).mean(axis=1)
        for concentration in (None, 0.5, 1000.0)
    }
    for share in shares.values():
        assert share.mean() == pytest.approx(0.25, abs=0.05)
    assert shares[1000.0].std() == pytest.approx(shares[None].std(), rel=0.15)
    # Few and small parameters: most paths make nearly one choice.
    assert np.isin(shares[0.5], (0.0, 1.0)).mean() > 0.4 > np.isin(shares[None], (0.0, 1.0)).mean()


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


def test_a_run_begins_from_kept_weights(tmp_path: Path, splits: dict[str, Images]) -> None:
    run = SupernetRun(SCHEDULE, tmp_path / "lost", splits, threads=1)
    run.train(max_steps=STEPS, validate=0)
    kept = tmp_path / "kept.safetensors"
    save_weights(kept, run.net, {"epochs": "1"})
    folder = tmp_path / "new"
    assert begin_from(SCHEDULE, kept, folder) == 1
    again = SupernetRun(SCHEDULE, folder, splits, threads=1)
    assert (again.epoch, again.step) == (1, 0)
    begun = dict(again.net.named_parameters())
    for name, tensor in run.net.named_parameters():
        assert torch.equal(begun[name], tensor.half().float())
    again.train(max_steps=1, validate=0)
    with pytest.raises(CheckpointError, match="there already"):
        begin_from(SCHEDULE, kept, folder)
    save_weights(kept, run.net, {"epochs": "9"})
    with pytest.raises(CheckpointError, match="after 9 epochs; expected 'fbnet' after 1 to 2"):
        begin_from(SCHEDULE, kept, tmp_path / "other")


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
