"""Answers are what they were: pinned so that a change of structure cannot change them unseen."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FOLDER = Path(__file__).parent


def _module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_answers", FOLDER / "answers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["golden_answers"] = module
    spec.loader.exec_module(module)
    return module


ANSWERS = _module()


def _same(now: Any, pinned: Any, where: str) -> None:
    """Equal throughout, floats up to their last digits; new keys may have come."""
    if isinstance(pinned, dict):
        assert set(pinned) <= set(now), where
        for key, value in pinned.items():
            _same(now[key], value, f"{where}.{key}")
    elif isinstance(pinned, list):
        assert len(now) == len(pinned), where
        for i, value in enumerate(pinned):
            _same(now[i], value, f"{where}[{i}]")
    elif isinstance(pinned, float):
        assert now == pytest.approx(pinned, rel=1e-9, abs=1e-12), where
    else:
        assert now == pinned, where


@pytest.mark.parametrize("section", list(ANSWERS.SECTIONS))
def test_answers_are_what_they_were(section: str) -> None:
    if section in ("report",):
        pytest.importorskip("torch")
    pinned = json.loads((FOLDER / "answers.json").read_text(encoding="utf-8"))
    now = json.loads(json.dumps(ANSWERS.SECTIONS[section]()))
    assert now
    _same(now, pinned[section], section)
