"""NAS-Bench-201 stands beside random search."""

from __future__ import annotations

from typing import Any

import pytest

from biglittle.data_tables.evidence.searchers import nb201


def row(name: str, median: float) -> dict[str, Any]:
    figures = {"low": median / 2, "high": 2 * median, "quarter": 3 * median}
    return {
        "searcher": name,
        "median": median,
        **figures,
        "p_random": 0.01,
        "p_best": None,
        "seconds": 1.5,
    }


def compared(nsga2: float, rand: float) -> dict[str, Any]:
    return {
        "table": [row("nsga2", nsga2), row("random", rand)],
        "facts": {"networks": 7, "cores": 2, "cpu": "some-cpu", "python": "3", "numpy": "2"},
        "budget": 2000,
        "seeds": 10,
        "reference": {"n_points": 44},
    }


@pytest.mark.parametrize(("missing", "said"), [(0.04, "(reached)"), (0.06, "(not reached)")])
def test_nb201_stands_beside_random(missing: float, said: str) -> None:
    useful = {"error_max": 0.2, "share": {"nsga2": [0.9, 0.95], "random": [0.8]}}
    text = nb201.nb201_text({**compared(missing, 0.1), "useful": useful})
    assert said in text
    assert "`random` 90.00 %" in text
    assert "true front has\n44 members" in text
