"""Pictures are written again with few colours, and look the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pil = pytest.importorskip("PIL.Image")

from biglittle.data_tables.evidence._small_png import make_small  # noqa: E402


def test_a_picture_gets_smaller_and_keeps_its_looks(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(0, 250, (20, 3))
    drawn = colours[rng.integers(0, 20, (60, 80))].repeat(3, 0).repeat(3, 1)
    drawn = (drawn + rng.integers(0, 5, drawn.shape)).astype(np.uint8)
    path, target = tmp_path / "drawn.png", tmp_path / "small.png"
    pil.fromarray(drawn).save(path)
    make_small(path, target)
    with pil.open(target) as small:
        again = np.asarray(small.convert("RGB")).astype(int)
    assert np.abs(again - drawn).mean() < 12
    before = path.stat().st_size
    make_small(path)
    assert path.read_bytes() == target.read_bytes()
    assert path.stat().st_size < before
