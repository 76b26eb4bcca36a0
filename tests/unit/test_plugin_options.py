"""Plug-ins on the command line and from an installed package, which is made of a page's example."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
GATE, CONTRACT = re.findall(r"^```python[^\n]*\n(.*?)^```$", PAGE, re.M | re.S)[:2]
ENTRY_POINT = re.search(r'^\[project.entry-points."(.+)"\]\n(.+)$', PAGE, re.M)

SEARCHER = """
from biglittle.searchers import Searcher
from biglittle.searchers.algorithms.random import RandomSearch

SEARCHER = Searcher(RandomSearch, "patient")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small table and two plug-ins."""
    folder = tmp_path_factory.mktemp("plugins")
    write_table(folder / "small.h5", synthetic_table(8), "1", "2026-01-01")
    (folder / "sharper.py").write_text(GATE, encoding="utf-8")
    (folder / "patient.py").write_text(SEARCHER, encoding="utf-8")
    return folder


def run(folder: Path, *words: str, site: Path | None = None) -> tuple[int, str]:
    """Exit code and output of Python in a process of its own, where nothing is registered."""
    places = [str(site)] if site else []
    path = os.pathsep.join([*places, str(ROOT / ".importroot"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


ON_TABLE = ("biglittle", "search", "--on", "table", "--table", "small.h5", "--budget", "40")
ON_DEVICE = ("--device", "synthetic-device")


def test_a_searcher_and_a_gate_from_paths(folder: Path) -> None:
    words = (*ON_TABLE, *ON_DEVICE, "--searcher", "./patient.py", "--gate", "./sharper.py,margin")
    code, text = run(folder, *words, "--out", "out")
    assert code == 0, text
    config = (folder / "out" / "config.toml").read_text(encoding="utf-8")
    assert 'searcher = "patient"' in config
    assert '"sharper"' in config
    # The config has their names and no path: nothing is run that is not typed again.
    code, text = run(folder, "biglittle", "search", "--config", "out")
    assert code == 1
    assert "unknown" in text
    assert "patient" in text or "sharper" in text
    files = ("--searcher", "./patient.py", "--gate", "./sharper.py,margin")
    code, text = run(folder, "biglittle", "search", "--config", "out", *files)
    assert code == 0, text


def test_a_path_in_a_config_is_not_run(folder: Path) -> None:
    evil = folder / "evil.py"
    evil.write_text("open('it_ran', 'w').close()\n" + SEARCHER, encoding="utf-8")
    code, text = run(folder, *ON_TABLE, *ON_DEVICE, "--searcher", "random", "--out", "honest")
    assert code == 0, text
    config = folder / "honest" / "config.toml"
    changed = config.read_text(encoding="utf-8").replace('"random"', '"./evil.py"')
    config.write_text(changed, encoding="utf-8")
    code, text = run(folder, "biglittle", "search", "--config", "honest")
    assert code == 1
    assert "unknown searcher './evil.py'" in text
    assert not (folder / "it_ran").exists()


def test_a_broken_file_is_one_line(folder: Path) -> None:
    (folder / "broken.py").write_text("METRIC = None\n", encoding="utf-8")
    ids = ("8" * 22, "0" * 22)
    code, text = run(folder, "biglittle", "query", *ids, "--gate", "broken.py")
    assert code == 1
    assert text.startswith("error: broken.py: METRIC is not a gate metric: got an object of type ")
    assert len(text.splitlines()) == 1


def test_an_installed_package_passes_the_contract_and_is_asked(
    folder: Path, tmp_path: Path
) -> None:
    assert ENTRY_POINT is not None
    site, facts = tmp_path / "site", tmp_path / "site" / "sharper-1.0.dist-info"
    facts.mkdir(parents=True)
    (site / "sharper.py").write_text(GATE, encoding="utf-8")
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: sharper\nVersion: 1.0\n")
    group, line = ENTRY_POINT[1], ENTRY_POINT[2].replace('"', "")
    (facts / "entry_points.txt").write_text(f"[{group}]\n{line}\n")
    words = ("biglittle", "front", "--table", "small.h5", "--gate", "sharper", *ON_DEVICE)
    code, text = run(folder, *words, "--json", site=site)
    assert code == 0, text
    assert '"gate": "sharper"' in text
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_sharper.py").write_text("from sharper import METRIC\n" + CONTRACT)
    code, text = run(tests, "pytest", "-q", "-p", "no:cacheprovider", site=site)
    assert code == 0, text
    assert " passed" in text
    broken = GATE.replace("/ 256", "/ 256 * float('nan')")
    (site / "sharper.py").write_text(broken, encoding="utf-8")
    code, text = run(tests, "pytest", "-q", "-p", "no:cacheprovider", site=site)
    assert code == 1
    assert "test_scores_are_numbers" in text
