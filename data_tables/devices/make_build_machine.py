"""Measures the machine it runs on: the anchors, networks of the table, and pairs end to end.

Run: ``python -m biglittle.data_tables.devices.make_build_machine``, with nothing else running. Of
every three networks of the table two are measured, the third is left to be predicted; at some 1.2 s
a network that is six minutes for a table of 430, and one more for the 40 anchors. It writes a
profile named after the CPU model beside this script once all is done and the profile passes its
admission test; a run that was interrupted goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...bench import Benchmark, SearchSpace
from ...bench.errors import DeviceError
from ...edge_profiler import Protocol, device_name, profile_networks, write_profile
from ...edge_profiler.anchors import N_ANCHORS, anchor_networks
from ...edge_profiler.check import check_file
from ._maker import run

TABLE = "fbnet-cifar10"
STRIDE = 3  # one network in three is left to be predicted
#: Little and big of the pairs measured end to end, as places in the order of MACs.
PAIRS = ((0.0, 0.5), (0.0, 1.0), (0.1, 0.6), (0.25, 0.75), (0.5, 1.0))
FACTS = {
    "author": "BigLittle maintainers",
    "licence": "Apache-2.0",
    "source": "measured by biglittle profile: anchors, two of every three networks of the table "
    f"{TABLE}, and {len(PAIRS)} pairs as one graph each",
    "notes": [
        "A shared virtual machine without a fixed clock: ratios to the reference repeat, "
        "milliseconds are those of the session.",
        "No meter can be read there, so there is no energy.",
    ],
}


def chosen_pairs(space: SearchSpace, architectures: Sequence[str]) -> list[tuple[str, str]]:
    """(little, big) spread over the sizes of networks."""
    macs = space.macs(space.parse(list(architectures)), 10)
    order = [architectures[i] for i in np.argsort(macs, kind="stable")]
    places = [[round(share * (len(order) - 1)) for share in pair] for pair in PAIRS]
    return [(order[a], order[b]) for a, b in dict.fromkeys(map(tuple, places)) if a != b]


def make(
    stride: int = STRIDE,
    anchors: int = N_ANCHORS,
    measure: Callable[..., dict[str, Any]] = profile_networks,
    folder: Path = Path(__file__).parent,
) -> Path:
    """The file of a profile that passes its admission test and lies in its place.

    Args:
        stride: one network in so many is left out; 1 measures every network of the table, 0 none.
        anchors: number of anchors that are measured beside them.
        measure: what measures networks, as `profile_networks` does.
        folder: where the profile goes; as a rule beside those that ship.

    Raises:
        DeviceError: the profile does not pass its admission test.
    """
    bench = Benchmark.load(TABLE)
    space, n_classes = bench.table.space, bench.table.n_classes
    listed = list(bench.architectures)
    if stride != 1:
        listed = [a for i, a in enumerate(listed) if stride and (i + 1) % stride]
    wanted = list(dict.fromkeys([*anchor_networks(space, anchors, n_classes), *listed]))
    # Not .json until it is whole, or it would be a device.
    working = folder / f"{device_name()}.measuring"

    def say(done: int, total: int, entry: dict[str, Any]) -> None:
        sys.stderr.write(f"{done}/{total} {entry['architecture']} {entry['latency_ms']} ms\n")

    profile = measure(
        space,
        wanted,
        n_classes,
        Protocol(),
        on_progress=say,
        out=working,
        pairs=chosen_pairs(space, listed or wanted),
    )
    write_profile(working, {**profile, **FACTS})
    admission = check_file(working)
    sys.stderr.write(admission.text() + "\n")
    if not admission.passed:
        raise DeviceError(
            f"the profile does not pass its admission test and lies in {working.name}; measure "
            "again with nothing else running."
        )
    target = folder / f"{device_name()}.json"
    working.replace(target)
    sys.stderr.write(f"{target.name}: {len(profile['networks'])} networks\n")
    return target


if __name__ == "__main__":
    run(make)
