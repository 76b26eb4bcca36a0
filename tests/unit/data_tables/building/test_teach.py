"""The teacher of a table: trained once, its answers stored once."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.datasets import Dataset  # noqa: E402
from biglittle.cotrain import teacher as teaching  # noqa: E402
from biglittle.cotrain.precision import Precision  # noqa: E402
from biglittle.data_tables.building import teach as stage  # noqa: E402


def test_a_teacher_is_trained_once_and_says_what_it_is_worth(
    tmp_path: Path, few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = replace(stage.load_recipe(teaching.RECIPE), dataset="digits", images=64, batch=16)
    train, trainings = teaching.train_teacher, list[Path]()

    def quick(_: object, splits: Any, working: Path, *rest: Any, **options: Any) -> Any:
        trainings.append(working)
        return train(small, splits, working, *rest, widths=(8, 8, 8), **options)

    monkeypatch.setattr(teaching, "get_dataset", lambda _: few)
    monkeypatch.setattr(stage, "train_teacher", quick)
    monkeypatch.setattr(stage, "fastest_precision", lambda *_: (Precision.FP32, {"fp32": 1.0}))
    splits = few.load(tmp_path)
    answers = stage.teach(tmp_path, splits, few, n_views=2)
    answers.logits(1)
    assert [p.name for p in (tmp_path / "views").iterdir()] == ["view-001.h5"]
    answers.make()
    assert len(list((tmp_path / "views").iterdir())) == 2
    report = json.loads((tmp_path / "teacher.json").read_text())
    assert report["accuracy"].keys() == {"val", "test"}
    assert report["weights_sha256"] == answers.teacher_sha256
    again = stage.teach(tmp_path, splits, few, n_views=2)
    assert trainings == [tmp_path]
    assert again.teacher_sha256 == answers.teacher_sha256
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    taken = stage.teach(elsewhere, splits, few, n_views=2, trained=tmp_path / "teacher.safetensors")
    assert trainings == [tmp_path]
    assert taken.teacher_sha256 == answers.teacher_sha256


def test_a_teacher_is_trained_on_the_images_of_its_table(
    tmp_path: Path, few: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SeenError(Exception):
        pass

    def stopped(recipe, *_):  # type: ignore[no-untyped-def]
        raise SeenError(recipe.dataset, recipe.resolutions)

    monkeypatch.setattr(stage, "fastest_precision", stopped)
    with pytest.raises(SeenError) as seen:
        stage.teach(tmp_path, few.load(tmp_path), few)
    assert seen.value.args == (few.name, ((few.height, 1.0),))
