"""Text of any editor and tables of any spreadsheet: read, or named by line and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench.text_files import parse_csv, read_text

WANTED = ("time_s", "power_mw")
PLAIN = "time_s,power_mw,marker\n0.5,3000,0\n1.5,3010.5,1\n"


def numbers(text: str) -> np.ndarray:
    return parse_csv(text, WANTED).numbers(WANTED)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom"])
def test_text_is_read_by_its_byte_order_mark(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "t.csv"
    if encoding == "utf-16-le-bom":
        path.write_bytes(b"\xff\xfe" + PLAIN.encode("utf-16-le"))
    else:
        path.write_bytes(PLAIN.encode(encoding))
    assert read_text(path) == PLAIN


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PLAIN.encode("utf-16-le"), "zero bytes"),
        (b"time_s,power_\xb5w\n1,2\n", "line 1 holds byte 0xb5"),
        (b"\xff\xfet", "cut short"),
        (b"x" * (2**20 + 1), "expected at most 1 MiB"),
    ],
)
def test_what_is_no_text_is_said(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_text(path, max_bytes=2**20)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", ", "),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", ";").replace(".", ","),
        "sep=;\r\n" + PLAIN.replace(",", ";").replace(".", ","),
        "\n" + PLAIN + "\n,,\n",
        PLAIN.replace("time_s", ' "Time_s" '),
        "time_s,power_mw,\n0.5,3000,\n1.5,3010.5,\n",
        "note,power_mw,time_s\nwarm,3000,0.5\n,3010.5,1.5\n",
    ],
)
def test_dialects_of_one_table(text: str) -> None:
    np.testing.assert_array_equal(numbers(text), [[0.5, 3000], [1.5, 3010.5]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time_s,power_mw\n1,x", r"line 2, column 'power_mw': got 'x', expected a number"),
        ("time_s,power_mw\n\n1,2\n3,nan", r"line 4, column 'power_mw': got 'nan'.*finite"),
        ("sep=;\ntime_s;power_mw\n1;x", r"line 3, column 'power_mw'"),
        ("time_s,power_mw\n1", r"line 2, column 'power_mw': got nothing, expected 2 cells"),
        ("time_s,power_mw\n1,2,3", r"line 2: got 3 cells, expected 2"),
        ("time_s,power_mw\n1,3000,5", r"is a ',' in one of them"),
        ("time_s,power_mw,time_s\n1,2,3", "'time_s' twice"),
        ("time_s;power_mw\n1,5;2.5", r"line 2, column 'time_s': got '1,5'.*have a point"),
        ("time_s;power_mw\n1;3,000\n2;4,000", r"line 2, column 'power_mw': got '3,000'.*thousands"),
        ('time_s,power_mw\n1,"3,5"', r"column 'power_mw': got '3,5'.*two things"),
        ("time_s,power_mw\n1,1_000", "got '1_000', expected a number"),
        ('time_s,power_mw\n1,"2\n3,4\n', "column 'power_mw': got"),
    ],
)
def test_what_is_ambiguous_or_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        numbers(text)


def test_a_text_without_a_head_has_no_columns() -> None:
    assert parse_csv("\n", WANTED).columns == ()


def test_empty_cells_are_missing_where_they_may_be() -> None:
    table = parse_csv("time_s;power_mw\n1,5;\n", WANTED)
    np.testing.assert_array_equal(table.numbers(WANTED, empty=True), [[1.5, np.nan]])
    with pytest.raises(ValueError, match="got '', expected a number"):
        table.numbers(WANTED)
    assert (table.words("time_s"), len(table), table.separator) == (["1,5"], 1, ";")
