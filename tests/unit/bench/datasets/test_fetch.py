"""Fetching a data set: any layout, and nothing half written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.datasets import Dataset, fetch
from biglittle.bench.errors import DatasetError


def test_fetch_takes_any_layout_and_leaves_checked_arrays(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray], write
) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    write(source, arrays)
    only = list(source.iterdir())
    place = only[0] if len(only) == 1 and only[0].is_file() else source
    assert fetch(small, str(place), out) == out
    assert sorted(p.name for p in out.iterdir()) == sorted(f"{k}.npy" for k in arrays)
    assert np.array_equal(small.load(out)["test"].images, arrays["x_test"])


def test_one_message_says_that_a_hash_is_wrong(
    tmp_path: Path, small: Dataset, arrays: dict[str, np.ndarray], layouts
) -> None:
    arrays["x_test"][0, 0, 0, 0] ^= 1
    layouts["arrays"](tmp_path, arrays)
    text = (
        r"array x_test in .* has SHA-256 \w+\.\.\., expected \w+\.\.\.: the images are incomplete"
    )
    for call in (lambda: small.load(tmp_path), lambda: fetch(small, str(tmp_path), tmp_path / "o")):
        with pytest.raises(DatasetError, match=text):
            call()
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("there", [False, True])
def test_an_interrupted_fetch_leaves_nothing_half_written(
    tmp_path: Path,
    small: Dataset,
    arrays: dict[str, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    there: bool,
    layouts,
) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    layouts["arrays"](source, arrays)
    if there:
        fetch(small, str(source), out)
    before = {p.name: p.read_bytes() for p in out.iterdir()} if there else {}
    save, written = np.save, []

    def full(file, array) -> None:  # type: ignore[no-untyped-def]
        if len(written) == 2:
            file.write(b"half")
            raise error
        written.append(array)
        save(file, array)

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(DatasetError if isinstance(error, OSError) else KeyboardInterrupt) as raised:
        fetch(small, str(source), out)
    if isinstance(error, OSError):
        assert "No space left" in str(raised.value)
        assert "--out" in str(raised.value)
    assert out.exists() == there
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before if there else True


def test_a_source_that_is_nothing_is_named(tmp_path: Path, small: Dataset) -> None:
    with pytest.raises(DatasetError, match="neither a folder, nor a file"):
        fetch(small, str(tmp_path / "missing"), tmp_path / "out")
    with pytest.raises(DatasetError, match=r"holds no such images.*--from PATH"):
        fetch(small, str(tmp_path), tmp_path / "out")
