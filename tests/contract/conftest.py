"""Evaluators in closed form that every searcher is asked to search in."""

from __future__ import annotations

import pytest

from biglittle.testing.analytic import KINDS, Kinds


@pytest.fixture(scope="session")
def kinds() -> Kinds:
    """Classes of evaluators: single points, whole curves, and curves of few architectures."""
    return KINDS
