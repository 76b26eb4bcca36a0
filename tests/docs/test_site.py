"""The documentation site: built without a warning from every page, with nothing of this machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as ``make docs`` builds it."""
    for module in ("sphinx", "myst_parser", "furo", "torch"):
        pytest.importorskip(module)
    folder = tmp_path_factory.mktemp("site")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    line = re.search(r"sphinx-build (.*) -d \S+ \. out/docs$", makefile, re.M)
    assert line is not None
    words = [*line[1].split(), "-d", str(folder / "doctrees"), ".", str(folder / "html")]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *words], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return folder / "html"


def test_every_page_is_there_and_the_first_one_lists_them(site: Path) -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("data_tables/*/README.md")]
    first = (site / "README.html").read_text(encoding="utf-8")
    for page in pages:
        place = page.relative_to(ROOT).with_suffix(".html")
        if not str(place).startswith((".", "out", "build", "tests", "dist")):
            assert (site / place).is_file(), place
            assert f'href="{place}"' in first or page == ROOT / "README.md", place
    assert "README.html" in (site / "index.html").read_text(encoding="utf-8")


def test_the_api_is_that_of_the_docstrings(site: Path) -> None:
    text = (site / "docs" / "api" / "bench.html").read_text(encoding="utf-8")
    for name in (
        "Benchmark.query",
        "Benchmark.networks",
        "Points",
        "Curve.to_pandas",
        "SearchSpace",
    ):
        assert f'id="biglittle.bench.{name}"' in text
    assert "<em>NDArray</em>" in text
    assert "numpy.ndarray" not in text


def test_nothing_of_this_machine_is_in_it_and_nothing_is_fetched(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert str(ROOT) not in text, page
        fetched = re.findall(r'<(?:script|img|link)[^>]+(?:src|href)="(https?:[^"]+)"', text)
        assert not [url for url in fetched if "schema.org" not in url], page


def test_links_between_pages_lead_somewhere(site: Path) -> None:
    ids: dict[Path, set[str]] = {}

    def anchors(page: Path) -> set[str]:
        if page not in ids:
            ids[page] = {*re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8"))}
        return ids[page]

    for page in site.rglob("*.html"):
        for target in {*re.findall(r'href="([^"]+)"', page.read_text(encoding="utf-8"))}:
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.split("?")[0].partition("#")
            file = (page.parent / name).resolve() if name else page
            assert file.exists(), f"{page.relative_to(site)} links to {target}"
            if anchor and file.suffix == ".html":
                assert anchor in anchors(file), f"{page.relative_to(site)} links to {target}"
