"""Cascades of a table's networks against answers looked at one by one, and against pairs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, Cascade, CascadePoint, Gate, OperatingPoint, Pair
from biglittle.bench.cascade_points import share_text
from biglittle.bench.cost import cascade_costs
from biglittle.bench.errors import (
    ArchitectureError,
    ConstraintError,
    GateError,
    TableError,
    UnknownNameError,
)
from biglittle.bench.figures import POINT_FIGURES
from biglittle.bench.gates import get_metric
from biglittle.bench.pareto import nondominated
from biglittle.bench.synthetic import DEVICE, EXITS, synthetic_table
from biglittle.bench.table_writer import write_table


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    """Eight inherited networks, two of them with exits, and co-trained pairs."""
    path = tmp_path_factory.mktemp("table") / "table.h5"
    contents = synthetic_table(8, n_val=150, n_test=200, n_pairs=1, n_exits=2)
    write_table(path, contents, "1", "2026-01-01")
    return Benchmark.load(path)


@pytest.fixture(scope="module")
def cut(bench: Benchmark) -> str:
    """A network with exits."""
    table = bench.table
    return str(table.networks["architecture"][np.flatnonzero(table.exits)[0]])


def _figures(point: OperatingPoint | CascadePoint) -> dict[str, float | None]:
    return {name: getattr(point, name) for name in POINT_FIGURES}


@pytest.mark.parametrize("split", ["val", "test"])
@pytest.mark.parametrize("exits", [("4", "12"), ("4s", "8", "12")])
def test_query_agrees_with_counting_by_hand(
    bench: Benchmark, cut: str, split: str, exits: tuple[str, ...]
) -> None:
    cascade = Cascade.exits_of(cut, exits, Gate("margin", 0.4))
    rows = [bench.table.network_row(name) for name in cascade.networks]
    stored, metric = bench.table.predictions(split), get_metric("margin")
    answered, hits = np.zeros(len(rows)), 0
    for image, label in enumerate(stored.labels):
        for stage, row in enumerate(rows):
            if stage == len(rows) - 1 or metric.decode(stored.codes["margin"][row, image], 10) >= (
                0.4
            ):
                break
        answered[stage] += 1
        hits += int(stored.top1[row, image] == label)
    point = bench.query_cascade(cascade, DEVICE, split)
    assert point.accuracy == hits / len(stored.labels)
    assert point.answered == tuple((answered / len(stored.labels)).tolist())
    assert sum(point.answered) == pytest.approx(1.0)
    assert point.reach[0] == 1.0
    assert point.escalation_rate == point.reach[1]
    costs = bench.costs(DEVICE)
    shared = bench.table.couplings.stages(rows, costs)
    figures = cascade_costs([costs.one(row) for row in rows], point.reach[1:], shared)
    assert {name: getattr(point, name) for name in figures} == figures
    assert point.couplings == ("prefix",) * len(exits)


def test_early_exits_run_their_trunk_once(bench: Benchmark, cut: str) -> None:
    """Where nothing is answered early, the stages cost the whole network and their heads."""
    cascade = Cascade.exits_of(cut, ("4", "8", "12"), ("margin", 1.0))
    point, costs = bench.query_cascade(cascade, DEVICE), bench.costs(DEVICE)
    rows = [bench.table.network_row(name) for name in cascade.networks]
    assert costs.trunk is not None
    heads = sum(costs.macs[row] - costs.trunk.macs[row] for row in rows[:-1])
    assert point.macs == pytest.approx(costs.macs[rows[-1]] + heads)
    own = sum(costs.params[row] - costs.trunk.params[row] for row in rows[:-1])
    assert point.params == costs.params[rows[-1]] + own
    assert point.accuracy == bench.accuracy()[rows[-1]]
    first = replace(cascade, gates=(Gate("margin", 0.0),) * 3)
    alone = bench.query_cascade(first, DEVICE)
    assert (alone.params, alone.answered) == (costs.params[rows[0]], (1.0, 0.0, 0.0, 0.0))


def test_a_network_that_no_input_reaches_is_said_to_be_counted_nowhere(
    bench: Benchmark, cut: str
) -> None:
    exits = Cascade.exits_of(cut, ("4", "12"), [("margin", 0.4), ("margin", 0.0)])
    point = bench.query_cascade(exits, DEVICE)
    assert point.reach[-1] == 0.0
    alone = bench.query_cascade(Cascade(exits.networks[:2], exits.gates[:1]), DEVICE)
    for name in ("latency_worst_ms", "params", "peak_memory_mib", "ram_kib", "flash_kib"):
        assert getattr(point, name) == getattr(alone, name)
    explained = f"None of these inputs reaches {cut}; no figure counts it"
    assert explained in " ".join(point.text())
    assert "None of these inputs" not in " ".join(alone.text())


def test_a_share_that_is_not_zero_is_not_shown_as_that() -> None:
    assert [share_text(share) for share in (0.0, 0.0001, 0.0005, 1.0)] == [
        "0.0 %",
        "under 0.1 %",
        "0.1 %",
        "100.0 %",
    ]


def test_one_that_says_which_of_its_networks_does_as_well_alone(bench: Benchmark, cut: str) -> None:
    cascade = Cascade.exits_of(cut, ("12",), ("margin", 1.0))
    point = bench.query_cascade(cascade, DEVICE)  # the whole network after its exit's head
    assert point.better_alone is not None
    assert "as the cascade here" in point.text()[-1]
    assert point.record()["better_alone"]["architecture"] == point.better_alone.architecture
    whole = Cascade.exits_of(cut, ("12",), ("margin", 0.0))
    alone = bench.query_cascade(whole, DEVICE).better_alone
    assert alone is not None
    assert alone.architecture == f"{cut}@12"  # its name says where it is cut
    pair = bench.query(Pair(f"{cut}@12", cut), ("margin", 0.0), DEVICE)
    assert pair.better_alone == alone


@pytest.mark.parametrize("gate", ["margin", "learned", "oracle"])
def test_a_cascade_of_two_is_the_pair(bench: Benchmark, cut: str, gate: str) -> None:
    ids = bench.architectures
    for pair in (Pair(ids[0], cut), Pair(f"{cut}@8", cut), *bench.table.cotrained()[:2]):
        one = bench.query(pair, (gate, 0.4), DEVICE)
        other = bench.query_cascade(Cascade.of(pair, (gate, 0.4)), DEVICE)
        assert _figures(one) == _figures(other)
        assert one.provenance == other.provenance
        limits = {"latency_ms": float(bench.costs(DEVICE).latency_ms.mean())}
        one = bench.choose(pair, gate, DEVICE, limits)
        other = bench.choose_cascade(pair, gate, DEVICE, limits)
        assert (one.threshold,) == other.thresholds
        assert _figures(one) == _figures(other)


def test_the_front_of_a_cascade_of_two_is_that_of_its_curve(bench: Benchmark, cut: str) -> None:
    pair = Pair(f"{cut}@8", cut)
    for objectives in (("error", "latency_ms"), ("error", "energy_mj", "latency_p95_ms")):
        points = bench.curve(pair, "margin", DEVICE, "val").points
        values = np.stack([points.figure(name) for name in objectives], axis=1)
        expected = values[nondominated(values)]
        front = bench.cascades.front([pair], "margin", DEVICE, objectives)
        got = [[getattr(point, name) for name in objectives] for point in front.chosen]
        assert np.array_equal(np.array(got), expected)
        assert front[0] in tuple(front)
        assert len(front) == len(front.points) == len(front[:])
        assert (front.n_cascades, front.n_points) == (1, len(set(points.escalation_rate)))
        assert "CascadeFront(error, " in repr(front)


def test_what_is_chosen_on_val_is_reported_on_test(bench: Benchmark, cut: str) -> None:
    networks = (f"{cut}@4", f"{cut}@12", cut)
    limit = float(bench.costs(DEVICE).latency_ms[bench.row(cut)]) * 0.8
    point = bench.choose_cascade(networks, ("margin", "entropy"), DEVICE, {"latency_ms": limit})
    gates = tuple(Gate(g, t) for g, t in zip(point.gates, point.thresholds, strict=True))
    cascade = Cascade(networks, gates)
    assert _figures(point) == _figures(bench.query_cascade(cascade, DEVICE))
    judged = bench.query_cascade(cascade, DEVICE, "val")
    assert judged.latency_ms is not None
    assert judged.latency_ms <= limit
    for thresholds in ((0.2, 0.1), (0.5, 0.5), (0.9, 0.3)):
        other = tuple(Gate(g, t) for g, t in zip(point.gates, thresholds, strict=True))
        rival = bench.query_cascade(Cascade(networks, other), DEVICE, "val")
        assert rival.latency_ms is not None
        assert rival.latency_ms > limit or rival.accuracy <= judged.accuracy
    cheap = bench.choose_cascade(
        networks, "margin", DEVICE, {"accuracy": 0.3}, objective="latency_ms"
    )
    assert cheap.latency_ms is not None
    assert cheap.latency_ms <= limit


def test_all_chains_of_a_network_with_exits(bench: Benchmark, cut: str) -> None:
    chains = bench.cascades.exit_chains(cut)
    assert {len(chain) for chain in chains} == {2, 3, 4}
    names = {f"{cut}@{name}" for name in EXITS} | {cut}
    assert {name for chain in chains for name in chain} == names
    assert len(chains) == len(set(chains)) == (3 * 4 + 3 * 2) + (8 + 3 * 4) + 8
    assert bench.cascades.exit_chains(cut, most=2) == [c for c in chains if len(c) == 2]
    front = bench.cascades.front(chains[:20], "margin", DEVICE)
    assert front.n_cascades == 20
    best = bench.cascades.front(chains[0], "margin", DEVICE)
    assert max(p.accuracy for p in front.chosen) >= max(p.accuracy for p in best.chosen)
    assert all(point.networks in chains for point in front)


def test_a_cascade_is_as_well_founded_as_its_weakest_network(bench: Benchmark, cut: str) -> None:
    pytest.importorskip("scipy")  # exits are predicted there, whole networks are sums of blocks
    ids, two = bench.architectures, [("margin", 0.4)] * 2
    whole = Cascade(ids[:3], two)  # type: ignore[arg-type]
    assert bench.query_cascade(whole, "raspberry-pi-4").provenance["latency_ms"] == "block-sum"
    exits = Cascade((f"{cut}@4", ids[0], cut), two)  # type: ignore[arg-type]
    words = bench.query_cascade(exits, "raspberry-pi-4").provenance
    assert {words[n] for n in ("latency_ms", "latency_p95_ms", "latency_worst_ms")} == {"predicted"}


def test_bad_cascades_say_what_was_expected(bench: Benchmark, cut: str) -> None:
    ids, margins = bench.architectures, (Gate("margin", 0.4),) * 2
    outside = "7" * 22
    with pytest.raises(TableError, match="not in table 'synthetic'"):
        bench.query_cascade(Cascade((ids[0], ids[1], outside), margins), DEVICE)
    with pytest.raises(TableError, match=f"{cut}@20 .inherited. is not in table"):
        bench.query_cascade(Cascade((f"{cut}@20", ids[1], cut), margins), DEVICE)
    with pytest.raises(ArchitectureError, match="no exit '13'"):
        bench.query_cascade(Cascade((f"{cut}@13", ids[1], cut), margins), DEVICE)
    far = (Gate("margin", 0.4), Gate("margin", 1.5))
    with pytest.raises(GateError, match="from 0 to 1"):
        bench.query_cascade(Cascade((ids[0], ids[1], cut), far), DEVICE)
    oracles = (Gate("oracle", 0.4),) * 2
    with pytest.raises(GateError, match="compares the answers of two networks"):
        bench.query_cascade(Cascade((ids[0], ids[1], cut), oracles), DEVICE)
    with pytest.raises(UnknownNameError, match=DEVICE):
        bench.query_cascade(Cascade((ids[0], ids[1], cut), margins), "synthetic-devise")


def test_choices_that_cannot_be_made_say_why(bench: Benchmark, cut: str) -> None:
    chain, ids = (f"{cut}@4", f"{cut}@8", cut), bench.architectures
    with pytest.raises(ConstraintError, match="The best reachable, each by itself: latency_ms"):
        bench.choose_cascade(chain, "margin", DEVICE, {"latency_ms": 0.1})
    with pytest.raises(ConstraintError, match=r"of these cascades .* accuracy"):
        bench.cascades.front([chain], "margin", DEVICE, limits={"accuracy": 1.0})
    with pytest.raises(GateError, match="3 gates were given for 3 networks; expected 2"):
        bench.choose_cascade(chain, ("margin",) * 3, DEVICE, {"latency_ms": 20})
    with pytest.raises(GateError, match="pass its name alone"):
        bench.choose_cascade(chain, Gate("margin", 0.4), DEVICE, {})  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="objective"):
        bench.choose_cascade(chain, "margin", DEVICE, {"latency": 20})
    with pytest.raises(ConstraintError, match="give some, each once"):
        bench.cascades.front([chain], "margin", DEVICE, ("error", "error"))
    with pytest.raises(ConstraintError, match="no cascade was given"):
        bench.cascades.front([], "margin", DEVICE)
    with pytest.raises(TableError, match=r"has no exits in table .* 2 architectures have some"):
        bench.cascades.exit_chains(ids[0])


def test_a_figure_that_a_device_has_not_is_no_objective(tmp_path: Path) -> None:
    contents = synthetic_table(6, n_val=60, n_test=60, n_exits=1)
    columns = dict(contents.devices[DEVICE])
    columns["latency_ms"] = columns["latency_ms"].copy()
    columns["latency_ms"][0] = np.nan
    path = tmp_path / "t.h5"
    write_table(path, replace(contents, devices={DEVICE: columns}), "1", "2026-01-01")
    bench = Benchmark.load(path)
    ids = bench.architectures[:3]
    point = bench.query_cascade(Cascade(ids, [("margin", 0.4)] * 2), DEVICE)  # type: ignore[arg-type]
    assert point.latency_ms is None
    assert "latency_ms" not in point.provenance
    assert "not available" in "\n".join(point.text())
    assert bench.choose_cascade(ids, "margin", DEVICE, {"macs": 1e9}).macs < 1e9
    with pytest.raises(ConstraintError, match="has no latency_ms on synthetic-device"):
        bench.choose_cascade(ids, "margin", DEVICE, {"latency_ms": 20})
