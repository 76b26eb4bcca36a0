"""A comparison of two searchers, as the pages about searchers read it."""

from __future__ import annotations

from typing import Any

import pytest


def _row(name: str, median: float) -> dict[str, Any]:
    figures = {"low": median / 2, "high": 2 * median, "quarter": 3 * median}
    return {
        "searcher": name,
        "median": median,
        **figures,
        "p_random": 0.01,
        "p_best": None,
        "seconds": 1.5,
    }


@pytest.fixture
def compared():  # type: ignore[no-untyped-def]
    """Makes a comparison of what ``nsga2`` and ``random`` leave of the front's hypervolume."""

    def comparison(nsga2: float, rand: float) -> dict[str, Any]:
        return {
            "table": [_row("nsga2", nsga2), _row("random", rand)],
            "facts": {"networks": 7, "cores": 2, "cpu": "some-cpu", "python": "3", "numpy": "2"},
            "budget": 2000,
            "seeds": 10,
            "reference": {"n_points": 44},
        }

    return comparison
