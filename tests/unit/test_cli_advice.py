"""What a newcomer types wrongly is answered at once, with advice that works on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from biglittle.bench import Benchmark, BigLittleError
from biglittle.bench.errors import nearest_name
from biglittle.output_option import check_suffix

LITTLE, BIG = "8" * 22, "0" * 22


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page, which is neither a table nor a profile."""
    path = tmp_path / "README.md"
    path.write_text("# A page\n", encoding="utf-8")
    return path


def _error(run, *arguments: str) -> str:  # type: ignore[no-untyped-def]
    code, out, err = run(*arguments)
    assert (code, out, err.count("\n")) == (1, "", 1), err
    return str(err)


# ---- names of what is written ------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "name", "writes"),
    [
        (("query", LITTLE, BIG, "--out"), "q.svg", ".html"),
        (("show", LITTLE, "--out"), "s.html", ".svg"),
        (("front", "--out"), "f.txt", ".json or .html"),
        (("explore", "--out"), "page", ".html"),
        (("profile", "--networks", "anchors:1", "--out"), "p.csv", ".json"),
        (("score", "--arch", LITTLE, "--out"), "s.csv", ".h5 or .hdf5"),
        (("search", "--budget", "50", "--checkpoint"), "log.json", ".npz"),
        (("table", "build", "--out"), "t.csv", ".h5 or .hdf5"),
        (("table", "extract", LITTLE, "--out"), "net.pt", ".onnx"),
        (("device", "import", "a.log", "--name", "mine", "--out"), "p.toml", ".json"),
        (("accelerator", "profile", "eyeriss-like", "--out"), "p.toml", ".json"),
        (("platform", "--example"), "p.toml", ".json"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else None,
)
def test_other_endings_are_refused(  # type: ignore[no-untyped-def]
    command_line, tmp_path: Path, arguments: tuple[str, ...], name: str, writes: str
) -> None:
    error = _error(command_line, *arguments, str(tmp_path / name))
    assert f"writes {writes} and goes by the end of the name" in error
    assert not (tmp_path / name).exists()


def test_an_ending_in_capitals_is_the_same() -> None:
    check_suffix(Path("page.HTML"), (".html",), "--out")
    with pytest.raises(BigLittleError, match=r"'missing' here; expected such as page\.json"):
        check_suffix(Path("page"), (".json", ".html"), "--out")


# ---- names that are misspelt -------------------------------------------------------------------
def test_the_first_of_names_that_are_equally_near_is_meant() -> None:
    assert nearest_name("nsga", ["nsga3", "nsga2", "random"]) == "nsga2"
    assert nearest_name("nsga", ["random"]) is None
    assert nearest_name("nsga", []) is None


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (("search", "--searcher", "nsga"), ("Did you mean 'nsga2'",)),
        (("profile", "--runtime", "ort-gpu", "--networks", LITTLE), ("'ort-cpu'", "ort-tensorrt")),
        (("profile", "--networks", "anchors:x"), ("'anchors:x' names no networks", "anchors:10")),
        (("profile", "--networks", "anchors:0"), ("from 1 to 999",)),
        (("device", "show", "raspi"), ("biglittle profile --out", "device add my-board.json")),
        (("query", LITTLE, BIG, "--device", "raspi"), ("device add my-board.json",)),
        (("table", "extract", "pi4-5", "--out", "o"), ("Did you mean 'pi4-5ms'", "ARCH[@EXIT]")),
    ],
    ids=lambda value: " ".join(value[:3]) if isinstance(value, tuple) else None,
)
def test_a_wrong_name_gets_advice(  # type: ignore[no-untyped-def]
    command_line, tmp_path: Path, monkeypatch, arguments: tuple[str, ...], texts: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    error = _error(command_line, *arguments)
    assert all(text in error for text in texts), error
    assert "ort_cpu" not in error


def test_a_misspelt_cascade_is_refused_before_the_table_is_opened(  # type: ignore[no-untyped-def]
    command_line, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(Benchmark, "load", None)
    error = _error(command_line, "table", "extract", "nano-3", "--out", str(tmp_path / "out"))
    assert "Did you mean 'nano-3ms'" in error


def test_what_is_neither_a_network_nor_a_cascade_is_told_of_both(  # type: ignore[no-untyped-def]
    command_line, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    error = _error(command_line, "table", "extract", "123", "--out", str(tmp_path / "x.onnx"))
    assert "22 digits" in error
    assert "Cascades of this table: nano-3ms, pi4-10ms, pi4-5ms." in error


# ---- files that are something else -------------------------------------------------------------
@pytest.mark.parametrize("verb", [("table", "info"), ("explore",), ("explore", "--table")])
def test_a_page_is_no_table(command_line, tmp_path: Path, page: Path, verb) -> None:  # type: ignore[no-untyped-def]
    error = _error(command_line, *verb, str(page))
    assert f"{page} is not a table; expected a .h5 file" in error
    assert "manifest README.json" not in error


def test_a_table_without_its_manifest_gets_advice_for_the_command_line(  # type: ignore[no-untyped-def]
    command_line, tmp_path: Path
) -> None:
    (tmp_path / "mine.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    error = _error(command_line, "table", "info", str(tmp_path / "mine.h5"))
    assert "has no manifest mine.json" in error
    assert "Copy both files from where the table came from" in error
    assert "in Python alone: Benchmark.load(FILE, check=False)" in error


def test_explore_takes_a_table_by_its_option_or_its_argument(command_line, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    error = _error(command_line, "explore", "--table", str(tmp_path / "none.h5"))
    assert "no table file" in error
    error = _error(command_line, "explore", "a.h5", "--table", "b.h5")
    assert "were both given" in error


def test_a_profile_does_not_go_on_from_a_file_that_is_none(command_line, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for text in ("# no JSON", "{}"):
        (tmp_path / "mine.json").write_text(text, encoding="utf-8")
        asked = ("profile", "--networks", LITTLE, "--out", str(tmp_path / "mine.json"))
        assert "name a file that is not there" in _error(command_line, *asked)


def test_a_meter_that_is_not_here_says_which_may_be(tmp_path: Path) -> None:
    from biglittle.edge_profiler.meters import get_meter

    with pytest.raises(BigLittleError, match=r"no RAPL counters in /sys\. Take the meter 'auto'"):
        get_meter("rapl", tmp_path)
