"""Recipes: read from TOML, every key known or refused, every value within its range."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest

pytest.importorskip("torch")

from biglittle.bench.datasets import DATASETS, get_dataset
from biglittle.bench.errors import BigLittleError
from biglittle.bench.spaces import SPACES
from biglittle.cotrain.recipe import FINE_TUNE, SCRATCH, Recipe, load_recipe, recipe_from, sized

RECIPE = Recipe(
    space="fbnet",
    dataset="digits",
    images=1000,
    batch=10,
    peak_lr=0.1,
    end_lr=0.0,
    warmup_share=0.1,
    momentum=0.9,
    weight_decay=5e-4,
    label_smoothing=0.1,
    clip_norm=5.0,
    resolutions=((16, 0.25), (32, 0.75)),
)


@pytest.mark.parametrize("path", [FINE_TUNE, SCRATCH], ids=lambda p: p.stem)
def test_shipped_recipes_are_sound_and_survive_json(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.space in SPACES.names()
    assert recipe.dataset in DATASETS.names()
    assert recipe_from(json.loads(json.dumps(recipe.as_dict())), "JSON") == recipe


def test_resolutions_get_their_share_of_the_steps_in_order() -> None:
    rows = [RECIPE.resolution(s) for s in range(RECIPE.n_steps)]
    assert rows == [16] * 25 + [32] * 75


def test_the_learning_rate_warms_up_then_falls() -> None:
    rates = [RECIPE.learning_rate(s) for s in range(101)]
    assert rates[:10] == pytest.approx([0.01 * (s + 1) for s in range(10)])
    assert rates[55] == pytest.approx(0.05)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == pytest.approx(0.0)


def test_whole_batches_are_taken() -> None:
    assert dataclasses.replace(RECIPE, images=1009).n_steps == 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"imagse": 3}, "x has the unknown key 'imagse'"),
        ({"pair": {"temprature": 3}}, "x.pair has the unknown key 'temprature'"),
        ({"images": 9}, "9 images in batches of 10"),
        ({"resolutions": [[16, 0.5]]}, "add up to 1"),
        ({"resolutions": [16, 32]}, r"x.resolutions\[0\] is 16, expected a list"),
        ({"resolutions": []}, "add up to 1"),
        ({"end_lr": 0.2}, "end_lr is 0.2"),
        ({"images": "many"}, "x.images is 'many', expected a whole number"),
        ({"momentum": None}, "x.momentum is null, expected a number"),
        ({"pair": 3}, "x.pair is 3, expected an object"),
        ({"warmup_share": 1.0}, "warmup_share is 1.0"),
        ({"ema_decay": 1.5}, "ema_decay is 1.5"),
        ({"precision": "fp16"}, "precision is 'fp16'; expected one of fp32, bf16, fastest"),
        ({"pair": {"escalation_rate": 0.0}}, "pair.escalation_rate is 0.0"),
        ({"pair": {"big_floor": 1.5}}, "pair.big_floor is 1.5"),
    ],
)
def test_a_wrong_recipe_says_what(change: dict, message: str) -> None:
    with pytest.raises(BigLittleError, match=message):
        recipe_from({**RECIPE.as_dict(), **change}, "x")


@pytest.mark.parametrize("resolutions", [((16, 0.3), (24, 0.3), (32, 0.4)), ((32, 1.0),)])
def test_the_cost_of_some_steps_is_the_sum_over_them(resolutions: tuple) -> None:
    for images in (10, 20, 570, 1000):
        recipe = dataclasses.replace(RECIPE, images=images, resolutions=resolutions)
        sums = [0]
        for step in range(recipe.n_steps):
            sums.append(sums[-1] + recipe.resolution(step) ** 2)
        assert [recipe.cost(step) for step in range(recipe.n_steps + 1)] == sums


def test_the_costliest_resolution_is_that_of_most_of_the_time_that_is_left() -> None:
    growing = ((16, 0.5), (24, 0.3), (32, 0.2))  # 128, 172.8 and 204.8 rows times columns a step
    recipe = dataclasses.replace(RECIPE, images=RECIPE.batch * 100, resolutions=growing)
    assert recipe.costliest_resolution(0) == recipe.costliest_resolution(99) == 32
    shrinking = dataclasses.replace(recipe, resolutions=((32, 0.4), (16, 0.6)))
    steps = {step: shrinking.costliest_resolution(step) for step in (0, 20, 30, 40, 99)}
    assert steps == {0: 32, 20: 32, 30: 16, 40: 16, 99: 16}
    assert shrinking.costliest_resolution(100) == 16  # nothing is left
    often = dataclasses.replace(recipe, resolutions=((32, 0.1), (24, 0.6), (32, 0.3)))
    assert often.costliest_resolution(0) == 32  # the sum over both its parts
    assert dataclasses.replace(recipe, images=10**12).costliest_resolution(10) == 32


def test_the_cost_of_any_number_of_images_takes_no_memory() -> None:
    recipe = dataclasses.replace(RECIPE, images=10**12, resolutions=((16, 0.5), (32, 0.5)))
    assert recipe.cost(recipe.n_steps) == recipe.n_steps * (16**2 + 32**2) / 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes have names on POSIX systems alone")
def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    for path in (tmp_path / "pipe.toml", tmp_path, Path("/dev/zero")):
        with pytest.raises(BigLittleError, match="cannot be read: it is a folder, a pipe"):
            load_recipe(path)


def test_files_that_are_not_recipes(tmp_path: Path) -> None:
    with pytest.raises(BigLittleError, match="cannot be read"):
        load_recipe(tmp_path / "absent.toml")
    (tmp_path / "half.toml").write_text("space = 'fbnet'\n")
    with pytest.raises(BigLittleError, match="is incomplete"):
        load_recipe(tmp_path / "half.toml")


@pytest.mark.parametrize("epochs", [float("nan"), float("inf"), 1e300, -1.0])
def test_no_number_of_epochs_is_beyond_meaning(epochs: float) -> None:
    with pytest.raises(BigLittleError, match=r"epochs are not usable; expected at most \d+ images"):
        sized(RECIPE, 1000, epochs, None)


def test_images_stand_in_place_of_epochs() -> None:
    assert sized(RECIPE, 1000, 2.5, None).images == 2500
    assert sized(RECIPE, 1000, None, 300).images == 300
    assert sized(RECIPE, 1000, None, None) is RECIPE
    with pytest.raises(BigLittleError, match="1000000000000 images are not usable"):
        sized(RECIPE, 1000, None, 10**12)


def test_a_recipe_for_other_images_has_their_size_and_name() -> None:
    usual = load_recipe(SCRATCH)  # of CIFAR-10 at 32 rows, smaller ones first
    other = usual.for_images(get_dataset("visual_wake_words"), "fbnet-96")
    assert (other.dataset, other.space) == ("visual_wake_words", "fbnet-96")
    assert other.resolutions == tuple((3 * rows, share) for rows, share in usual.resolutions)
    same = usual.for_images(get_dataset("fashion_mnist"))
    assert same == dataclasses.replace(usual, dataset="fashion_mnist")
