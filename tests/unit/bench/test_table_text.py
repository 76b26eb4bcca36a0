"""What is in a table, in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.errors import TableError
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_text import table_text
from biglittle.bench.table_writer import write_table


def test_the_facts_of_a_table_are_told_with_their_provenance() -> None:
    facts = Benchmark.load("fbnet-cifar10").info()
    text = "\n".join(table_text(facts))
    assert text.startswith("fbnet-cifar10: space fbnet, data set cifar10\n")
    assert facts["sha256"] in text
    assert f"raspberry-pi-4: {facts['devices']['raspberry-pi-4']['networks']} networks" in text
    assert "ms (predicted)" in text  # of its exits, which are the least founded
    assert f"{facts['exits']} of them are cut at exits" in text
    for training, count in facts["training"].items():
        assert f"  {count} networks, {training}\n" in text


def test_who_names_an_exit_that_is_not_there_is_told_what_is(tmp_path: Path) -> None:
    bench = Benchmark.load("fbnet-cifar10")
    table = bench.table
    cut, counts = np.unique(table.networks["architecture"][table.exits > 0], return_counts=True)
    of = cut[counts < 9][0]
    there = set(table.networks["exit"][table.networks["architecture"] == of])
    lacking = next(e.name for e in table.space.exits if e.name not in there)
    with pytest.raises(TableError, match=r"It has exits .* of this architecture") as refusal:
        table.network_row(f"{of}@{lacking}")
    assert all(f" {name}" in str(refusal.value) for name in there if name)
    never = next(a for a in bench.architectures if a not in cut)
    with pytest.raises(TableError, match=rf"exits of {len(cut)} architectures and none of this"):
        table.network_row(f"{never}@12")
    path = tmp_path / "table.h5"
    write_table(path, synthetic_table(n_networks=12, seed=2), "test", "2020-01-01")
    plain = Benchmark.load(path)
    first = plain.architectures[0]
    with pytest.raises(TableError, match=r"but no exits at all\..*--on live"):
        plain.table.network_row(f"{first}@12")
    with pytest.raises(TableError, match="has none at all; give two to four networks"):
        plain.cascades.exit_chains(first)
