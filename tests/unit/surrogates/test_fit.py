"""Recipes, the held-out split, and the fit of all models."""

import json

import numpy as np
import pytest

from biglittle.bench.errors import SurrogateError, UnknownNameError
from biglittle.surrogates.fit import Recipe, fit_models, held_out


def test_recipes_name_their_link():
    assert str(Recipe()) == "gaussian_process_ard:logit/item_response/gaussian_process_ard"
    for text in ("ridge", "ridge:identity", "nearest:identity/direct", "ensemble:logit"):
        recipe = Recipe.parse(text)
        assert Recipe.parse(str(recipe)) == recipe
        assert recipe.link == (text.partition("/")[0].partition(":")[2] or "logit")
    with pytest.raises(UnknownNameError, match="identity"):
        Recipe.parse("ridge:identiti")


def test_the_same_seed_gives_the_same_surrogate(data, settings, fitted):
    document, models = fit_models(data, 0, settings)
    assert models == fitted[1]
    assert json.dumps(document) == json.dumps(fitted[0])


def test_the_held_out_split_is_fixed_and_disjoint():
    outside = held_out(150)
    assert len(outside) == 30
    assert len(set(outside.tolist())) == 30
    assert outside.tolist() == held_out(150, seed=0, share=0.2).tolist()
    assert outside[:5].tolist() == held_out(150)[:5].tolist()
    assert outside.tolist() != held_out(150, seed=1).tolist()
    with pytest.raises(SurrogateError, match="fewer than two"):
        held_out(5)


def test_too_few_networks_are_refused(data):
    with pytest.raises(SurrogateError, match="9 networks are too few"):
        fit_models(data.take(np.arange(9)))


def test_a_recipe_of_four_parts_is_refused():
    with pytest.raises(SurrogateError, match="has 4 parts"):
        Recipe.parse("ridge/direct/ridge/ridge")
