"""Progressive shrinking: what it refuses, that sorting changes nothing it may not, and a run."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.datasets import Images  # noqa: E402
from biglittle.bench.errors import BigLittleError, CheckpointError  # noqa: E402
from biglittle.bench.spaces import get_space  # noqa: E402
from biglittle.cotrain import progressive, train_supernet  # noqa: E402
from biglittle.cotrain.progressive import (  # noqa: E402
    FROM_SCRATCH,
    FROM_TRAINED,
    check_shrinking,
    first_narrow,
    shorter,
    shrink,
    sort_channels,
    trained_choices,
)
from biglittle.cotrain.schedule import PathSampling, Phase, Schedule, load_schedule  # noqa: E402
from biglittle.cotrain.supernet import Supernet  # noqa: E402
from biglittle.cotrain.weights import load_weights, save_weights  # noqa: E402

SPACE = get_space("fbnet")
BATCH, STEPS = 16, 2


def phase(name: str, **other: object) -> Phase:
    return Phase(name, (8,), peak_lr=0.02, end_lr=0.0, warmup_steps=1, **other)  # type: ignore[arg-type]


SCHEDULE = Schedule(
    space="fbnet",
    dataset="digits",
    anchor="k3_e3",
    phases=(
        phase("largest"),
        phase("depth", small=PathSampling(0.0, 0.9, {"k3_e3": 1.0})),
        phase(
            "expansion",
            small=PathSampling(0.0, 0.9, {"k3_e3": 0.5, "k3_e1": 0.5}),
            grow=("k3_e1",),
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


@pytest.mark.parametrize("path", [FROM_SCRATCH, FROM_TRAINED])
def test_the_schedules_that_ship_shrink(path: Path) -> None:
    schedule = load_schedule(path)
    check_shrinking(schedule)
    narrow = first_narrow(schedule)
    assert narrow is not None
    assert schedule.phases[narrow].name.startswith(("expansion", "depth"))
    small = shorter(schedule, 1)
    check_shrinking(small)
    assert small.n_epochs == len(schedule.phases)
    assert all(p.resolutions == (32,) for p in small.phases)  # the end of each phase stays
    with pytest.raises(BigLittleError, match="at least 1"):
        shorter(schedule, 0)


def test_what_is_no_progressive_shrinking() -> None:
    first, depth, expansion = SCHEDULE.phases
    rule = PathSampling(0.0, 0.3, {"k3_e3": 1.0})
    for phases, message in (
        ((depth, expansion), "largest network alone"),
        ((first, expansion, depth), "no longer allows k3_e1"),
        ((first, dataclasses.replace(depth, large=rule)), "largest network teaches"),
    ):
        with pytest.raises(BigLittleError, match=message):
            check_shrinking(dataclasses.replace(SCHEDULE, phases=phases))
    with pytest.raises(BigLittleError, match="narrower than k3_e3"):
        check_shrinking(dataclasses.replace(SCHEDULE, anchor="k3_e1"))


def test_sorting_keeps_the_widest_networks_and_puts_what_matters_first() -> None:
    torch.manual_seed(0)
    net = Supernet(SPACE, 10)
    for module in net.modules():  # statistics that tell channels apart
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2.0)
    net.eval()
    images = torch.randn(2, 3, 8, 8)
    widest, narrow = SPACE.choices.index("k5_e6"), SPACE.choices.index("k5_e1")
    paths = [[widest] * 22, [SPACE.choices.index("k3_e6"), 8] * 11]
    with torch.no_grad():
        before = [net(images, p) for p in paths]
        other = net(images, [narrow] * 22)
        sort_channels(net, "k5_e6")
        for path, wanted in zip(paths, before, strict=True):
            assert torch.allclose(net(images, path), wanted, atol=1e-3)
        assert not torch.allclose(net(images, [narrow] * 22), other, atol=1e-3)
    norms = net.layers[3].shared[2].abs().sum(dim=(0, 2, 3))
    assert (norms[:-1] >= norms[1:]).all()
    once = {k: v.clone() for k, v in net.state_dict().items()}
    sort_channels(net, "k5_e6")
    assert all(torch.equal(v, once[k]) for k, v in net.state_dict().items())


def test_phases_follow_each_other_and_a_killed_run_ends_alike(
    tmp_path: Path, splits: dict[str, Images], monkeypatch: pytest.MonkeyPatch
) -> None:
    sorted_at: list[int] = []
    real = progressive.sort_channels

    def told(net: Supernet, choice: str) -> None:
        sorted_at.append(1)
        real(net, choice)

    monkeypatch.setattr(progressive, "sort_channels", told)
    whole = shrink(SCHEDULE, tmp_path / "whole", splits, threads=1, validate=0)
    assert sorted_at == [1]  # once, before the phase that narrows
    assert set(trained_choices(whole)) == {"k3_e3", "k3_e1", "skip"}
    # killed after two phases, and in the midst of the third
    parts = tmp_path / "parts"
    two = dataclasses.replace(SCHEDULE, phases=SCHEDULE.phases[:2])
    shrink(two, parts, splits, threads=1, validate=0)
    with pytest.MonkeyPatch.context() as killed:
        step = train_supernet.SupernetRun._train_step

        def dies(run: train_supernet.SupernetRun, *given: object) -> tuple[float, float]:
            if run.epoch == 2 and run.step == 1:
                run.save()
                raise KeyboardInterrupt
            return step(run, *given)  # type: ignore[arg-type]

        killed.setattr(train_supernet.SupernetRun, "_train_step", dies)
        with pytest.raises(KeyboardInterrupt):
            shrink(SCHEDULE, parts, splits, threads=1, validate=0)
    again = shrink(SCHEDULE, parts, splits, threads=1, validate=0)
    one, other = load_weights(whole).state_dict(), load_weights(again).state_dict()
    assert [n for n in one if not torch.equal(one[n], other[n])] == []


def test_a_warm_start_begins_with_the_weights_and_sorts_nothing(
    tmp_path: Path, splits: dict[str, Images], monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(3)
    net = Supernet(SPACE, 10)
    save_weights(tmp_path / "start.safetensors", net, {})
    start = load_weights(tmp_path / "start.safetensors").state_dict()
    monkeypatch.setattr(progressive, "sort_channels", lambda net, choice: pytest.fail("sorted"))
    still = dataclasses.replace(
        SCHEDULE,
        phases=tuple(dataclasses.replace(p, peak_lr=0.0, grow=()) for p in SCHEDULE.phases),
    )
    folder = tmp_path / "run"
    path = shrink(still, folder, splits, tmp_path / "start.safetensors", validate=0)
    end = load_weights(path).state_dict()
    assert all(torch.equal(v, end[k]) for k, v in start.items() if "running" not in k)
    with pytest.raises(CheckpointError, match="other weights"):
        shrink(still, folder, splits, None, validate=0)
    (folder / "start.json").unlink()
    with pytest.raises(CheckpointError, match="not progressive shrinking"):
        shrink(still, folder, splits, None, validate=0)


def test_choices_of_weights_that_say_nothing(tmp_path: Path) -> None:
    save_weights(tmp_path / "w.safetensors", Supernet(SPACE, 10), {})
    assert trained_choices(tmp_path / "w.safetensors", ("skip",)) == ("skip",)
    with pytest.raises(CheckpointError, match="does not say"):
        trained_choices(tmp_path / "w.safetensors")
