"""The notebooks in ``examples/``: each runs from its first cell to its last, and is kept bare."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
#: Modules that a notebook needs beyond those of the light set-up.
NEEDS = {"add_a_device": ["onnx"], "bring_your_own_models": ["sklearn"]}
FEW = 300  # evaluations of a search, as few as on a page: that it runs, and what comes of it
MOST_SECONDS = 300  # of one cell on a busy machine; each notebook takes some seconds on an idle one
BUDGET = re.compile(r"\bbudget=(\d+)")
PLACE = re.compile(r"(/home/|/Users/|/root/|/tmp/|/mnt/|[A-Z]:\\\\)")

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=[p.stem for p in NOTEBOOKS])


def test_the_page_lists_every_notebook() -> None:
    page = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert {p.name for p in NOTEBOOKS} == {*re.findall(r"\((\w+\.ipynb)\)", page)}


@each
def test_it_is_kept_without_outputs_counts_or_places(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert set(notebook["metadata"]["language_info"]) == {"name"}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
        assert cell["metadata"] == {}
    assert not PLACE.search(text)


@each
def test_it_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    for module in ("ipykernel", "pandas", "matplotlib", *NEEDS.get(path.stem, [])):
        pytest.importorskip(module)
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "own"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = BUDGET.sub(lambda m: f"budget={min(FEW, int(m[1]))}", cell.source)
    client = nbclient.NotebookClient(
        notebook, timeout=MOST_SECONDS, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    assert not [o for o in outputs if o.output_type == "error"]
    assert [o for o in outputs if "image/png" in o.get("data", {})], "it draws nothing"
