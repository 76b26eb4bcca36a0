"""How far a front is from the true one, in a box that a table may keep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.regret import REFERENCE_SETS
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table


@pytest.mark.parametrize("objectives", REFERENCE_SETS)
def test_regret_is_nothing_for_the_true_front_and_all_for_nothing(
    bench: Benchmark, objectives: tuple[str, ...]
) -> None:
    front = bench.front(DEVICE, objectives)
    assert bench.regret(front, DEVICE, objectives) == pytest.approx(0, abs=1e-12)
    half = front.points.take(np.arange(0, len(front), 2))
    assert 0 < bench.regret(half, DEVICE, objectives) < 1
    assert bench.regret(front.points.take(np.arange(0)), DEVICE, objectives) == 1


def test_a_stored_reference_box_is_used(tmp_path: Path, bench: Benchmark) -> None:
    box = bench.reference(DEVICE)
    contents = synthetic_table()
    stored = {**box.as_dict(), "hypervolume": 2 * box.hypervolume}
    contents = type(contents)(
        **{**vars(contents), "reference_points": {DEVICE: {"error,latency_ms": stored}}}
    )
    write_table(tmp_path / "t.h5", contents, "1", "2026-01-01")
    again = Benchmark.load(tmp_path / "t.h5")
    assert again.regret(again.front(DEVICE), DEVICE) == pytest.approx(0.5)


@pytest.mark.parametrize("cost", ["peak_memory_mib", "params"])
def test_a_stored_box_without_networks_alone_is_worked_out_anew(
    tmp_path: Path, bench: Benchmark, cost: str
) -> None:
    """As of a table made when every point counted two networks."""
    names = ("error", cost)
    box = bench.true_reference(DEVICE, names)
    for factor, volume in ((1.0, 0.125), (1.5, box.hypervolume)):
        utopian = [box.utopian[0], factor * box.utopian[1]]
        stored = {**box.as_dict(), "utopian": utopian, "hypervolume": 0.125}
        contents = synthetic_table()
        contents = type(contents)(
            **{**vars(contents), "reference_points": {DEVICE: {",".join(names): stored}}}
        )
        path = tmp_path / f"{factor}.h5"
        write_table(path, contents, "1", "2026-01-01")
        assert Benchmark.load(path).reference(DEVICE, names).hypervolume == volume


def test_every_device_has_a_box_for_every_set(bench: Benchmark) -> None:
    boxes = bench.reference_points()
    assert set(boxes) == {DEVICE}
    assert set(boxes[DEVICE]) == {",".join(names) for names in REFERENCE_SETS}
    for names in REFERENCE_SETS:
        box = boxes[DEVICE][",".join(names)]
        assert (np.array(box["utopian"]) < np.array(box["nadir"])).all()
        assert 0 < box["hypervolume"] < 1
