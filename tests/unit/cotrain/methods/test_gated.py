"""The soft gate of gated training, checked against its definition."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from biglittle.cotrain.methods.gated import big_weight, keep_weight  # noqa: E402
from biglittle.cotrain.recipe import FINE_TUNE, load_recipe  # noqa: E402

RECIPE = load_recipe(FINE_TUNE)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.7])
def test_the_soft_gate_escalates_the_share_it_aims_at(  # type: ignore[no-untyped-def]
    changed, little: torch.Tensor, rate: float
) -> None:
    keep = keep_weight(little, changed(escalation_rate=rate, gate_temperature=1e-3))
    assert (keep < 0.5).float().mean().item() == pytest.approx(rate, abs=0.02)
    confidence = little.softmax(1).amax(1)
    assert confidence[keep > 0.5].min() >= confidence[keep < 0.5].max()


def test_the_big_network_learns_most_from_what_reaches_it(changed, little: torch.Tensor) -> None:  # type: ignore[no-untyped-def]
    keep = keep_weight(little, RECIPE)
    weight = big_weight(keep, RECIPE)
    assert weight.mean().item() == pytest.approx(1.0, abs=1e-4)
    assert weight.min() >= RECIPE.pair.big_floor
    assert torch.equal(weight.argsort(), (-keep).argsort())
    assert torch.allclose(big_weight(keep, changed(big_floor=1.0)), torch.ones(200))


def test_confidence_rises_where_little_is_better_and_falls_where_big_is() -> None:
    # Two images with the same answer of little: right for one, wrong for the other.
    little = torch.tensor([[2.0, 0.0, 0.0], [2.0, 0.0, 0.0], [1.0, 0.5, 0.0]], requires_grad=True)
    big = torch.tensor([[0.0, 1.5, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 0.0]])
    labels = torch.tensor([0, 1, 2])
    keep = keep_weight(little, RECIPE)
    little_each, big_each = (
        torch.nn.functional.cross_entropy(x, labels, reduction="none").detach()
        for x in (little, big)
    )
    gate_term = (keep * little_each + (1 - keep) * big_each).mean()
    (gradient,) = torch.autograd.grad(gate_term, little)
    assert gradient[0, 0] < 0  # a step down the loss makes little surer
    assert gradient[1, 0] > 0  # and here less sure
