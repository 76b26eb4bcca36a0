"""The made-up table: the same from one seed, and with all that a real one has."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from biglittle.bench import Benchmark
from biglittle.bench.coupling import PREFIX
from biglittle.bench.rows import PAIR_TRAININGS, check_rows, completed
from biglittle.bench.synthetic import DEVICE, EXITS, synthetic_table
from biglittle.bench.table_writer import write_table


def test_one_seed_is_one_table() -> None:
    one, again, other = (synthetic_table(6, seed=seed) for seed in (3, 3, 4))
    for split in ("val", "test"):
        top1 = [table.predictions[split].top1 for table in (one, again, other)]
        assert np.array_equal(top1[0], top1[1])
        assert not np.array_equal(top1[0], top1[2])


def test_it_has_networks_of_every_training_and_whole_pairs() -> None:
    networks = completed(synthetic_table(8, n_pairs=2, n_trained=4).networks)
    check_rows(networks)
    trainings = set(networks["training"].tolist())
    assert {"inherited", "finetuned", "standalone", *PAIR_TRAININGS} == trainings
    inherited = networks["architecture"][networks["training"] == "inherited"]
    assert len(set(inherited.tolist())) == 8
    assert inherited[0] == "8" * 22


def test_exits_are_further_rows_and_change_no_other() -> None:
    plain, cut = synthetic_table(6, seed=3), synthetic_table(6, seed=3, n_exits=2)
    for split in ("val", "test"):
        one, other = plain.predictions[split], cut.predictions[split]
        assert np.array_equal(one.top1, other.top1[:6])
        assert len(other.top1) == 6 + 2 * len(EXITS)
        right, of = other.correct, cut.networks["architecture"]
        for row in range(6, len(of)):
            whole = int(np.flatnonzero(of[:6] == of[row])[0])
            agree = np.mean(right[row] == right[whole])
            strangers = right[row].mean() * right[whole].mean()
            strangers += (1 - right[row].mean()) * (1 - right[whole].mean())
            assert agree > strangers  # more than chance makes it


def test_an_exit_is_a_prefix_of_its_network_and_costs_less(tmp_path: Path) -> None:
    write_table(tmp_path / "t.h5", synthetic_table(6, seed=3, n_exits=2), "1", "2026-01-01")
    bench = Benchmark.load(tmp_path / "t.h5")
    assert len(bench.architectures) == 6
    costs = bench.costs(DEVICE)
    assert costs.trunk is not None
    for row in range(6, len(bench.table)):
        whole = bench.row(str(bench.table.networks["architecture"][row]))
        assert bench.table.couplings.kinds(row, whole) == PREFIX
        for name in ("latency_ms", "energy_mj", "macs", "params"):
            assert getattr(costs.trunk, name)[row] < getattr(costs, name)[row]
            assert getattr(costs, name)[row] < getattr(costs, name)[whole]
