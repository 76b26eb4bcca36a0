"""What is in a table, in words."""

from __future__ import annotations

from biglittle.bench import Benchmark
from biglittle.bench.table_text import table_text


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
