"""Which networks of a front are evaluated next."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("scipy")
pytest.importorskip("xgboost")

from biglittle.bench.figures import POINT_FIGURES
from biglittle.bench.points import Points
from biglittle.data_tables.building.choosing import choose


def front(pairs: list[tuple[str, str]]) -> Points:
    n = len(pairs)
    return Points(
        little=np.array([p[0] for p in pairs]),
        big=np.array([p[1] for p in pairs]),
        gate=np.full(n, "margin"),
        threshold=np.zeros(n),
        provenance={},
        split=None,
        **{f: np.arange(n, dtype=float) for f in POINT_FIGURES},
    )


def test_half_of_a_batch_is_spread_and_half_uncertain() -> None:
    pairs = [(f"l{i}", f"b{i}") for i in range(20)]
    std = {a: float(a == "b7") + 0.5 * (a == "l3") for pair in pairs for a in pair}
    picked = choose(front(pairs), std, {"l0"}, 8)
    assert len(dict(picked)) == len(picked) == 8
    reasons = dict(picked)
    assert "l0" not in reasons
    assert {"b0", "l19"} <= {a for a, r in picked if r == "spread"}
    assert reasons["b7"] == reasons["l3"] == "uncertain"
    assert choose(front(pairs[:1]), std, set(), 8) == [("l0", "spread"), ("b0", "spread")]
    assert choose(front(pairs), std, {a for p in pairs for a in p}, 8) == []
