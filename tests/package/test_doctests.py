"""Runs the examples in the docstrings: one test per module that has any."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

from biglittle.bench.errors import MissingExtraError

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (
    "bench",
    "cotrain",
    "data_tables",
    "edge_profiler",
    "searchers",
    "surrogates",
    "zerocost",
)


def _modules_with_examples() -> list[str]:
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    parts = [
        path.relative_to(ROOT).with_suffix("").parts for path in files if ">>> " in path.read_text()
    ]
    return [".".join(["biglittle", *(p for p in names if p != "__init__")]) for names in parts]


@pytest.mark.parametrize("name", _modules_with_examples())
def test_examples(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except MissingExtraError as error:
        pytest.skip(str(error))
    options = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testmod(module, optionflags=options)
    assert result.attempted > 0
    assert result.failed == 0
