"""The data sets that are known, and which of them are here."""

from __future__ import annotations

from pathlib import Path

import pytest

from biglittle.bench.dataset_list import datasets_text, listed_datasets
from biglittle.bench.datasets import DATASETS


def test_what_is_not_here_says_how_to_fetch_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path))
    folder = tmp_path / "cifar10"
    assert listed_datasets()["cifar10"] == {"folder": str(folder), "problem": None, "here": False}
    assert datasets_text()[0] == f"cifar10: not here; biglittle data fetch cifar10 ({folder})"
    assert len(datasets_text()) == len(DATASETS.names())


def test_what_is_damaged_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path))
    (tmp_path / "cifar10").mkdir()
    (tmp_path / "cifar10" / "cifar-10-python.tar.gz").write_bytes(b"no archive")
    facts = listed_datasets()["cifar10"]
    assert not facts["here"]
    assert facts["problem"]
    assert facts["problem"] in datasets_text()[0]
