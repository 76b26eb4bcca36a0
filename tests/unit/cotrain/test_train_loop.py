"""The loop of all trainings: its progress, and a failure that loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.datasets import Images  # noqa: E402
from biglittle.bench.errors import (  # noqa: E402
    TrainingError,
)
from biglittle.cotrain import train_loop  # noqa: E402
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
