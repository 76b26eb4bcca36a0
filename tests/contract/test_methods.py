"""Every co-training method keeps the same promises, whatever its losses are."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.errors import UnknownNameError  # noqa: E402
from biglittle.cotrain.methods import METHODS, get_method  # noqa: E402
from biglittle.cotrain.recipe import Recipe  # noqa: E402
from biglittle.testing import MethodContract  # noqa: E402
from biglittle.testing.methods import RECIPE, _logits  # noqa: E402


class TestMethods(MethodContract):
    names = METHODS.shipped()


def _changed(**values: float) -> Recipe:
    return dataclasses.replace(RECIPE, pair=dataclasses.replace(RECIPE.pair, **values))


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
