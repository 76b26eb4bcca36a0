"""The check of names and docstrings finds what it should, and nothing else."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _module() -> ModuleType:
    path = Path(__file__).with_name("prose.py")
    spec = importlib.util.spec_from_file_location("prose", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["prose"] = module
    spec.loader.exec_module(module)
    return module


prose = _module()


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("found = 1", ["found"]),
        ("for said in x: pass", ["said"]),
        ("def f(known): return [kept for kept in known]", ["known", "kept"]),
        ("with f() as asked: pass", ["asked"]),
        ("a, (found, b) = x", ["found"]),
        ("class A:\n found = 1\nx = a.found\nnot_found = known_ids = 2", ["found"]),
    ],
)
def test_bare_participles_are_named(code: str, names: list[str]) -> None:
    complaints = [what for _, what in prose.wrong_names(ast.parse(code))]
    assert sorted(complaints) == sorted(
        f"variable {name!r} does not say what it contains" for name in names
    )


DOCSTRING = '''
def f():
    """What it returns.

    Args:
        big: likewise.
        seed: of order and
            augmentation.
        images: normalised images, shape (n, 3).

    Returns:
        A number.

    Raises:
        ValueError: no such thing.
        OSError: the file cannot be read.
    """
'''


def test_entries_that_say_too_little_are_named_with_their_line() -> None:
    complaints = list(prose.short_entries(ast.parse(DOCSTRING)))
    assert complaints == [
        (6, "entry 'big' says only 'likewise.'"),
        (15, "entry 'ValueError' says only 'no such thing.'"),
    ]


def test_a_file_is_checked_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("found = 1\n" + DOCSTRING)
    assert [line.split(":")[1] for line in prose.complaints(path)] == ["1", "7", "16"]
