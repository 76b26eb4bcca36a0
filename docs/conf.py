"""The documentation site: the pages of this repository as they stand, and the API from docstrings.

``make docs`` builds it into ``out/docs``. The root of the repository is Sphinx's source folder, so
links between pages are the ones that a reader of the repository follows. It needs no network.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / ".importroot"))

import biglittle  # noqa: E402

project = "BigLittle"
author = copyright = "BigLittle maintainers, Apache-2.0"
version = release = biglittle.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# ---- pages --------------------------------------------------------------------------------------
root_doc = "README"
include_patterns = [
    *("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "requirements/LICENCES.md"),
    *("*/README.md", "*/*/README.md", "data_tables/evidence/*.md", "docs/api/*.md"),
]
exclude_patterns = ["out/**", "build/**", "dist/**", ".*/**", "tests/**"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4  # the anchors that a forge gives headings too
myst_linkify_fuzzy_links = False
suppress_warnings = [
    "myst.header",  # a page may begin below a heading of the first level
    "ref.python",  # one name is in two packages, where one hands it on
]

#: The pages in the order in which they are listed, under the heading of their part.
PARTS = {
    "Use": [
        *("examples/README", "bench/README", "searchers/README", "data_tables/own/README"),
        *("edge_profiler/README", "data_tables/devices/README", "data_tables/fbnet_cifar10/README"),
        *("surrogates/README", "zerocost/README", "cotrain/README", "*/README", "*/*/README"),
    ],
    "What it is worth": ["data_tables/evidence/*"],
    "API": ["docs/api/*"],
    "Project": ["CONTRIBUTING", "SECURITY", "requirements/LICENCES", "CHANGELOG"],
}


#: An array of any shape, as Python writes its type.
ARRAY = (
    r"(?:numpy\.)?ndarray\[tuple\[(?:typing\.)?Any, \.\.\.\], "
    r"(?:numpy\.)?dtype\[(?:numpy\.)?(\w+)\]\]"
)


def _pages(patterns: list[str]) -> list[str]:
    """The pages that patterns mean, each once, in their order."""
    files = [p for pattern in patterns for p in sorted(ROOT.glob(f"{pattern}.md"))]
    names = dict.fromkeys(p.relative_to(ROOT).with_suffix("").as_posix() for p in files)
    return [name for name in names if not name.startswith((".", "out/", "build/", "tests/"))]


def _contents() -> str:
    """The lists of pages, which stand at the end of the first one and are not shown there."""
    return "".join(
        "\n".join(["", "```{toctree}", ":hidden:", f":caption: {part}", "", *_pages(of), "```", ""])
        for part, of in PARTS.items()
    )


def _read(app: Any, name: str, source: list[str]) -> None:
    """Makes a page of the repository one of the site."""
    if name == root_doc:
        source[0] += _contents()
    # What a block needs stands behind its language, for the tests of the pages.
    source[0] = re.sub(r"^```(\w+) needs=\S+$", r"```\1", source[0], flags=re.M)


def _finished(app: Any, error: Exception | None) -> None:
    """The first page under the name that is asked for by default."""
    if error is None and app.builder.format == "html":
        text = (
            f'<meta http-equiv="refresh" content="0; url={root_doc}.html"><title>{project}</title>'
        )
        (Path(app.outdir) / "index.html").write_text(text + "\n", encoding="utf-8")


def _shorter(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Types of arrays as they stand in the code; an underscore at their end would be a link."""
    for i, line in enumerate(lines):
        short = re.sub(ARRAY, r"NDArray[\1]", line)
        lines[i] = re.sub(r"(?<=NDArray\[)(\w+)_(?=\])", r"\1\\_", short)


def setup(app: Any) -> None:
    """Hooks into the build."""
    app.connect("autodoc-process-docstring", _shorter, priority=900)  # after napoleon
    app.connect("source-read", _read)
    app.connect("build-finished", _finished)


# ---- API ----------------------------------------------------------------------------------------
autodoc_default_options = {
    "members": True,
    "imported-members": True,
    "inherited-members": "Exception, tuple, Protocol, Generic",  # whose own are not shown
    "no-value": True,  # a registry would show where it lies on the machine of the build
}
autodoc_member_order = "groupwise"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_class_signature = "separated"
default_role = "py:obj"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True

# ---- looks --------------------------------------------------------------------------------------
html_theme = "furo"
html_title = f"BigLittle {release}"
html_copy_source = html_show_sourcelink = False
pygments_style, pygments_dark_style = "friendly", "monokai"
