"""A table that is read row by row answers as one in memory does, and takes little memory."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, Gate, Pair
from biglittle.bench import lazy_rows as module
from biglittle.bench import table as table_module
from biglittle.bench.errors import TableError
from biglittle.bench.lazy_rows import LazyPredictions, LazyRows
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table


@pytest.fixture
def both(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Benchmark, Benchmark]:
    """One table in memory, and the same row by row."""
    whole = Benchmark.load(path)
    whole.table.predictions("val"), whole.table.predictions("test")
    monkeypatch.setattr(module, "LARGE_BYTES", 0)
    lazy = Benchmark.load(path)
    assert isinstance(lazy.table.predictions("val"), LazyPredictions)
    return whole, lazy


def test_rows_are_those_of_the_matrix() -> None:
    matrix = np.arange(12).reshape(4, 3)
    rows = LazyRows((4, 3), matrix.dtype, matrix.__getitem__)
    assert len(rows) == 4
    for key in (0, -1, slice(1, 3), [2, 0], np.array([True, False, True, False]), (1, 2)):
        assert np.array_equal(rows[key], matrix[key])
    assert np.array_equal(rows[np.array([[0, 1], [2, 3]])], matrix[[[0, 1], [2, 3]]])
    assert np.array_equal(np.asarray(rows), matrix)
    assert np.array_equal(rows == 5, matrix == 5)
    assert [row.tolist() for row in rows] == matrix.tolist()
    with pytest.raises(IndexError):
        rows[4]


def test_predictions_are_the_same(both: tuple[Benchmark, Benchmark]) -> None:
    whole, lazy = (bench.table.predictions("test") for bench in both)
    assert np.array_equal(whole.top1, lazy.top1)
    assert np.array_equal(whole.correct, lazy.correct)
    for metric, codes in whole.codes.items():
        assert np.array_equal(codes, lazy.codes[metric])


def test_every_question_has_the_same_answer(both: tuple[Benchmark, Benchmark]) -> None:
    whole, lazy = both
    first, second = whole.front(DEVICE), lazy.front(DEVICE)
    assert first.points.little.tolist() == second.points.little.tolist()
    assert first.points.accuracy.tolist() == second.points.accuracy.tolist()
    pair = Pair(whole.architectures[0], whole.architectures[5])
    for gate in ("margin", "learned", "temperature", "oracle"):
        assert whole.query(pair, Gate(gate, 0.5), DEVICE) == lazy.query(
            pair, Gate(gate, 0.5), DEVICE
        )
        curves = [b.curve(pair, gate, DEVICE).accuracy.tolist() for b in both]
        assert curves[0] == curves[1]
    assert whole.accuracy().tolist() == lazy.accuracy().tolist()
    explained = [b.explain(pair, Gate("margin", 0.5)) for b in both]
    assert str(asdict(explained[0])) == str(asdict(explained[1]))


def test_codes_that_are_kept_are_bounded(
    both: tuple[Benchmark, Benchmark], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biglittle.bench.counts._CODES_BYTES", 1000)  # of 300 images each
    whole, lazy = both
    again = Benchmark(lazy.table)
    assert again.front(DEVICE).points.accuracy.tolist() == (
        whole.front(DEVICE).points.accuracy.tolist()
    )
    assert len(again._exact.counts("val")._codes) <= 4


def test_a_large_table_is_written_from_another(
    both: tuple[Benchmark, Benchmark], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, lazy = both
    write_table(tmp_path / "again.h5", lazy.table.contents(), "1", "2026-01-01")
    monkeypatch.setattr(module, "LARGE_BYTES", 2**28)
    again = Benchmark.load(tmp_path / "again.h5").table
    assert not isinstance(again.predictions("val"), LazyPredictions)
    for split in ("val", "test"):
        stored, expected = again.predictions(split), whole.table.predictions(split)
        assert np.array_equal(stored.top1, expected.top1)
        assert all(np.array_equal(stored.codes[m], c) for m, c in expected.codes.items())
    before = (tmp_path / "again.h5").read_bytes()
    write_table(tmp_path / "once.h5", lazy.table.contents(), "1", "2026-01-01")
    assert (tmp_path / "once.h5").read_bytes() == before


def test_a_row_that_is_damaged_is_one_line(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGE_BYTES", 0)
    bench = Benchmark.load(path)
    places = bench.table._file
    info = places._stored("predictions/test/top1", places._datasets["predictions/test/top1"])[3, 0]
    content = bytearray(path.read_bytes())
    content[info.byte_offset : info.byte_offset + 4] = b"\xff" * 4
    path.write_bytes(bytes(content))
    stored = table_module.Table(path, check=False).predictions("test")
    assert stored.top1[2].shape == (400,)
    with pytest.raises(TableError, match=r"damaged, altered.*predictions/test/top1"):
        stored.top1[3]


MEMORY = """
import resource, sys
from pathlib import Path
from biglittle.data_tables.evidence._large import front_of, write_large
path = Path(sys.argv[1])
write_large(path, 150, 6000, 1000)
kept = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
figures = front_of(path, path.parent / "cache", lambda line: None)
print(figures["peak_mib"], figures["front_points"], figures["pairs"])
"""


def test_a_front_takes_little_more_than_who_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """150 networks have 9 MB of answers and confidences; the limit is that of the evidence."""
    path = tmp_path / "large.h5"
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True
    )
    peak, points, pairs = done.stdout.split()
    assert float(peak) < 600
    assert int(points) > 10
    assert int(pairs) == 150**2
    monkeypatch.setattr(module, "LARGE_BYTES", 0)
    lazy = Benchmark.load(path)
    assert lazy.table.n_classes == 1000
    assert lazy.table.predictions("val").top1.dtype == np.uint16
    assert 0.05 < lazy.accuracy().mean() < 0.95
    assert len(synthetic_table().networks["macs"]) == 12
