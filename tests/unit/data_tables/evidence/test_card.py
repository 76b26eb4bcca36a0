"""The card's parts say by themselves what is there and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")

from biglittle.bench import Benchmark, Pair
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.evidence import _pictures as pictures
from biglittle.data_tables.evidence import coverage, trust
from biglittle.data_tables.flagship import RECIPE


@pytest.fixture
def on_the_synthetic_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "DEVICE", DEVICE)


def _bench(path: Path, **rows: int) -> Benchmark:
    write_table(path, synthetic_table(**rows), "1", "d")
    return Benchmark.load(path)


def test_rows_that_do_not_exist_say_so(tmp_path: Path, on_the_synthetic_device: None) -> None:
    bare = _bench(tmp_path / "bare.h5")
    text = coverage.coverage_section(coverage.measure(bare, RECIPE.design, DEVICE))
    assert text.count("none yet") == len(coverage.MEANINGS) - 2  # inherited ones, and no external
    found = trust.report(bare, DEVICE, rounds=10)
    assert trust.trust_section(found).count("**not**") == 2
    assert "**not**" in trust.cotraining_section(found)
    assert not pictures.trust_picture(bare, tmp_path / "none.png")


def test_rows_that_exist_are_counted(tmp_path: Path, on_the_synthetic_device: None) -> None:
    bench = _bench(tmp_path / "full.h5", n_pairs=2, n_trained=8)
    measured = coverage.measure(bench, RECIPE.design, DEVICE)
    assert measured["rows"]["joint"]["pairs"] == 2
    assert measured["rows"]["joint"]["seeds"] == 3
    assert sum(b["networks"] for b in measured["bands"]) == 12
    text = coverage.coverage_section(measured)
    assert "none yet" not in text
    assert "2 pairs, 8 (up to 3 seeds)" in text
    found = trust.report(bench, DEVICE, rounds=50)
    assert "Kendall's tau" in trust.trust_section(found)
    assert trust.trust_section(found).count("too few for an interval") == 1  # 4 standalone ones
    assert "**all 2**" in trust.cotraining_section(found)
    assert f"({DEVICE})" in text
    assert "Pi 4" not in text
    assert "**not**" not in trust.trust_section(found) + trust.cotraining_section(found)


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [
        (0.1, 0.3, "better than"),
        (-0.3, -0.1, "worse than"),
        (-0.1, 0.3, "not to be told apart from"),
    ],
)
def test_a_method_is_better_only_if_its_interval_is(low: float, high: float, word: str) -> None:
    overall = {"value": (low + high) / 2, "low": low, "high": high}
    found = {"one": "joint", "other": "independent", "pairs": [], "overall": overall}
    text = trust.cotraining_section({"cotraining": [found]})
    assert f"`joint` is **{word}** `independent`" in text


def test_pictures_are_drawn_from_whatever_rows_there_are(
    tmp_path: Path, on_the_synthetic_device: None
) -> None:
    pytest.importorskip("matplotlib")
    bench = _bench(tmp_path / "full.h5", n_pairs=2, n_trained=6)
    pictures.front_picture(bench, tmp_path / "front.png")
    assert pictures.trust_picture(bench, tmp_path / "trust.png")
    for name in ("front.png", "trust.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_the_best_curves_are_chosen_on_val(tmp_path: Path, on_the_synthetic_device: None) -> None:
    bench = _bench(tmp_path / "t.h5")
    ids = bench.architectures
    candidates = [Pair(a, b) for a in ids[:4] for b in ids[:4] if a != b]
    (best,) = pictures.best_curves(bench, candidates, limits=[1e9])
    assert best.split == "test"
    reached = {
        (p, g): bench.curve(p, g, DEVICE, "val").accuracy.max()
        for p in candidates
        for g in ("entropy", "margin", "max_prob")
    }
    assert reached[best.pair, best.gate] == max(reached.values())
    assert pictures.best_curves(bench, candidates, limits=[0.0]) == []
