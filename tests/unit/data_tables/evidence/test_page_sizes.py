"""Sizes of pages, and the picture of one, say what was measured and fit where they are shown."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("torch")

from biglittle.bench.errors import BigLittleError
from biglittle.data_tables.evidence import _page, answer_picture, page_sizes


def test_the_text_says_whether_every_page_is_below_the_limit() -> None:
    text = page_sizes.page_sizes_text({"bytes": {"one": 1_200_000, "another": 5_900_000}})
    assert "one 1.20 MB, another 5.90 MB; all below the 6 MB" in text
    assert "not all below" in page_sizes.page_sizes_text({"bytes": {"one": 6_100_000}})


def test_every_page_that_ships_with_its_size_is_below_the_limit() -> None:
    figures = _page.load("page_sizes")
    assert figures is not None
    assert set(figures["bytes"]) == set(page_sizes.PAGES)
    assert max(figures["bytes"].values()) < page_sizes.LIMIT_MB * 1e6


def test_the_picture_is_small_and_on_the_first_page() -> None:
    assert answer_picture.PICTURE.stat().st_size < 120 * 1024
    place = answer_picture.PICTURE.relative_to(_page.ROOT).as_posix()
    assert f"]({place})" in (_page.ROOT / "README.md").read_text(encoding="utf-8")


def test_without_a_browser_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(BigLittleError, match="install one of chromium"):
        answer_picture.draw()
