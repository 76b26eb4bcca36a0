"""A figure exists once: every marked part of a page is what a step makes of its JSON."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")

from biglittle.bench.errors import BigLittleError, UnknownNameError
from biglittle.bench.growth import unchanged_since
from biglittle.data_tables import buildable_tables
from biglittle.data_tables.evidence import __main__ as evidence
from biglittle.data_tables.evidence import _page
from biglittle.data_tables.evidence._page import Step

#: A step by its name, behind the word: in code, in a message, on a page.
STEP = re.compile(r"[Ss]teps? (?:'|`{1,2})([\w/]+)['`]")
OWNERS = _page.claims()  # fails where two steps claim one mark
PAGES = list(_page.pages())


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(_page.ROOT).as_posix())
def test_a_page_says_what_its_figures_say(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for match in _page.MARK.finditer(text):
        assert match[3].strip() == _page.text_of(match[1], OWNERS), match[1]
    assert _page.filled(text, OWNERS) == text, "run: python -m biglittle.data_tables.evidence"


def _of_any_table(mark: str) -> str:
    """A mark, or the name of a file of figures, without the name of a table before it."""
    table, _, rest = mark.partition("/")
    return rest if table in buildable_tables() else mark


def test_every_figure_stands_on_some_page_and_every_step_was_run() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    quoted = {_of_any_table(match[1]) for match in _page.MARK.finditer(text)}
    assert quoted == set(OWNERS)
    assert "was not run yet" not in text


def test_every_file_of_figures_has_its_step() -> None:
    files = {p.relative_to(_page.FIGURES) for p in _page.FIGURES.rglob("*.json")}
    kept = {n for n in _page.names() if (entry := _page.step(n)).keeps and entry.file is None}
    assert {_of_any_table(f.with_suffix("").as_posix()) for f in files} == kept


@pytest.mark.parametrize("name", _page.names())
def test_every_step_has_a_command_and_says_what_its_options_are(name: str) -> None:
    if _page.step(name).measure is None:
        with pytest.raises(BigLittleError, match="measures nothing"):
            evidence.command(name)
    else:
        options = {o for p in evidence.command(name).params for o in p.opts}
        assert all(option.startswith("--") for option in options)


def test_steps_that_messages_and_pages_speak_of_exist() -> None:
    spoken = set()
    for path in [*_page.FOLDER.rglob("*.py"), *_page.FOLDER.glob("*.md")]:
        spoken |= set(STEP.findall(path.read_text(encoding="utf-8")))
    assert {"surrogates/proposed", "zerocost/score", "surrogates/nb201"} <= spoken
    assert spoken <= set(_page.names())


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two steps, whose figures and pages lie in a folder of their own."""

    def measure(value: int = 1) -> dict[str, int]:
        """Keeps a value."""
        return {"value": value}

    steps = {
        "one": Step(measure, {"one": lambda f: f"one is {f['value']}"}),
        "other": Step(measure, {"other": lambda f: r"\1"}),
        "held": Step(measure, {"held": lambda f: f"held is {f['value']}"}, of_table=True),
        "drawn": Step(lambda: None, {"drawn": lambda _: "a picture"}, keeps=False),
    }
    monkeypatch.setattr(_page, "names", lambda: tuple(steps))
    monkeypatch.setattr(_page, "step", steps.__getitem__)
    monkeypatch.setattr(_page, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(_page, "ROOT", tmp_path)
    monkeypatch.setattr(_page.fill_pages, "__defaults__", (tmp_path,))
    monkeypatch.setattr(_page.pages, "__defaults__", (tmp_path,))
    (tmp_path / ".hidden").mkdir()
    for page in (tmp_path / "page.md", tmp_path / ".hidden" / "page.md"):
        page.write_text(
            "# Page\n`<!-- figures:NAME -->` marks\n<!-- figures:one -->\nold\n"
            "<!-- /figures -->\nWe know: <!-- figures:other -->?<!-- /figures -->, and "
            "<!-- figures:drawn --><!-- /figures -->.\n"
        )
    return tmp_path


def test_a_step_is_measured_kept_and_quoted(house: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    assert evidence.main(["one", "--value", "3"]) == 0
    document = json.loads((house / "figures" / "one.json").read_text())
    assert (document["step"], document["value"]) == ("one", 3)
    assert document["conditions"]["cores"] >= 1
    assert (house / "page.md").read_text() == (
        "# Page\n`<!-- figures:NAME -->` marks\n<!-- figures:one -->\none is 3\n"
        "<!-- /figures -->\nWe know: <!-- figures:other -->Step `other` was not run yet."
        "<!-- /figures -->, and <!-- figures:drawn -->a picture<!-- /figures -->.\n"
    )
    assert "filled page.md" in capsys.readouterr().err
    assert "old" in (house / ".hidden" / "page.md").read_text()
    assert evidence.main(["other", "drawn"]) == 0
    assert r"We know: <!-- figures:other -->\1<!--" in (house / "page.md").read_text()
    assert evidence.main([]) == 0  # nothing is left to fill
    assert capsys.readouterr().err.count("filled") == 1
    assert evidence.main(["--list"]) == 0
    assert "one\n    one: page.md" in capsys.readouterr().out


def test_figures_of_a_table_before_say_so(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def shipped(sha256: str, **facts: Any) -> None:
        table = SimpleNamespace(sha256=sha256, training=facts)
        table.unchanged_since = partial(unchanged_since, facts, sha256)
        monkeypatch.setattr(_page, "shipped_table", lambda name: table)

    shipped("a" * 64)
    assert evidence.main(["held", "--value", "2"]) == 0
    (house / "page.md").write_text("So <!-- figures:held --><!-- /figures -->!\n")
    _page.fill_pages()
    assert "-->held is 2<!--" in (house / "page.md").read_text()
    shipped("b" * 64, grown_from=[{"sha256": "a" * 64, "added": {"int8": 3}}])
    _page.fill_pages()  # in fp32 it is the same table
    assert "-->held is 2<!--" in (house / "page.md").read_text()
    shipped("b" * 64, grown_from=[{"sha256": "a" * 64, "added": {"fp32": 1, "int8": 3}}])
    _page.fill_pages()
    assert f"held is 2 ({_page.OUTDATED})<!--" in (house / "page.md").read_text()
    assert "(of a table before)" in evidence.listing()
    assert evidence.main(["held", "--value", "3"]) == 0
    assert "-->held is 3<!--" in (house / "page.md").read_text()
    earlier = {"step": "x", "conditions": {"cpu": "of then"}, "table_sha256": "a" * 64}
    _page.save("held", {"value": 4, **earlier})  # a step that goes on from its own figures
    document = json.loads((house / "figures" / "held.json").read_text())
    assert (document["step"], document["table_sha256"]) == ("held", "b" * 64)
    assert document["conditions"]["cpu"] != "of then"
    shipped("b" * 64, grown_from=[{"sha256": "a" * 64, "added": {"standalone": 2}}])
    figures = {"table_sha256": "a" * 64}
    assert not _page.outdated(_page.Step(of_table=True), figures)
    assert _page.outdated(_page.Step(of_table=True, rows=("fp32", "standalone")), figures)


def test_figures_of_another_table_lie_apart_and_are_quoted_by_its_name(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_page, "buildable_tables", lambda: ("fbnet-cifar10", "fbnet-mine"))
    for table, value in (("fbnet-cifar10", 1), ("fbnet-mine", 2)):
        _page.save("one", {"value": value, "table_name": table})
    assert (house / "figures" / "fbnet-mine" / "one.json").exists()
    (house / "page.md").write_text(
        "<!-- figures:one --><!-- /figures -->, <!-- figures:fbnet-mine/one --><!-- /figures -->, "
        "<!-- figures:fbnet-mine/other --><!-- /figures -->\n"
    )
    _page.fill_pages()
    page = (house / "page.md").read_text()
    assert "figures:one -->one is 1<" in page
    assert "figures:fbnet-mine/one -->one is 2<" in page
    assert "Step `other` was not run yet" in page


def test_steps_that_load_the_table_are_told_apart() -> None:
    """A step whose figures are of the table says so, and then they name it."""
    alone = {"few_anchors", "imagenet_plan", "teacher", "training", "picture", "answer_picture"}
    alone |= {"ray_ratio", "int8_latency"}  # take networks' names alone, and time them
    for name in _page.names():
        entry, path = _page.step(name), _page.FOLDER / f"{name}.py"
        loads = "Benchmark.load(RECIPE" in path.read_text(encoding="utf-8")
        assert not loads or entry.of_table or name in alone, name


def test_mistakes_are_told(house: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    assert evidence.main(["one", "--nothing"]) == 2
    assert evidence.main(["one", "other", "--value", "1"]) == 2
    assert evidence.main(["one", "--help"]) == 0
    assert not (house / "figures").exists()
    (house / "page.md").write_text("<!-- figures:ones -->\n<!-- /figures -->\n")
    assert evidence.main(["one"]) == 1
    assert "unknown mark 'ones'. Did you mean 'one'" in capsys.readouterr().err


def test_an_unknown_step_is_told(capsys) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UnknownNameError, match="Did you mean 'table'"):
        _page.step("tabel")
    assert evidence.main(["tabel"]) == 1
    assert "unknown step" in capsys.readouterr().err


def test_two_steps_that_claim_one_figure_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = Step(None, {"same": str})
    monkeypatch.setattr(_page, "names", lambda: ("one", "other"))
    monkeypatch.setattr(_page, "step", lambda name: twice)
    with pytest.raises(BigLittleError, match="claimed by the steps 'one' and 'other'"):
        _page.claims()
