"""How a figure that may not exist is written and sorted."""

from __future__ import annotations

import math


def number(value: float | None, digits: int = 3) -> str:
    """A figure with so many digits after the point, a dash where there is none."""
    return "-" if value is None or math.isnan(value) else f"{value:.{digits}f}"


def order(value: float | None) -> float:
    """A rank correlation to sort by; one that does not exist comes after all others."""
    return -2.0 if value is None or math.isnan(value) else value
