"""The student's loss, checked against its definition."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from biglittle.cotrain.methods import get_method  # noqa: E402


def test_the_student_of_itself_has_nothing_to_learn(changed, little: torch.Tensor) -> None:  # type: ignore[no-untyped-def]
    labels = little.argmax(1)
    recipe = changed(distillation=1.0)
    losses = get_method("distilled").losses(little, little.clone(), labels, recipe)
    assert losses.little.item() == pytest.approx(0.0, abs=1e-5)
