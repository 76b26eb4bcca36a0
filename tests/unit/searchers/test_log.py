"""A log comes back from its file as it was written, and fits the search it is of or none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.errors import CheckpointError
from biglittle.searchers.log import EvaluationLog, LoggedBatch, logged_population

HEADER = {"searcher": "nsga2", "seed": 3, "population": 4}


def batch(n: int, start: int) -> LoggedBatch:
    """``n`` candidates with two operating points each."""
    owner = np.repeat(np.arange(n), 2)
    return LoggedBatch(
        genes=np.arange(n * 3).reshape(n, 3) + start,
        room=10.0 - start,
        fidelity=0.5,
        ended_s=1.0 + start,
        owner=owner,
        gate=np.zeros(2 * n, np.int64),
        cut=np.arange(2 * n) * 7,
        figures={"accuracy": np.linspace(0.5, 0.9, 2 * n), "latency_ms": np.full(2 * n, np.nan)},
    )


@pytest.fixture
def log() -> EvaluationLog:
    return EvaluationLog(HEADER, [batch(2, 0), batch(3, 5)])


def test_a_file_gives_back_what_was_written(log: EvaluationLog, tmp_path: Path) -> None:
    log.write(tmp_path / "new" / "log.npz")
    again = EvaluationLog.read(tmp_path / "new" / "log.npz")
    assert again.header == log.header
    assert again.n_evaluations == log.n_evaluations == 5
    for one, other in zip(again.batches, log.batches, strict=True):
        assert (one.room, one.fidelity, one.ended_s) == (other.room, other.fidelity, other.ended_s)
        for name in ("genes", "owner", "gate", "cut"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
        for name, values in other.figures.items():
            assert np.array_equal(one.figures[name], values, equal_nan=True)


def test_a_log_without_a_batch_is_one(tmp_path: Path) -> None:
    EvaluationLog(HEADER, []).write(tmp_path / "log.npz")
    assert EvaluationLog.read(tmp_path / "log.npz").n_evaluations == 0


def test_a_log_of_another_search_says_what_differs(log: EvaluationLog, tmp_path: Path) -> None:
    log.check(HEADER, tmp_path)
    with pytest.raises(CheckpointError, match="with seed 3, this one has 4"):
        log.check({**HEADER, "seed": 4}, tmp_path)


def test_the_population_goes_on_and_the_head_is_of_its_types(
    log: EvaluationLog, tmp_path: Path
) -> None:
    path = tmp_path / "log.npz"
    assert logged_population(None) is logged_population(path) is None
    log.write(path)
    assert logged_population(path) == 4
    for change, reason in (
        ({"population": "many"}, "population is 'many', expected a whole number"),
        ({"population": 0}, "population is 0, expected at least 1"),
        ({"provenance": ["measured"]}, "provenance is a list, expected an object"),
        ({"provenance": {"macs": "guessed"}}, "provenance.macs is 'guessed'"),
        ({"split": 3}, "split is 3, expected a text"),
    ):
        EvaluationLog(change, log.batches).write(path)
        with pytest.raises(CheckpointError, match=reason):
            logged_population(path)


def test_what_differs_is_told_as_a_user_reads_it(tmp_path: Path) -> None:
    header = {"limits": {}, "soft": "", "objectives": ["error", "macs"]}
    log = EvaluationLog(header, [batch(2, 0)])
    for changed, text in (
        ({"limits": {"latency_ms": 7.0}}, "with limits none, this one has latency_ms 7;"),
        ({"soft": "accuracy"}, "with soft none, this one has accuracy;"),
        ({"objectives": ("error",)}, "with objectives error, macs, this one has error;"),
    ):
        with pytest.raises(CheckpointError, match=text):
            log.check({**header, **changed}, tmp_path)
