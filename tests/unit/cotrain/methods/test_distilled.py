"""The student's loss, checked against its definition."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")
from biglittle.cotrain.methods import get_method  # noqa: E402
from biglittle.cotrain.recipe import FINE_TUNE, Recipe, load_recipe  # noqa: E402

RECIPE = load_recipe(FINE_TUNE)


def _changed(**values: float) -> Recipe:
    return dataclasses.replace(RECIPE, pair=dataclasses.replace(RECIPE.pair, **values))


@pytest.fixture
def little() -> torch.Tensor:
    return 3 * torch.randn(200, 10, generator=torch.Generator().manual_seed(0))


def test_the_student_of_itself_has_nothing_to_learn(little: torch.Tensor) -> None:
    labels = little.argmax(1)
    recipe = _changed(distillation=1.0)
    losses = get_method("distilled").losses(little, little.clone(), labels, recipe)
    assert losses.little.item() == pytest.approx(0.0, abs=1e-5)
