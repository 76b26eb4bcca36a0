"""No figure on a page is typed by hand: each marked part is what its script makes of its JSON."""

from __future__ import annotations

import re

import numpy as np
import pytest

from biglittle.data_tables.fbnet_cifar10 import figures


@pytest.mark.parametrize("page", figures.PAGES)
def test_pages_hold_what_the_script_makes(page) -> None:  # type: ignore[no-untyped-def]
    marked = re.findall(r"<!-- figures:(\w+) -->\n(.*?)<!-- /figures -->", page.read_text(), re.S)
    assert marked
    for name, body in marked:
        assert body.strip() == figures.SECTIONS[name]().strip(), f"run: figures write ({name})"


def test_every_figure_stands_on_one_page() -> None:
    text = "".join(page.read_text() for page in figures.PAGES)
    assert {name: text.count(f"<!-- figures:{name} -->") for name in figures.SECTIONS} == {
        name: 1 for name in figures.SECTIONS
    }


def test_bootstrap_interval_covers_the_difference_and_narrows() -> None:
    rng = np.random.default_rng(0)
    widths = []
    for n in (500, 50_000):
        pair, single = rng.random(n) < 0.8, rng.random(n) < 0.7
        low, high = figures.bootstrap_difference(pair, single)
        assert low < pair.mean() - single.mean() < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 5


def test_spearman_of_a_monotone_relation_is_one() -> None:
    values = np.random.default_rng(1).normal(size=50)
    assert figures.spearman(values, np.exp(values)) == pytest.approx(1.0)
    assert figures.spearman(values, -values) == pytest.approx(-1.0)
