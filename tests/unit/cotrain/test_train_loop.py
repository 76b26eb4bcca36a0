"""The loop of all trainings: its progress, and a failure that loses nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.datasets import Images  # noqa: E402
from biglittle.bench.errors import (  # noqa: E402
    TrainingError,
)
from biglittle.cotrain import train_loop  # noqa: E402
from biglittle.cotrain.precision import Precision  # noqa: E402
from biglittle.cotrain.train_loop import TrainProgress  # noqa: E402

Splits = dict[str, Images]


@pytest.mark.usefixtures("every_step")
def test_progress_says_where_the_run_stands(pair, tmp_path: Path, few_digits: Splits) -> None:
    told: list[TrainProgress] = []
    pair(few_digits, tmp_path, on_progress=told.append)
    assert [p.step for p in told] == [1, 2, 3, 4, 5, 6]
    assert all(p.n_steps == 6 and p.images_per_s > 0 for p in told)
    assert all({*p.loss} == {*p.accuracy} == {"little", "big"} for p in told)
    assert told[0].eta_s > 0
    assert told[-1].eta_s == 0


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_nan_stops_with_the_step_and_keeps_the_checkpoint(
    pair,
    killed,
    kill_at,
    tmp_path: Path,
    few_digits: Splits,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    with pytest.raises(killed):
        pair(few_digits, tmp_path, on_progress=kill_at(2))
    before = (tmp_path / "pair.h5").read_bytes()
    nan = float("nan")
    if what == "loss":
        monkeypatch.setattr(
            "biglittle.cotrain.methods.independent.F.cross_entropy",
            lambda logits, *rest, **more: logits.sum() * nan,
        )
    else:
        monkeypatch.setattr(
            train_loop.torch.nn.utils, "clip_grad_norm_", lambda *rest: torch.tensor(nan)
        )
    with pytest.raises(TrainingError, match=rf"the {what} of the little network.* at step 2 of 6"):
        pair(few_digits, tmp_path)
    assert (tmp_path / "pair.h5").read_bytes() == before


@pytest.mark.parametrize("faster", list(Precision))
def test_the_faster_format_of_a_trial_is_computed_in_and_the_trial_leaves_no_trace(
    pair, six_steps, tmp_path: Path, few_digits: Splits, monkeypatch: pytest.MonkeyPatch, faster
) -> None:
    tried: list[float] = []

    def trial(step_in, seconds):
        for precision in Precision:
            tried.append(step_in(precision)())
        return faster, dict.fromkeys(("fp32", "bf16"), 1.0)

    monkeypatch.setattr(train_loop, "fastest", trial)
    monkeypatch.setattr(train_loop, "TRIAL_STEPS", 6)
    told: list[TrainProgress] = []
    fixed = replace(six_steps, precision=faster.value)
    plain = pair(few_digits, tmp_path / "fixed", recipe=fixed)
    assert not tried
    chosen = replace(six_steps, precision="fastest")
    networks = pair(few_digits, tmp_path / "chosen", recipe=chosen, on_progress=told.append)
    assert tried == [six_steps.batch] * 2
    assert told[-1].precision == faster.value
    for one, other in zip(plain, networks, strict=True):
        assert all(v.dtype in (torch.float32, torch.int64) for v in one.state_dict().values())
        assert all(
            torch.equal(v, w)
            for v, w in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
        )


def test_a_trial_is_of_images_as_large_as_most_of_the_run(
    pair, six_steps, tmp_path: Path, few_digits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small images come first, and what is faster on them is not on large ones."""
    rows: list[int] = []

    def trial(step_in, seconds):
        plain = train_loop._logits
        monkeypatch.setattr(
            train_loop, "_logits", lambda ls, x, p: (rows.append(x.shape[-1]), plain(ls, x, p))[1]
        )
        step_in(Precision.FP32)()
        monkeypatch.setattr(train_loop, "_logits", plain)
        return Precision.FP32, dict.fromkeys(("fp32", "bf16"), 1.0)

    monkeypatch.setattr(train_loop, "fastest", trial)
    monkeypatch.setattr(train_loop, "TRIAL_STEPS", 6)
    growing = ((4, 0.5), (8, 0.5))
    recipe = replace(six_steps, precision="fastest", resolutions=growing)
    pair(few_digits, tmp_path, recipe=recipe)
    assert rows == [8]


def test_a_run_of_a_few_steps_is_not_worth_a_trial(
    pair, six_steps, tmp_path: Path, few_digits: Splits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_loop, "fastest", lambda *rest: pytest.fail("a trial"))
    told: list[TrainProgress] = []
    pair(
        few_digits,
        tmp_path,
        recipe=replace(six_steps, precision="fastest"),
        on_progress=told.append,
    )
    assert told[-1].precision == "fp32"
