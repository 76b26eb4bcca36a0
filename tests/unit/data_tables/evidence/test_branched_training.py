"""The training of a base and of networks of two branches."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")

from biglittle.bench.errors import BigLittleError
from biglittle.data_tables.evidence import _page, branched_training

FIGURES = json.loads((_page.FIGURES / "branched_training.json").read_text(encoding="utf-8"))
FOUND = json.loads((_page.FIGURES / "branched.json").read_text(encoding="utf-8"))


def test_the_base_and_three_others_are_trained_on_the_same_recipe() -> None:
    names = branched_training.found_networks(FOUND)
    assert names[0] == "mobilenet-v2"
    assert len(names) == 1 + len(FOUND["links"])
    assert [row["network"] for row in FIGURES["networks"]] == names
    recipe = branched_training.recipe_of(640, 64)
    assert (recipe.n_steps, recipe.space, recipe.resolution(3)) == (10, "branched", 32)


def test_without_a_search_there_is_nothing_to_train() -> None:
    with pytest.raises(BigLittleError, match="step 'branched' was not run"):
        branched_training.found_networks(None)


def test_the_page_says_how_little_so_few_images_tell() -> None:
    text = branched_training.page(FIGURES)
    assert f"After {FIGURES['images']:,} training images" in text
    assert "whether accuracy follows is open" in text
    assert "accuracy on val" in text
    more = [row | {"accuracies": [0.5, 0.6]} for row in FIGURES["networks"]]
    assert "55.0 % (50.0, 60.0)" in branched_training.page(FIGURES | {"networks": more, "seeds": 2})
