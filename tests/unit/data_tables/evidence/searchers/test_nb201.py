"""NAS-Bench-201 stands beside random search."""

from __future__ import annotations

import pytest

from biglittle.data_tables.evidence.searchers import nb201


@pytest.mark.parametrize(("missing", "said"), [(0.04, "(reached)"), (0.06, "(not reached)")])
def test_nb201_stands_beside_random(compared, missing: float, said: str) -> None:  # type: ignore[no-untyped-def]
    useful = {"error_max": 0.2, "share": {"nsga2": [0.9, 0.95], "random": [0.8]}}
    text = nb201.nb201_text({**compared(missing, 0.1), "useful": useful})
    assert said in text
    assert "`random` 90.00 %" in text
    assert "true front has\n44 members" in text
