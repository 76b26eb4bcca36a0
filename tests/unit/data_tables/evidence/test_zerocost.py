"""The evidence on proxies: its statistics by hand, and a report from made-up scores."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench import Benchmark, get_space  # noqa: E402
from biglittle.bench.errors import BigLittleError  # noqa: E402
from biglittle.data_tables.evidence.zerocost import (  # noqa: E402
    _agreement,
    _measure,
    _pairs,
    _published,
    _scoring,
    _sets,
    report,
)
from biglittle.zerocost import Batch, Columns, bulk  # noqa: E402


def test_statistics_by_hand() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert _agreement.spearman(x, np.exp(x)) == pytest.approx(1)
    assert _agreement.spearman(x, np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(0.8)
    assert _agreement.kendall(x, np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(4 / 6)
    assert _agreement.top_overlap(np.arange(20.0), np.arange(20.0)[::-1]) == 0
    assert _agreement.top_overlap(np.arange(20.0), np.arange(20.0)) == 1


def test_networks_without_a_score_are_left_out_and_counted() -> None:
    accuracy = np.arange(30.0)
    scores = accuracy.copy()
    scores[3] = np.nan
    found = _agreement.agreement([scores, -scores], accuracy, rounds=20)
    assert (found["n"], found["left_out"]) == (29, 1)
    assert found["spearman_by_seed"] == pytest.approx([1, -1])
    assert found["spearman"] == pytest.approx(0)


def test_pairs_of_a_perfect_proxy() -> None:
    rng = np.random.default_rng(0)
    accuracy = rng.random(40)
    little, big = rng.integers(0, 40, (2, 300))
    found = _pairs.pair_agreement([accuracy], little, big, accuracy[big], 0.5)
    assert found["big"]["spearman"] == pytest.approx(1)
    assert found["big"]["standard_error"] == pytest.approx(0, abs=1e-9)
    assert abs(found["little"]["spearman"]) < 0.3


def test_pairs_are_told_with_the_best_combination_of_each_proxy() -> None:
    def row(**values: float) -> dict[str, dict[str, float]]:
        return {n: {"spearman": v, "standard_error": 0.01} for n, v in values.items()}

    found = {
        "macs": row(little=0.1, big=0.5),
        "params": row(little=0.2, big=0.1),
        "good": row(little=0.9, big=float("nan")),
    }
    document = {"n_pairs": 5, "n_networks": 3, "targets": {"accuracy at 0.5": found}}
    told = "\n".join(report._pair_lines(document))
    assert "| accuracy at 0.5 | 0.500 (big) | 0.200 (little) | `good` 0.900 (little) |" in told
    assert "| `good` | 0.900 ± 0.010 | - ± 0.010 |" in told


def test_an_empty_folder_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(BigLittleError, match="step score"):
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


def test_the_sample_of_the_table_has_all_sizes_and_all_trained_alone() -> None:
    table = Benchmark.load(_sets.TABLE).table
    some = _sets.stratified(table, 10)
    assert some == _sets.stratified(table, 10)
    assert len(set(some)) == 10
    rows = table.rows("inherited")
    macs = dict(
        zip(table.networks["architecture"][rows], table.networks["macs"][rows], strict=True)
    )
    tenths = np.array_split(np.sort(list(macs.values())), 10)
    sizes = np.sort([macs[a] for a in some])
    for part, size in zip(tenths, sizes, strict=True):
        assert part[0] <= size <= part[-1]
    assert [macs[a] for a in some] != sorted(macs[a] for a in some)
    _, ids = _sets.architectures("table", n_networks=10)
    alone = {str(table.networks["architecture"][r]) for t in _sets.ALONE for r in table.rows(t)}
    assert set(ids) == set(some) | alone
    assert len(_sets.stratified(table, 10**6)) == len(rows)


def test_a_speed_of_something_else_is_refused() -> None:
    with pytest.raises(BigLittleError, match=r"0 benchmarks of proxies.*--benchmark-json"):
        _measure.speed({"benchmarks": [{"extra_info": {"ratio": 2}}]})


def test_a_published_figure_is_of_its_target() -> None:
    found = _published.published("zen", "nb201 cifar100")
    assert found == _published.PublishedFigure(0.361, "spearman")
    found = _published.published("nwot", "nb201 cifar10")
    assert found == _published.PublishedFigure(0.57, "kendall")
    assert _published.published("zen", "table inherited") is None
    assert _published.published("macs", "nb201 cifar100") is None
    row = {"spearman": 0.9, "kendall": 0.7}
    assert report._difference(row, found) == ["tau 0.570", "+0.130 (far)"]


def test_a_batch_is_like_its_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.arange(64 * 3 * 32 * 32, dtype=torch.float32).reshape(64, 3, 32, 32)
    first = Batch(images, torch.zeros(64, dtype=torch.int64), "made up")
    monkeypatch.setattr(_sets, "dataset_batch", lambda *args: first)
    assert _sets.batch_of("nb201") is first
    small = _sets.batch_of("published-imagenet16-120")
    assert small.images.shape == (64, 3, 16, 16)
    assert float(small.images[0, 0, 0, 0]) == (0 + 1 + 32 + 33) / 4
    assert 60 < int(small.labels.max()) < 120
    assert small.name == "made up, 16 pixels, 120 classes at random"
    assert torch.equal(_sets.batch_of("published-cifar100").images, images)


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
