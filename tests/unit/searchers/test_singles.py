"""Of single networks those stay that are the most accurate for a cost."""

from __future__ import annotations

import numpy as np

from biglittle.bench import NetworkFigures, get_space
from biglittle.bench.cost import network_costs
from biglittle.searchers.singles import SINGLE_COSTS, best_of

SPACE = get_space("fbnet")
GENOMES = SPACE.parse(["8" * 22, "0" * 22, "3" * 22])


def figures(accuracy: list[float], latency_ms: list[float]) -> NetworkFigures:
    costs = network_costs(
        SPACE,
        GENOMES,
        10,
        latency_ms=np.array(latency_ms),
        energy_mj=np.full(3, np.nan),
        gate_ms=0.0,
        provenance={"latency_ms": "measured", "energy_mj": "modelled"},
    )
    return NetworkFigures(np.array(accuracy), costs, "predicted")


def test_a_network_that_is_worse_by_every_cost_goes() -> None:
    singles = best_of(SPACE, GENOMES, figures([0.5, 0.9, 0.8], [1.0, 2.0, 3.0]))
    assert singles.architecture.tolist() == ["8" * 22, "0" * 22]
    assert singles.accuracy.tolist() == [0.5, 0.9]
    assert singles.provenance["accuracy"] == "predicted"
    assert singles.provenance["latency_ms"] == "measured"
    assert singles.provenance["macs"] == "modelled"


def test_the_best_by_one_cost_stays() -> None:
    singles = best_of(SPACE, GENOMES, figures([0.5, 0.8, 0.8], [1.0, 3.0, 2.0]))
    assert len(singles) == 3  # the second has fewer MACs, the third is faster


def test_records_are_plain_json_without_what_nobody_has() -> None:
    records = best_of(SPACE, GENOMES, figures([0.5, 0.9, 0.8], [1.0, 2.0, 3.0])).records()
    assert [r["latency_ms"] for r in records if r] == [1.0, 2.0]
    assert all(r and r["energy_mj"] is None for r in records)
    assert all(r and {*SINGLE_COSTS} < {*r} for r in records)
    assert all(r and "energy_mj" not in r["provenance"] for r in records)
    assert all(r and r["provenance"]["latency_ms"] == "measured" for r in records)
