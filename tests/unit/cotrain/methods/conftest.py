"""A recipe whose settings of a pair are varied, and answers of a little network."""

from __future__ import annotations

import dataclasses

import pytest


@pytest.fixture
def changed():  # type: ignore[no-untyped-def]
    """Makes the recipe of fine-tuning with other settings of the pair."""
    from biglittle.cotrain.recipe import FINE_TUNE, Recipe, load_recipe

    recipe = load_recipe(FINE_TUNE)

    def with_settings(**values: float) -> Recipe:
        return dataclasses.replace(recipe, pair=dataclasses.replace(recipe.pair, **values))

    return with_settings


@pytest.fixture
def little():  # type: ignore[no-untyped-def]
    """Logits of 200 images, shape (200, 10)."""
    torch = pytest.importorskip("torch")
    return 3 * torch.randn(200, 10, generator=torch.Generator().manual_seed(0))
