"""Measures the machine it runs on: two of every three networks of the table, nothing else running.

Run: ``python -m biglittle.data_tables.devices.make_build_machine``. It writes a profile named after
the CPU model beside this script, and goes on from one that is there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ...bench import Benchmark
from ...edge_profiler import device_name, profile_networks

TABLE = "fbnet-cifar10"
STRIDE = 3  # one network in three is left to be predicted


def main() -> None:
    """Writes the profile."""
    bench = Benchmark.load(TABLE)
    wanted = [a for i, a in enumerate(bench.architectures) if i % STRIDE != STRIDE - 1]
    target = Path(__file__).with_name(f"{device_name()}.json")
    profile = profile_networks(bench.table.space, wanted, bench.table.n_classes, out=target)
    sys.stderr.write(f"{target.name}: {len(profile['networks'])} networks\n")


if __name__ == "__main__":
    main()
