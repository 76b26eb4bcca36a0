"""Published figures are of their target."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from biglittle.data_tables.evidence.zerocost import (  # noqa: E402
    _published,
    report,
)


def test_a_published_figure_is_of_its_target() -> None:
    found = _published.published("zen", "nb201 cifar100")
    assert found == _published.PublishedFigure(0.361, "spearman")
    found = _published.published("nwot", "nb201 cifar10")
    assert found == _published.PublishedFigure(0.57, "kendall")
    assert _published.published("zen", "table inherited") is None
    assert _published.published("macs", "nb201 cifar100") is None
    row = {"spearman": 0.9, "kendall": 0.7}
    assert report._difference(row, found) == ["tau 0.570", "+0.130 (far)"]
