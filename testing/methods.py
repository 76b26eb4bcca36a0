"""What every co-training method has to keep: ``class TestMine(MethodContract): entry = METHOD``."""

from __future__ import annotations

import torch

from ..cotrain.methods import METHODS, get_method
from ..cotrain.recipe import FINE_TUNE, load_recipe
from ._contract import Contract

RECIPE = load_recipe(FINE_TUNE)
BATCH, CLASSES = 32, 10


def _logits(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    little, big = (
        torch.randn(BATCH, CLASSES, generator=generator, requires_grad=True) for _ in range(2)
    )
    return little, big, torch.randint(CLASSES, (BATCH,), generator=generator)


class MethodContract(Contract):
    """What every co-training method has to keep, whatever its losses are."""

    registry = METHODS

    def test_the_file_is_the_name_and_the_source_is_given(self, name: str) -> None:
        method = get_method(name)
        assert method.name == name
        assert method.source

    def test_each_loss_moves_its_own_network_alone(self, name: str) -> None:
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

    def test_the_big_network_keeps_learning_from_every_image(self, name: str) -> None:
        # Good enough alone: an image that little is sure of still moves the big one.
        little, big, labels = _logits(1)
        with torch.no_grad():
            little[0, labels[0]] = 50.0
        loss = get_method(name).losses(little, big, labels, RECIPE).big
        (gradient,) = torch.autograd.grad(loss, big)
        assert (gradient.abs().sum(1) > 0.1 / BATCH * RECIPE.pair.big_floor).all()

    def test_a_big_network_that_learns_from_labels_alone_does_not_see_the_little_one(
        self, name: str
    ) -> None:
        little, big, labels = _logits(3)
        other, _, _ = _logits(4)
        method = get_method(name)
        loss, again = (method.losses(x, big, labels, RECIPE).big for x in (little, other))
        assert method.labels_alone == bool(loss == again)

    def test_perfect_answers_cost_little_and_wrong_ones_much(self, name: str) -> None:
        _, _, labels = _logits(2)
        right = torch.nn.functional.one_hot(labels, CLASSES) * 8.0
        wrong = right.roll(1, dims=1)
        method = get_method(name)
        good, bad = (method.losses(x, x, labels, RECIPE) for x in (right, wrong))
        assert good.little < bad.little / 3
        assert good.big < bad.big / 3

    def test_extreme_logits_stay_finite(self, name: str) -> None:
        _, _, labels = _logits(3)
        sure = (torch.nn.functional.one_hot(labels, CLASSES) * 1e4).requires_grad_()
        flat = torch.zeros(BATCH, CLASSES, requires_grad=True)
        for little, big in ((sure, flat), (flat, sure), (sure, sure), (flat, flat)):
            for loss in get_method(name).losses(little, big, labels, RECIPE):
                assert torch.isfinite(loss)
                gradients = torch.autograd.grad(loss, (little, big), None, True, allow_unused=True)
                assert all(torch.isfinite(g).all() for g in gradients if g is not None)
