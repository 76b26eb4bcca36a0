"""Every co-training method keeps the same promises, whatever its losses are."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.errors import UnknownNameError  # noqa: E402
from biglittle.cotrain.methods import METHODS, get_method  # noqa: E402
from biglittle.cotrain.recipe import FINE_TUNE, Recipe, load_recipe  # noqa: E402

NAMES = METHODS.names()
RECIPE = load_recipe(FINE_TUNE)
BATCH, CLASSES = 32, 10


def _logits(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    little, big = (
        torch.randn(BATCH, CLASSES, generator=generator, requires_grad=True) for _ in range(2)
    )
    return little, big, torch.randint(CLASSES, (BATCH,), generator=generator)


def _changed(**values: float) -> Recipe:
    return dataclasses.replace(RECIPE, pair=dataclasses.replace(RECIPE.pair, **values))


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_the_name_and_the_source_is_given(name: str) -> None:
    method = get_method(name)
    assert method.name == name
    assert method.source


@pytest.mark.parametrize("name", NAMES)
def test_each_loss_moves_its_own_network_alone(name: str) -> None:
    little, big, labels = _logits(0)
    losses = get_method(name).losses(little, big, labels, RECIPE)
    for loss, own, other in ((losses.little, little, big), (losses.big, big, little)):
        assert loss.shape == ()
        assert torch.isfinite(loss)
        own_gradient, none = torch.autograd.grad(
            loss, (own, other), retain_graph=True, allow_unused=True
        )
        assert own_gradient.abs().sum() > 0
        assert none is None or none.abs().sum() == 0


@pytest.mark.parametrize("name", NAMES)
def test_the_big_network_keeps_learning_from_every_image(name: str) -> None:
    # Good enough alone: an image that little is sure of still moves the big one.
    little, big, labels = _logits(1)
    with torch.no_grad():
        little[0, labels[0]] = 50.0
    loss = get_method(name).losses(little, big, labels, RECIPE).big
    (gradient,) = torch.autograd.grad(loss, big)
    assert (gradient.abs().sum(1) > 0.1 / BATCH * RECIPE.pair.big_floor).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_big_network_that_learns_from_labels_alone_does_not_see_the_little_one(name: str) -> None:
    little, big, labels = _logits(3)
    other, _, _ = _logits(4)
    method = get_method(name)
    loss, again = (method.losses(x, big, labels, RECIPE).big for x in (little, other))
    assert method.labels_alone == bool(loss == again)


@pytest.mark.parametrize("name", NAMES)
def test_perfect_answers_cost_little_and_wrong_ones_much(name: str) -> None:
    _, _, labels = _logits(2)
    right = torch.nn.functional.one_hot(labels, CLASSES) * 8.0
    wrong = right.roll(1, dims=1)
    method = get_method(name)
    good, bad = (method.losses(x, x, labels, RECIPE) for x in (right, wrong))
    assert good.little < bad.little / 3
    assert good.big < bad.big / 3


@pytest.mark.parametrize("name", NAMES)
def test_extreme_logits_stay_finite(name: str) -> None:
    _, _, labels = _logits(3)
    sure = (torch.nn.functional.one_hot(labels, CLASSES) * 1e4).requires_grad_()
    flat = torch.zeros(BATCH, CLASSES, requires_grad=True)
    for little, big in ((sure, flat), (flat, sure), (sure, sure), (flat, flat)):
        for loss in get_method(name).losses(little, big, labels, RECIPE):
            assert torch.isfinite(loss)
            gradients = torch.autograd.grad(loss, (little, big), None, True, allow_unused=True)
            assert all(torch.isfinite(g).all() for g in gradients if g is not None)


def test_methods_without_their_extra_term_are_the_independent_one() -> None:
    little, big, labels = _logits(4)
    plain = get_method("independent").losses(little, big, labels, RECIPE)
    off = {
        "distilled": _changed(distillation=0.0),
        "gated": _changed(gate_weight=0.0, big_floor=1.0),
        "joint": _changed(little_weight=1.0),
    }
    for name, recipe in off.items():
        losses = get_method(name).losses(little, big, labels, recipe)
        torch.testing.assert_close(losses.little, plain.little)
        torch.testing.assert_close(losses.big, plain.big)


def test_unknown_method_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="distilled"):
        get_method("distiled")
