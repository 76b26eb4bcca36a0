"""A front is worked out once, anew when anything it follows from differs, and damage is no harm."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, fronts, kept_front
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "toy.h5"
    write_table(path, synthetic_table(), "test", "2020-01-01")
    return path


@pytest.fixture
def worked_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """One entry for each front that was worked out; every one is kept, in a folder of its own."""
    monkeypatch.setenv(kept_front.CACHE_FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setattr(kept_front, "WORTH_S", 0.0)
    done: list[int] = []
    real = fronts.exact_front

    def counted(*args, **options):  # type: ignore[no-untyped-def]
        done.append(1)
        return real(*args, **options)

    monkeypatch.setattr(fronts, "exact_front", counted)
    return done


def _same(a, b) -> bool:  # type: ignore[no-untyped-def]
    return bool(a.points.records() == b.points.records() and a.n_counted == b.n_counted)


def test_a_second_process_finds_the_same_front(table: Path, worked_out: list[int]) -> None:
    first, second = (Benchmark.load(table).front(DEVICE) for _ in range(2))
    assert len(worked_out) == 1
    assert _same(first, second)
    assert second.chosen.records() == first.chosen.records()


def test_another_question_is_another_front(table: Path, worked_out: list[int]) -> None:
    bench = Benchmark.load(table)
    bench.front(DEVICE)
    slowest = float(bench.front(DEVICE).chosen.latency_ms.max())
    bench.front(DEVICE, ("error", "macs"))
    bench.front(DEVICE, limits={"latency_ms": slowest / 2})
    bench.front(DEVICE, gates=("margin",))
    bench.front(DEVICE, n_thresholds=16)
    assert len(worked_out) == 5


@pytest.mark.parametrize(
    "damage",
    [
        lambda p: p.write_bytes(b"no archive"),
        lambda p: p.write_bytes(p.read_bytes()[:-40]),
        lambda p: p.write_bytes(b""),
        lambda p: _altered(p, "hits", 1),
        lambda p: _altered(p, "little", 10**6),
        lambda p: _altered(p, "cut", -999),
    ],
)
def test_a_damaged_file_is_made_anew(
    table: Path, worked_out: list[int], damage: Callable[[Path], object]
) -> None:
    first = Benchmark.load(table).front(DEVICE)
    (file,) = kept_front.folder().iterdir()
    damage(file)
    assert _same(Benchmark.load(table).front(DEVICE), first)
    assert len(worked_out) == 2
    assert _same(Benchmark.load(table).front(DEVICE), first)
    assert len(worked_out) == 2


def _altered(path: Path, name: str, change: int) -> None:
    with np.load(path) as archive:
        arrays = {k: archive[k] for k in archive.files}
    arrays[name] = arrays[name] + change
    np.savez(path, **arrays)


def test_the_key_hears_of_table_device_and_code(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = Benchmark.load(table).costs(DEVICE)
    rest = (("error", "latency_ms"), {}, ("margin",), 256)
    keys = {kept_front.front_key("a", costs, *rest), kept_front.front_key("b", costs, *rest)}
    slower = dataclasses.replace(costs, latency_ms=np.nextafter(costs.latency_ms, np.inf))
    gate = dataclasses.replace(costs, gate_ms=costs.gate_ms + 0.1)
    keys |= {kept_front.front_key("a", c, *rest) for c in (slower, gate)}
    keys.add(kept_front.front_key("a", costs, *rest, measured=[("8", "0", "margin", 1.0, 2.0)]))
    monkeypatch.setattr(kept_front, "code_hash", lambda: "other code")
    keys.add(kept_front.front_key("a", costs, *rest))
    assert len(keys) == 6


def test_a_folder_that_cannot_be_written_is_no_obstacle(
    table: Path, worked_out: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv(kept_front.CACHE_FOLDER_VARIABLE, str(tmp_path / "file"))
    assert len(Benchmark.load(table).front(DEVICE))


def test_the_oldest_go(table: Path, worked_out: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_front, "MOST_FILES", 2)
    bench = Benchmark.load(table)
    for n in (1, 2, 3, 4):
        bench.front(DEVICE, n_thresholds=n)
    assert len(list(kept_front.folder().iterdir())) == 2
