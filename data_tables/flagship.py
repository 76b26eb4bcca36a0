"""The table that the evidence is about and that new ones start from: the one place to name it."""

from __future__ import annotations

from .fbnet_cifar10.recipe import RECIPE

__all__ = ["RECIPE"]
