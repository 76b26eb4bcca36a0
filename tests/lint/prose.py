"""Checks names and docstrings of the package by the two rules of the house.

A local variable is named by what it contains, never by a bare participle. An entry of a docstring
(an argument, an attribute, an error) makes sense alone: it has four words or more.

``python tests/lint/prose.py [PATH ...]`` lists what breaks a rule; exit code 1 if anything does.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

BARE_PARTICIPLES = frozenset({"found", "said", "known", "kept", "asked"})
FEWEST_WORDS = 4
SECTIONS = ("Args", "Attributes", "Raises")
ROOT = Path(__file__).resolve().parents[2]
SKIPPED = ("tests", "build", "dist", "out")
_ENTRY = re.compile(r"(?P<name>\*{0,2}[\w.]+)( \([^)]*\))?:(?P<text>.*)")


def wrong_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Lines and names of variables and arguments that are bare participles."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name, line = node.id, node.lineno
        elif isinstance(node, ast.arg):
            name, line = node.arg, node.lineno
        elif isinstance(node, ast.MatchAs | ast.MatchStar) and node.name:
            name, line = node.name, node.lineno
        else:
            continue
        if name in BARE_PARTICIPLES:
            yield line, f"variable {name!r} does not say what it contains"


def entries(docstring: str) -> Iterator[tuple[int, str, str]]:
    """Line within the docstring, name and text of every entry of its sections."""
    section, indent = False, -1
    current: tuple[int, str, list[str]] | None = None
    for number, line in enumerate(docstring.splitlines()):
        stripped, depth = line.strip(), len(line) - len(line.lstrip())
        if stripped.rstrip(":") in SECTIONS and stripped.endswith(":"):
            section, indent = True, -1
            continue
        if not section or not stripped:
            if not stripped and section and current:
                yield current[0], current[1], " ".join(current[2])
                current = None
            continue
        if indent < 0:
            indent = depth
        if depth < indent:
            section = False
            if current:
                yield current[0], current[1], " ".join(current[2])
                current = None
        elif depth == indent and (match := _ENTRY.match(stripped)):
            if current:
                yield current[0], current[1], " ".join(current[2])
            current = (number, match["name"], [match["text"]])
        elif current:
            current[2].append(stripped)
    if current:
        yield current[0], current[1], " ".join(current[2])


def short_entries(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Lines and complaints of docstring entries that say too little to make sense alone."""
    for node in ast.walk(tree):
        if not isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ) or not ast.get_docstring(node, clean=False):
            continue
        first = node.body[0].lineno
        for number, name, text in entries(ast.get_docstring(node, clean=False) or ""):
            words = re.findall(r"[^\s]*\w[^\s]*", text)
            if len(words) < FEWEST_WORDS:
                yield first + number, f"entry {name!r} says only {text.strip()!r}"


def complaints(path: Path) -> list[str]:
    """One line for everything in a file that breaks a rule."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    lines = sorted([*wrong_names(tree), *short_entries(tree)])
    return [f"{path}:{line}: {what}" for line, what in lines]


def files(paths: list[str]) -> Iterator[Path]:
    """The Python files of the package, or those below the paths that were given."""
    for given in map(Path, paths or [str(ROOT)]):
        for path in sorted(given.rglob("*.py")) if given.is_dir() else [given]:
            inside = (
                path.resolve().relative_to(ROOT).parts if ROOT in path.resolve().parents else ()
            )
            if not inside or not (inside[0] in SKIPPED or inside[0].startswith(".")):
                yield path


def main(paths: list[str]) -> int:
    """Prints every complaint; returns the exit code."""
    lines = [line for path in files(paths) for line in complaints(path)]
    print("\n".join([*lines, f"{len(lines)} complaints"] if lines else ["prose: nothing to say"]))
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
