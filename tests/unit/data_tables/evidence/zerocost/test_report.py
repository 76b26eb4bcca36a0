"""A report from made-up scores, taken by seeds that are complete, of what is published."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from biglittle.bench import get_space  # noqa: E402
from biglittle.bench.errors import BigLittleError  # noqa: E402
from biglittle.data_tables.evidence.zerocost import (  # noqa: E402
    _measure,
    _published,
    _scoring,
    _sets,
    report,
)
from biglittle.zerocost import Columns, bulk  # noqa: E402


def test_an_empty_folder_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(BigLittleError, match="step 'zerocost/score'"):
        _measure.measure(tmp_path)


CELLS = [f"{i:06d}" for i in (0, 111111, 222222, 333333, 12340, 43210, 104104, 240240)]


def _columns(
    seeds: tuple[int, ...] = (0, 1), proxies: tuple[str, ...] = ("params", "macs", "snip")
):  # type: ignore[no-untyped-def]
    """Made-up scores of ``CELLS``: snip is the rank of the accuracies below, and fails once."""
    keys = [(a, s) for s in seeds for a in CELLS]
    rng = np.random.default_rng(0)
    scores = {p: rng.random(len(keys)) for p in proxies}
    scores["snip"] = np.array([float(CELLS.index(a)) for a, _ in keys])
    scores["snip"][len(CELLS) - 1 :: len(CELLS)] = np.nan
    return Columns(
        tuple(a for a, _ in keys),
        np.array([s for _, s in keys]),
        scores,
        {p: np.full(len(keys), 0.5) for p in proxies},
        np.full(len(keys), 0.75),
        tuple({"snip": "no"} if a == CELLS[-1] else {} for a, _ in keys),
        {
            "schema": bulk.SCHEMA,
            "proxies": list(proxies),
            "batch": "made up",
            "torch": "0",
            "device": "cpu",
        },
    )


def _rows(columns: Columns, keep: slice) -> Columns:
    return replace(
        columns,
        architectures=columns.architectures[keep],
        seeds=columns.seeds[keep],
        scores={p: v[keep] for p, v in columns.scores.items()},
        alone_s={p: v[keep] for p, v in columns.alone_s.items()},
        total_s=columns.total_s[keep],
        failures=columns.failures[keep],
    )


@pytest.fixture
def accuracies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of accuracies that grow along ``CELLS``."""
    folder = tmp_path / "published"
    (folder / "nb201").mkdir(parents=True)
    operations = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    space = get_space("nb201")
    names = list(_sets.NB201_COLUMNS.values())
    lines = [f"nb201_index,arch_str,{','.join(names)}"]
    for i, cell in enumerate(CELLS):
        digits = [operations[int(d)] for d in cell]
        text = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*digits)
        assert space.format(space.parse([text]))  # the file's own way to write a cell
        lines.append(f"{i},{text},{50 + i},{40 + i},{30 + i}")
    with gzip.open(folder / "nb201" / "accuracy.csv.gz", "wt") as file:
        file.write("\n".join(lines) + "\n")
    monkeypatch.setenv("BIGLITTLE_REFERENCE_DATA", str(folder))
    return folder


