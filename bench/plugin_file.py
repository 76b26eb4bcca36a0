"""Plug-ins from files and installed packages: what is run, what is announced, where it failed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
import traceback
from functools import cache
from pathlib import Path
from types import ModuleType


def run_file(path: Path, name: str) -> ModuleType:
    """The module that a Python file is, run under a name of its own."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@cache
def entry_points(group: str) -> tuple[importlib.metadata.EntryPoint, ...]:
    """The entry points of a group, of all packages that are installed; read once."""
    return tuple(importlib.metadata.entry_points(group=group))


def failing_line(error: BaseException, file: str) -> int | None:
    """The line of a file on which an error came about; None where it is in none."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if file and frame.filename == file]
    return lines[-1] if lines else None
