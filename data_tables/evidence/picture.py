"""The two pictures of the card, drawn from the table."""

from __future__ import annotations

from typing import Any

from ...bench import Benchmark
from ..flagship import RECIPE
from . import _pictures
from ._page import Step


def draw() -> None:
    """Accuracy against latency, and inherited against trained accuracy where there is any."""
    bench = Benchmark.load(RECIPE.name)
    _pictures.front_picture(bench, RECIPE.folder / _pictures.FRONT_PICTURE)
    _pictures.trust_picture(bench, RECIPE.folder / _pictures.TRUST_PICTURE)


def trust_picture_text(_: dict[str, Any]) -> str:
    """The picture of inherited against trained accuracy, or that there is none yet."""
    if not (RECIPE.folder / _pictures.TRUST_PICTURE).exists():
        return "A picture will stand here as soon as there are networks trained further."
    return (
        f"![Test accuracy with inherited weights against after training]({_pictures.TRUST_PICTURE})"
    )


STEP = Step(draw, {"trust_picture": trust_picture_text}, keeps=False)
