"""The script that measures the machine of the build, with a stand-in for the measuring."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from biglittle.bench import get_space, load_device
from biglittle.bench.device_document import FORMAT_2
from biglittle.bench.errors import DeviceError
from biglittle.data_tables.devices.make_build_machine import chosen_pairs, make
from biglittle.edge_profiler import device_name

SPACE = get_space("fbnet")


class Measures:
    """Writes what a quiet machine would give: latency in step with MACs."""

    def __init__(self, n_per_network: int = 240) -> None:
        self.n = n_per_network
        self.asked: list[str] = []

    def __call__(
        self, space, wanted, n_classes, protocol, on_progress, out, pairs
    ) -> dict[str, Any]:
        self.asked, self.pairs = wanted, pairs
        macs = space.macs(space.parse(wanted), n_classes)
        jitter = 1 + 0.01 * ((macs // 7) % 5)
        document = {
            "format": FORMAT_2, "device": "here", "description": "d", "space": space.name,
            "space_hash": space.hash, "n_classes": n_classes, "runtime": "onnxruntime CPU",
            "precision": "fp32", "threads": 1, "batch": 1, "source": "s", "author": None,
            "date": "2026-11-21", "tool_version": "1", "meter": None,
            "networks": [
                {"architecture": a, "latency_ms": float(m / 2e7 * j) + 0.3, "n": self.n,
                 "provenance": "measured"}
                for a, m, j in zip(wanted, macs, jitter, strict=True)
            ],
            "pairs": [],
        }  # fmt: skip
        out.write_text(json.dumps(document))
        return document


def test_the_profile_takes_its_place_once_it_passes(tmp_path: Path) -> None:
    measure = Measures()
    target = tmp_path / f"{device_name()}.json"
    target.write_text("an old one")
    assert make(0, 25, measure, tmp_path) == target
    assert list(tmp_path.iterdir()) == [target]
    found = load_device(target)
    assert set(found.measured_ms) == set(measure.asked)
    assert found.facts["author"] == "BigLittle maintainers"
    assert len(measure.asked) == 25


def test_networks_of_the_table_join_the_anchors_and_pairs_are_spread(tmp_path: Path) -> None:
    measure = Measures()
    make(anchors=5, measure=measure, folder=tmp_path)
    assert len(measure.asked) == len(set(measure.asked)) > 50
    assert 3 <= len(measure.pairs) <= 5
    macs = {a: int(SPACE.macs(SPACE.parse(a), 10)[0]) for pair in measure.pairs for a in pair}
    assert all(macs[little] < macs[big] for little, big in measure.pairs)
    assert chosen_pairs(SPACE, ["8" * 22]) == []


def test_what_does_not_pass_is_kept_apart(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="admission test"):
        make(0, 4, Measures(), tmp_path)  # too few
    assert [p.suffix for p in tmp_path.iterdir()] == [".measuring"]
