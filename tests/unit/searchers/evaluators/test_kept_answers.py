"""A network answers once; what it said is read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.errors import CheckpointError
from biglittle.searchers.evaluators.kept_answers import kept_answers


def test_answers_are_kept_and_the_same_whether_they_were_or_not(tmp_path: Path) -> None:
    calls = []

    def answer(architecture: str, n: int) -> np.ndarray:
        calls.append((architecture, n))
        return np.random.default_rng(n).dirichlet(np.ones(10), n)

    first = kept_answers(answer, tmp_path / "deep" / "er")("8" * 22, 5)
    again = kept_answers(answer, tmp_path / "deep" / "er")("8" * 22, 5)
    assert calls == [("8" * 22, 5)]
    assert np.array_equal(first, again)
    assert first.dtype == np.float64
    kept_answers(answer, tmp_path / "deep" / "er")("8" * 22, 4)
    assert len(calls) == 2
    (tmp_path / "deep" / "er" / ("8" * 22 + "-5.npy")).write_bytes(b"no array")
    with pytest.raises(CheckpointError, match="Delete it"):
        kept_answers(answer, tmp_path / "deep" / "er")("8" * 22, 5)
