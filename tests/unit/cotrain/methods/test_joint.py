"""The sum of losses, checked against its definition."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from biglittle.cotrain.methods import get_method  # noqa: E402


def test_the_little_loss_weighs_what_the_recipe_says(changed, little: torch.Tensor) -> None:  # type: ignore[no-untyped-def]
    labels = little.argmax(1)
    one, half = (
        get_method("joint").losses(little, -little, labels, changed(little_weight=w))
        for w in (1.0, 0.5)
    )
    assert half.little.item() == pytest.approx(one.little.item() / 2)
    assert half.big.item() == one.big.item()
