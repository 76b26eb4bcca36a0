"""Seeded damage for files of every kind, and what a reader may answer to it.

``BIGLITTLE_HOSTILE=5000 pytest tests/hostile`` tries that many inputs for every kind instead of the
few of a plain run.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.errors import BigLittleError

#: Numbers that sizes and counts in files are replaced by.
EXTREMES = [0, 1, 255, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**60, 2**63, 2**64 - 1]


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A copy with one to four pieces of damage."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        at = int(rng.integers(0, max(1, len(data))))
        n = int(rng.integers(1, 40))
        match int(rng.integers(0, 7)):
            case 0 if data:
                data[at % len(data)] ^= 1 << int(rng.integers(0, 8))
            case 1:
                del data[at:]
            case 2:
                del data[at : at + n]
            case 3:
                data[at:at] = data[at : at + n]
            case 4:
                data[at : at + n] = rng.integers(0, 256, n, np.uint8).tobytes()
            case 5:
                size = int(rng.choice([1, 2, 4, 8]))
                number = EXTREMES[int(rng.integers(0, len(EXTREMES)))] % 256**size
                data[at : at + size] = number.to_bytes(size, str(rng.choice(["little", "big"])))
            case _:
                to = int(rng.integers(0, max(1, len(data))))
                data[to : to + n] = data[at : at + n]
    return bytes(data)


tried: list[int] = []  # inputs of every corpus of this run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says how many inputs were tried."""
    if tried:
        terminalreporter.write_line(f"{sum(tried):,} damaged inputs in {len(tried)} corpora")


@pytest.fixture
def count() -> Callable[[int], int]:
    """How many inputs to try, where a plain run tries so many."""
    wanted = os.environ.get("BIGLITTLE_HOSTILE")

    def counted(few: int) -> int:
        tried.append(few if wanted is None else int(wanted))
        return tried[-1]

    return counted


@pytest.fixture
def mutations(count: Callable[[int], int]) -> Callable[[bytes, int], Iterator[bytes]]:
    """Damaged copies of some bytes."""

    def damaged(content: bytes, few: int) -> Iterator[bytes]:
        for seed in range(count(few)):
            yield mutated(content, np.random.default_rng(seed))

    return damaged


class Answers:
    """Counts what readers did, and fails on what is neither an answer nor a ``BigLittleError``."""

    def __init__(self) -> None:
        self.answers = self.refused = 0

    def of(self, reader: Callable[[], object], what: object = "") -> BigLittleError | None:
        """The error that a reader gave, None where it gave an answer."""
        given: BigLittleError | None = None
        try:
            reader()
        except BigLittleError as error:
            given = error
        except Exception as error:
            raise AssertionError(f"input {what!r}: {type(error).__name__}") from error
        self.refused += given is not None
        self.answers += given is None
        assert given is None or 0 < len(str(given).strip()) < 1000, what
        return given


@pytest.fixture
def answers() -> Iterator[Answers]:
    """A count for one test, printed at its end."""
    counted = Answers()
    yield counted
    print(f"{counted.answers} answers, {counted.refused} refused")


@pytest.fixture
def in_a_cell() -> Callable[..., str]:
    """Runs Python with little memory and time; its output, for inputs that would kill a process."""

    def run(code: str, *arguments: str | Path, memory_mib: int = 1500, time_s: int = 60) -> str:
        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_AS, (memory_mib * 2**20,) * 2)
            resource.setrlimit(resource.RLIMIT_CPU, (time_s,) * 2)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=2 * time_s,
            preexec_fn=limit,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )
        assert done.returncode == 0, f"{done.returncode}: {done.stderr[-2000:]}"
        return done.stdout

    return run
