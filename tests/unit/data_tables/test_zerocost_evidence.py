"""The evidence on proxies: its statistics by hand, and a report from made-up scores."""

from __future__ import annotations

import gzip
import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench import Benchmark, get_space
from biglittle.bench.errors import BigLittleError
from biglittle.data_tables import zerocost_evidence as evidence
from biglittle.zerocost import Columns, bulk


def test_statistics_by_hand() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert evidence.spearman(x, np.exp(x)) == pytest.approx(1)
    assert evidence.spearman(x, np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(0.8)
    assert evidence.kendall(x, np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(4 / 6)
    assert evidence.top_overlap(np.arange(20.0), np.arange(20.0)[::-1]) == 0
    assert evidence.top_overlap(np.arange(20.0), np.arange(20.0)) == 1


def test_networks_without_a_score_are_left_out_and_counted() -> None:
    accuracy = np.arange(30.0)
    scores = accuracy.copy()
    scores[3] = np.nan
    found = evidence.agreement([scores, -scores], accuracy, rounds=20)
    assert (found["n"], found["left_out"]) == (29, 1)
    assert found["spearman_by_seed"] == pytest.approx([1, -1])
    assert found["spearman"] == pytest.approx(0)


def test_pairs_of_a_perfect_proxy() -> None:
    rng = np.random.default_rng(0)
    accuracy = rng.random(40)
    little, big = rng.integers(0, 40, (2, 300))
    found = evidence.pair_agreement([accuracy], little, big, accuracy[big], 0.5)
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
    pairs = {"n_pairs": 5, "n_networks": 3, "targets": {"accuracy at 0.5": found}}
    told = "\n".join(evidence._pair_lines(pairs))
    assert "| accuracy at 0.5 | 0.500 (big) | 0.200 (little) | `good` 0.900 (little) |" in told
    assert "| `good` | 0.900 ± 0.010 | - ± 0.010 |" in told


def test_an_empty_folder_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(BigLittleError, match="step score"):
        evidence.measure(tmp_path)


_FIELDS = [field.name for field in fields(Columns)]
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


@pytest.fixture
def accuracies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of accuracies that grow along ``CELLS``."""
    folder = tmp_path / "published"
    (folder / "nb201").mkdir(parents=True)
    operations = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    space = get_space("nb201")
    names = list(evidence.NB201_COLUMNS.values())
    lines = [f"nb201_index,arch_str,{','.join(names)}"]
    for i, cell in enumerate(CELLS):
        digits = [operations[int(d)] for d in cell]
        text = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*digits)
        assert space.format(space.parse([text]))  # the file's own way to write a cell
        lines.append(f"{i},{text},{50 + i},{40 + i},{30 + i}")
    with gzip.open(folder / "nb201" / "accuracy.csv.gz", "wt") as file:
        file.write("\n".join(lines) + "\n")
    monkeypatch.setenv(evidence.REFERENCE_VARIABLE, str(folder))
    return folder


def test_a_report_from_made_up_scores(tmp_path: Path, accuracies: Path) -> None:
    pytest.importorskip("matplotlib")
    working, out = tmp_path / "w", tmp_path / "out"
    columns = _columns()
    bulk._write(working / "nb201-0.h5", columns)
    row = {p: [1.0, 2.0, 3.0, None] for p in evidence.OF_FEW}
    turned = {p: [3.0, 2.0, 1.0, 5.0] for p in evidence.OF_FEW}
    few = {
        "cells": 4,
        "images": {
            "64": {"scores": turned, "together_s": 2.0},
            "16": {"scores": row, "together_s": 0.5},
        },
    }
    (working / "few.json").write_text(json.dumps(few))
    page = tmp_path / "page.md"
    page.write_text("<!-- figures:zerocost -->\nold\n<!-- /figures -->\n")
    evidence.report_step(working, out, rounds=20, page=page)
    found = json.loads((out / "zerocost.json").read_text())
    cell = found["targets"]["nb201 cifar10"]["snip"]
    assert (cell["n"], cell["left_out"], cell["seeds"]) == (7, 1, 2)
    assert cell["spearman"] == pytest.approx(1)
    assert found["few"]["images"] == [16, 64]
    assert found["few"]["proxies"]["zico"] == {"n": 3, "spearman": pytest.approx(-1)}
    assert found["time_s"]["nb201"]["together"] == 0.75
    told = (out / "zerocost.md").read_text()
    assert "| `snip` | 1.000 | 1.000 to 1.000 | 1.000 |" in told
    assert "`snip`: the published figure is outside our interval" in told
    assert "scores that failed: snip 2" in told
    assert "- not run yet: `az_expressivity`," in told
    known = found["all_cells"]["targets"]["nb201 cifar10"]
    assert f"of {len(CELLS)} cells: `macs` " in told
    assert set(known) == {"macs", "params"}
    assert f"and {known['params']:.3f} on all." in told
    assert "| sum of the lines above | 1.500 |" in told
    assert (out / "zerocost.png").stat().st_size > 1000
    assert "| nb201 cifar10 | 8 | 2 |" in page.read_text()
    assert "`snip` 1.000" in page.read_text()
    assert "old" not in page.read_text()


def test_only_seeds_that_are_complete_are_reported(
    tmp_path: Path, accuracies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first(columns: Columns, n: int) -> Columns:
        return Columns(
            columns.architectures[:n],
            columns.seeds[:n],
            {p: v[:n] for p, v in columns.scores.items()},
            {p: v[:n] for p, v in columns.alone_s.items()},
            columns.total_s[:n],
            columns.failures[:n],
            columns.facts,
        )

    everything = _columns()
    assert evidence.finished_seeds(everything, 3) == [0, 1]
    assert evidence.finished_seeds(everything, 1) == [0]
    assert evidence.finished_seeds(first(everything, 11), 3) == [0]
    bulk._write(tmp_path / "nb201-0.h5", first(everything, 11))
    found = evidence.measure(tmp_path, rounds=10)
    assert found["made_with"]["nb201"]["networks"] == len(CELLS)
    assert found["made_with"]["nb201"]["seeds"] == 1
    monkeypatch.setattr(evidence, "FEWEST", 9)
    with pytest.raises(BigLittleError, match="no scores of 9"):
        evidence.measure(tmp_path, rounds=10)
    assert found["targets"]["nb201 cifar10"]["snip"]["seeds"] == 1


def test_runs_of_other_proxies_are_put_together(tmp_path: Path, accuracies: Path) -> None:
    some = _columns((0,))
    keep = slice(0, 5)  # the other proxy was run on fewer cells
    facts = {**some.facts, "proxies": ["ntk"]}
    other = Columns(
        some.architectures[keep],
        some.seeds[keep],
        {"ntk": np.arange(5.0)},
        {"ntk": np.full(5, 0.1)},
        np.full(5, 0.1),
        ({},) * 5,
        facts,
    )
    bulk._write(tmp_path / "nb201-0.h5", some)
    bulk._write(tmp_path / "nb201-more-0.h5", other)
    both = evidence.scored("nb201", tmp_path)
    assert both.architectures == some.architectures
    assert both.scores["ntk"][:5].tolist() == [0, 1, 2, 3, 4]
    assert np.isnan(both.scores["ntk"][5:]).all()
    assert both.failures == some.failures
    assert np.isnan(both.total_s).all()  # no run had all proxies
    found = evidence.measure(tmp_path, rounds=10)["targets"]["nb201 cifar10"]
    assert (found["ntk"]["n"], found["macs"]["n"]) == (5, 8)
    accuracy = np.arange(5.0)
    assert found["ntk"]["spearman_of_macs"] == pytest.approx(
        evidence.spearman(some.scores["macs"][keep], accuracy)
    )
    alien = Columns(*(getattr(other, f) for f in _FIELDS[:-1]), {**facts, "batch": "another"})
    with pytest.raises(BigLittleError, match="batch"):
        evidence.joined([some, alien])


def test_the_sample_of_the_table_has_all_sizes_and_all_trained_alone() -> None:
    table = Benchmark.load(evidence.TABLE).table
    some = evidence.stratified(table, 10)
    assert some == evidence.stratified(table, 10)
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
    _, ids = evidence.architectures("table", n_networks=10)
    alone = {str(table.networks["architecture"][r]) for t in evidence.ALONE for r in table.rows(t)}
    assert set(ids) == set(some) | alone
    assert len(evidence.stratified(table, 10**6)) == len(rows)
