"""A search says when it replaces the front of another question, and only then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biglittle.bench.synthetic import DEVICE
from biglittle.searchers import SearchSettings
from biglittle.searchers.replaced_front import replaced_front

SOURCES = {"evaluator": "table", "device": "one", "table": "toy"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    config = {"objectives": ["error", "latency_ms"], "limits": {"latency_ms": 20.0}}
    document = {"config": {**config, "sources": SOURCES, "budget": 60, "seed": 1}, "front": []}
    (tmp_path / "front.json").write_text(json.dumps(document), encoding="utf-8")
    return tmp_path


LIMITS = {"latency_ms": 20.0}


def test_the_same_question_is_answered_anew_without_a_word(folder: Path) -> None:
    assert replaced_front(folder, SOURCES, SearchSettings(limits=LIMITS, budget=99, seed=7)) == ()


def test_a_longer_search_is_not_replaced_without_a_word(folder: Path) -> None:
    (line,) = replaced_front(folder, SOURCES, SearchSettings(limits=LIMITS, budget=59))
    assert "60 evaluations, which this search of 59 replaces" in line
    assert "--out" in line


@pytest.mark.parametrize(
    ("sources", "settings", "text"),
    [
        ({"device": "two"}, SearchSettings(limits=LIMITS), "device one, not two"),
        (
            {"device": "my", "device_files": {"my": "/a/my.json"}},
            SearchSettings(limits=LIMITS),
            "device one, not /a/my.json",
        ),
        ({"table": "other"}, SearchSettings(limits=LIMITS), "table toy, not other"),
        ({"table_file": "/t.h5"}, SearchSettings(limits=LIMITS), "table toy, not /t.h5"),
        ({"evaluator": "surrogate"}, SearchSettings(limits=LIMITS), "evaluator table, not"),
        ({}, SearchSettings(), "limits latency_ms_max 20, not none"),
        (
            {},
            SearchSettings(objectives=("error", "macs"), limits=LIMITS),
            "objectives error, latency_ms, not error, macs",
        ),
    ],
)
def test_another_question_is_said(
    folder: Path, sources: dict[str, object], settings: SearchSettings, text: str
) -> None:
    (line,) = replaced_front(folder, {**SOURCES, **sources}, settings)
    assert f"({text}" in line
    assert str(folder) in line
    assert "--out" in line


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"config": 3}', '{"config": {}}'])
def test_what_is_no_front_of_a_search_is_passed_over(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "front.json").write_text(content, encoding="utf-8")
    assert replaced_front(tmp_path, SOURCES, SearchSettings()) == ()


def test_the_command_says_it_before_it_searches(  # type: ignore[no-untyped-def]
    command_line, table: str, tmp_path: Path
) -> None:
    arguments = ("search", "--on", "table", "--table", table, "--device", DEVICE)
    arguments += ("--budget", "60", "--out", str(tmp_path), "--json")
    code, _, err = command_line(*arguments)
    assert code == 0, err
    assert "another question" not in err
    code, _, err = command_line(*arguments, "--latency-ms-max", "60")
    assert code == 0, err
    assert "limits none, not latency_ms_max 60" in " ".join(err.split())
