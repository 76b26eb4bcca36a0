"""Every command and every Python block of every page: run, or at least held against the code.

A fence says what its block needs, behind its language, as in ``bash needs=images,long``. Without a
word the block runs here. An extra (``train``, ``profiler``) lets it run where the extra
is installed. What needs ``images``, a ``board``, the ``network`` or a ``long`` time is parsed only:
every verb, option and module in it exists. The blocks of one page run in order, in one folder and
one namespace, in which the files lie that a page speaks of as a reader's own.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import json
import re
import runpy
import shlex
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from biglittle.bench import BigLittleError
from biglittle.bench.errors import EXTRA_OF, MissingExtraError
from biglittle.cli import app
from biglittle.data_tables.evidence.__main__ import command as step_command
from biglittle.data_tables.evidence._page import names as step_names
from biglittle.searchers import explore

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("*/*/README.md")]
PAGES += ROOT.glob("data_tables/evidence/*.md")
PAGES = sorted(
    page
    for page in PAGES
    if page.name != "CHANGELOG.md"
    and not str(page.relative_to(ROOT)).startswith((".", "out", "build"))
)
EXTRAS = {"train": "torch", "profiler": "onnx", "frames": "pandas", "pytest": "pytest"}
PARSE = argparse.ArgumentParser.parse_args
NOT_HERE = {"images", "board", "network", "long"}
LANGUAGES = {"bash", "python", "cpp", "toml", "json", "text"}
OTHERS = ("make", "pip", "python", "git", "sudo")
FENCE = re.compile(r"^```(\S*)([^\n]*)\n(.*?)^```$", re.M | re.S)
WORD = r"[a-z][a-z0-9-]*"

page_names = [str(p.relative_to(ROOT)) for p in PAGES]
each_page = pytest.mark.parametrize("page", PAGES, ids=page_names)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    needs: frozenset[str]
    text: str

    @property
    def here(self) -> bool:
        """Whether it can run in this environment."""
        extras = [EXTRAS[n] for n in self.needs & {*EXTRAS}]
        there = all(importlib.util.find_spec(module) is not None for module in extras)
        return there and not self.needs & NOT_HERE

    def commands(self) -> list[list[str]]:
        """The words of every command, without comments and settings of the environment."""
        lines = self.text.replace("\\\n", " ").splitlines()
        words = [shlex.split(line, comments=True) for line in lines]
        return [[w for i, w in enumerate(ws) if i or "=" not in w] for ws in words if ws]


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        words = dict(part.split("=", 1) for part in match[2].split())
        assert set(words) <= {"needs"}, f"{page}: {match[0].splitlines()[0]}"
        needs = frozenset(filter(None, words.get("needs", "").split(",")))
        line = text[: match.start()].count("\n") + 1
        found.append(Block(page, line, match[1], needs, match[3]))
    return found


# ---- what a block says exists ------------------------------------------------------------------
def command_of(words: list[str]) -> tuple[Any, list[str]]:
    """The verb that words of a command line call, and the words that are left."""
    command: Any = typer.main.get_command(app)
    words = words[1:]
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        assert words[0] in command.commands, f"there is no verb {words[0]!r}: {shlex.join(words)}"
        _, command, words = command.resolve_command(typer.Context(command), words)
    return command, words


def check_biglittle(words: list[str]) -> None:
    """Parses a command as the command line does: verb, options, their types, missing arguments."""
    command, rest = command_of(words)
    try:
        command.make_context(words[-1], list(rest))
    except typer.Exit:
        pass  # --help, --version
    except BigLittleError:
        pass  # --config of a file that an earlier command would have written
    except Exception as error:
        message = getattr(error, "message", str(error))
        raise AssertionError(f"{shlex.join(words)}: {message}") from error


class ParsedError(Exception):
    """Arguments were parsed, which is as far as a module is to go here."""


def check_module(words: list[str]) -> None:
    """``python -m MODULE``: the module is there, and takes these arguments."""
    assert words[1] == "-m"
    name, options = words[2], [w for w in words[3:] if w.startswith("--")]
    if not name.startswith("biglittle"):
        return
    assert importlib.util.find_spec(name) is not None, f"there is no module {name}"
    if name == "biglittle.data_tables.evidence" and words[3:]:
        check_step(words[3], words[4:])
        return
    if not options:
        return

    def parse(parser: argparse.ArgumentParser, given: list[str] | None = None, *_: Any) -> None:
        try:
            PARSE(parser, given)
        except SystemExit as error:
            raise AssertionError(f"{shlex.join(words)}: see its --help") from error
        raise ParsedError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse)
        patch.setattr(sys, "argv", [name, *words[3:]])
        try:
            runpy.run_module(name, run_name="__main__", alter_sys=False)
        except ParsedError:
            return
        except MissingExtraError:
            return  # its options are held against it where the extra is installed
        except ModuleNotFoundError as error:
            if error.name in EXTRA_OF:
                return
            raise
    raise AssertionError(f"{name} takes no options")


def check_step(name: str, words: list[str]) -> None:
    """A step of the evidence: it is there, and takes these arguments."""
    if name == "--list":
        return
    assert name in step_names(), f"there is no step {name!r}"
    if not words:
        return
    try:
        step_command(name).make_context(name, list(words))
    except ModuleNotFoundError as error:
        if error.name not in EXTRA_OF:
            raise
    except Exception as error:
        message = getattr(error, "message", str(error))
        raise AssertionError(f"{name} {shlex.join(words)}: {message}") from error


def check_other(words: list[str]) -> None:
    """``make`` and ``pip`` lines: the target, the extras, the files."""
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        for target in (w for w in words[1:] if "=" not in w):
            assert re.search(rf"^{target}:", makefile, re.M), f"make {target}"
    if words[0] == "pip":
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        wanted = [w for w in words[2:] if not w.startswith("-")]
        assert "biglittle" not in {re.split(r"[\[=@ ]", w)[0] for w in wanted}, "it is on no index"
        for word in wanted:
            extras = re.fullmatch(r"\.\[([\w,]+)\]", word)
            known = project["project"]["optional-dependencies"]
            assert extras is None or {*extras[1].split(",")} <= {*known}, word


def check_command(words: list[str]) -> None:
    """Fails where a command of a page names what is not there."""
    if words[0] == "biglittle":
        check_biglittle(words)
    elif words[:2] == ["python", "-m"]:
        check_module(words)
    else:
        assert words[0] in OTHERS, f"{words[0]} is no command that a reader has"
        check_other(words)


@each_page
def test_fences_say_their_language_and_what_they_need(page: Path) -> None:
    assert page.read_text(encoding="utf-8").count("\n```") % 2 == 0
    for block in blocks_of(page):
        where = f"{page.relative_to(ROOT)}:{block.line}"
        assert block.language in LANGUAGES, where
        assert block.needs <= {*EXTRAS} | NOT_HERE, where
        if block.language == "bash" and not block.needs & NOT_HERE:
            for words in block.commands():
                assert words[0] == "biglittle", f"{where}: {words[0]} needs the network or long"


@each_page
def test_every_verb_option_and_module_of_a_block_exists(page: Path) -> None:
    for block in blocks_of(page):
        if block.language == "bash":
            for words in block.commands():
                check_command(words)
        if block.language == "python":
            compile(block.text, f"{page.relative_to(ROOT)}:{block.line}", "exec", dont_inherit=True)


@each_page
def test_every_verb_option_and_module_in_the_text_exists(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for span in re.findall(r"`([^`]+)`", text):
        span = " ".join(span.split())
        if span.startswith("biglittle "):
            words = re.findall(r"\S+", span.replace("...", ""))
            command, rest = command_of([w for w in words if re.match(r"[\w-]", w)])
            options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)}
            used = {w.split("=")[0] for w in rest if w.startswith("--")}
            assert used <= options | {"--help"}, span
        elif span.startswith("python -m biglittle"):
            check_module(span.split())


def slugs(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made where it is shown."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in heads}


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_every_link_leads_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+://|mailto:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in slugs(file), f"{page.name} links to {target}"


# ---- what can run runs -------------------------------------------------------------------------
def _lay_out(folder: Path) -> None:
    """The files that pages speak of as a reader's own: an ONNX network, a board's profile.

    The board takes what a Pi 4 takes, whose fronts other pages have asked for.
    """
    if importlib.util.find_spec("onnx") is not None:
        import onnx

        from biglittle.bench import get_space
        from biglittle.edge_profiler import onnx_model

        onnx.save(onnx_model(get_space("fbnet"), "8" * 20 + "00", 10), folder / "network.onnx")
    shipped = ROOT / "data_tables" / "devices" / "raspberry-pi-4.json"
    profile = json.loads(shipped.read_text(encoding="utf-8"))
    (folder / "my-board.json").write_text(json.dumps({**profile, "device": "my-board"}))


FEW = 500  # evaluations of a search: that it runs, and what it writes, many show no better


def with_few_evaluations(words: list[str]) -> list[str]:
    """The same command, with the budget of its search cut down to a few evaluations."""
    short = list(words)
    for option in ("--budget", "--evaluations"):
        if option in short:
            at = short.index(option) + 1
            short[at] = str(min(FEW, int(short[at])))
            return short
    return [*short, "--budget", str(FEW)] if short[:2] == ["biglittle", "search"] else short


def with_one_gate(words: list[str]) -> list[str]:
    """The same command, where it asks for a front that no other page asks for, under one gate.

    Fronts of the usual objectives and precision are worked out under all gates, once for all pages.
    """
    named = {*words} & {"--objectives", "--precision", "--gate"}
    unusual = words[:2] == ["biglittle", "front"] and named and "--gate" not in named
    return [*words, "--gate", "margin"] if unusual else words


@each_page
def test_what_can_run_here_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = [b for b in blocks_of(page) if b.here and b.language in ("bash", "python")]
    if not blocks:
        pytest.skip("every block of this page needs what is not here")
    _lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BIGLITTLE_DATA", str(tmp_path / "own"))
    monkeypatch.setattr(explore, "COUPLINGS", ("prefix",))  # a third of the fronts of a whole table
    namespace: dict[str, Any] = {"__name__": "page"}
    for block in blocks:
        where = f"{page.relative_to(ROOT)}:{block.line}"
        if block.language == "python":
            exec(compile(block.text, where, "exec", dont_inherit=True), namespace)
            continue
        for words in map(with_one_gate, map(with_few_evaluations, block.commands())):
            monkeypatch.setattr(sys, "argv", list(words))
            result = CliRunner().invoke(app, words[1:])
            assert result.exit_code == 0, f"{where}: {shlex.join(words)}: {result.exception!r}"


def test_the_pair_that_the_readme_shows_beats_its_big_network() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (words,) = [
        w
        for b in blocks_of(ROOT / "README.md")
        if b.language == "bash"
        for w in b.commands()
        if w[:2] == ["biglittle", "query"] and "--threshold" in w
    ]
    from biglittle.bench import Benchmark, Gate, Pair

    bench, device = Benchmark.load("fbnet-cifar10"), "raspberry-pi-4"
    pair = Pair(*words[2:4])
    gate = Gate(words[words.index("--gate") + 1], float(words[words.index("--threshold") + 1]))
    assert f'Pair(little="{pair.little}"' in text
    for split in ("val", "test"):
        point, big = bench.query(pair, gate, device, split), bench.row(pair.big)
        assert point.accuracy > bench.accuracy(split)[big]
        assert point.latency_ms is not None
        assert point.latency_ms < bench.costs(device).latency_ms[big]
        assert point.better_alone is None


# ---- the parser of this file -------------------------------------------------------------------
def test_a_search_of_a_page_is_run_with_few_evaluations() -> None:
    for given, run in (
        ("search", "search --budget 500"),
        ("search --budget 4000 --seed 1", "search --budget 500 --seed 1"),
        ("search --budget 60", "search --budget 60"),
        ("accelerator search edge --evaluations 2000", "accelerator search edge --evaluations 500"),
        ("front --top 5", "front --top 5"),
    ):
        words = with_few_evaluations(["biglittle", *given.split()])
        assert words[1:] == run.split()


def test_an_unusual_front_of_a_page_is_that_of_one_gate() -> None:
    for given, run in (
        ("front --objectives error,macs", "front --objectives error,macs --gate margin"),
        ("front --precision int8 --top 5", "front --precision int8 --top 5 --gate margin"),
        ("front --objectives error,macs --gate entropy",) * 2,
        ("front --top 5",) * 2,
        ("search --objectives error,macs",) * 2,
    ):
        assert with_one_gate(["biglittle", *given.split()])[1:] == run.split()


def test_a_wrong_command_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        inspect.cleandoc(
            """
            # Page
            ```bash needs=long,train
            A=1 biglittle search --budget 3 \\
                --seed 1    # a comment
            biglittle front
            ```
            """
        )
        + "\n"
    )
    (block,) = blocks_of(page)
    assert (block.language, block.line, block.needs) == ("bash", 2, {"long", "train"})
    assert block.commands()[0] == ["biglittle", "search", "--budget", "3", "--seed", "1"]
    assert not block.here
    for wrong in (
        "biglittle serch",
        "biglittle search --budgets 3",
        "biglittle search --budget three",
        "biglittle query 888",
        "biglittle device sow x",
        "python -m biglittle.searchers.none",
        "python -m biglittle.data_tables.evidence tabel",
        "python -m biglittle.data_tables.evidence gates --nothing 1",
        "python -m biglittle.edge_profiler --nothing 1",
        "make nothing",
        "pip install biglittle",
        "pip install '.[nothing]'",
        "nothing",
    ):
        with pytest.raises(AssertionError):
            check_command(shlex.split(wrong))