def test_a_report_from_made_up_scores(tmp_path: Path, accuracies: Path) -> None:
    pytest.importorskip("matplotlib")
    working, out = tmp_path / "w", tmp_path / "out"
    columns = _columns()
    for shard in (0, 1):
        bulk._write(working / f"nb201-{shard}.h5", _rows(columns, slice(shard, None, 2)))
    row = {p: [1.0, 2.0, 3.0, None] for p in _scoring.OF_FEW}
    turned = {p: [3.0, 2.0, 1.0, 5.0] for p in _scoring.OF_FEW}
    few = {
        "cells": 4,
        "images": {
            "64": {"scores": turned, "together_s": 2.0},
            "16": {"scores": row, "together_s": 0.5},
        },
    }
    (working / "few.json").write_text(json.dumps(few))
    told_of_speed = {
        "macs": 59_000_000, "batch": 64, "threads": 2, "rounds": 3, "together_s": 4.0,
        "first_together_s": 5.0, "times_faster": 2.25, "training_step_s": 0.5,
        "together_in_training_steps": 8.0,
    }  # fmt: skip
    benchmark = {
        "machine_info": {"cpu": {"brand_raw": "A processor"}},
        "benchmarks": [{"extra_info": told_of_speed}],
    }
    (working / "speed-1.json").write_text(json.dumps(benchmark))
    benchmark["benchmarks"] = [{"extra_info": {**told_of_speed, "together_s": 4.5}}]
    (working / "speed-2.json").write_text(json.dumps(benchmark))
    like = replace(columns, scores={p: -v for p, v in columns.scores.items()})
    like = _rows(like, slice(len(CELLS)))  # one seed
    bulk._write(working / "published-imagenet16-120-0.h5", like)
    found = report.measure_scores(working, 20, out / "zerocost.png")
    json.dumps(found, allow_nan=False)
    told, page = report.text(found), report.page_text(found)
    cell = found["targets"]["nb201 cifar10"]["snip"]
    assert (cell["n"], cell["left_out"], cell["seeds"]) == (7, 1, 2)
    assert cell["spearman"] == pytest.approx(1)
    assert found["few"]["images"] == [16, 64]
    assert found["few"]["proxies"]["zico"] == {"n": 3, "spearman": pytest.approx(-1)}
    assert found["time_s"]["nb201"]["together"] == 0.75
    assert "| `snip` | 1.000 | 1.000 to 1.000 | 1.000 |" in told
    assert "`snip`: the published figure is outside our interval" in told
    again = "; on 7 cells and a batch like the data set (below) it is -1.000, -1.578."
    assert told.count(again) == 1
    assert "scores that failed: snip 2" in told
    known = found["all_cells"]["targets"]["nb201 cifar10"]
    assert f"of {len(CELLS)} cells: `macs` " in told
    assert set(known) == {"macs", "params"}
    assert f"and {known['params']:.3f} on all." in told
    assert "| sum of the lines above | 1.500 |" in told
    far = "| nb201 imagenet16-120 | `snip` | 1.000 | -1.000 | -1.000 to -1.000 | -1.000 | 7 |"
    assert f"{far} 1 | 0.578 | -1.578 (far) |" in told
    assert "take 4.0 to 4.5 s at once (5.0 s the first time in a process), which is 2.25" in told
    assert "2 threads of A processor, 2 runs of 3 rounds" in page
    assert (out / "zerocost.png").stat().st_size > 1000
    assert "| nb201 cifar10 | 8 | 2 |" in page
    assert "`snip` 1.000" in page


def test_a_speed_of_something_else_is_refused() -> None:
    with pytest.raises(BigLittleError, match=r"0 benchmarks of proxies.*--benchmark-json"):
        _measure.speed({"benchmarks": [{"extra_info": {"ratio": 2}}]})


def test_only_seeds_that_are_complete_are_reported(
    tmp_path: Path, accuracies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = _columns()
    assert _scoring.finished_seeds(everything, 3) == [0, 1]
    assert _scoring.finished_seeds(everything, 1) == [0]
    assert _scoring.finished_seeds(_rows(everything, slice(11)), 3) == [0]
    bulk._write(tmp_path / "nb201-0.h5", _rows(everything, slice(11)))
    found = _measure.measure(tmp_path, rounds=10)
    assert found["made_with"]["nb201"]["networks"] == len(CELLS)
    assert found["made_with"]["nb201"]["seeds"] == 1
    monkeypatch.setattr(_measure, "FEWEST", 9)
    with pytest.raises(BigLittleError, match="no scores of 9"):
        _measure.measure(tmp_path, rounds=10)
    assert found["targets"]["nb201 cifar10"]["snip"]["seeds"] == 1


def test_a_set_like_a_data_set_is_scored_by_what_is_published_of_it(
    tmp_path: Path, accuracies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def run(ids, batch, out, proxies, **options):  # type: ignore[no-untyped-def]
        asked.update(ids=ids, out=out, proxies=proxies, n_classes=options["n_classes"])

    monkeypatch.setattr(_scoring, "run", run)
    monkeypatch.setattr(_scoring, "batch_of", lambda which, folder: which)
    _scoring.score_step("published-imagenet16-120", tmp_path, (1, 3), n_networks=7)
    assert len(asked["ids"]) == 2
    assert asked["out"] == tmp_path / "published-imagenet16-120-1.h5"
    assert (asked["proxies"], asked["n_classes"]) == (_published.HELD_AGAINST, 120)
    _scoring.score_step("nb201", tmp_path)
    assert (asked["proxies"], asked["n_classes"]) == ("all", 10)
