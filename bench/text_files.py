"""Text of any editor and tables of any spreadsheet: read where they are unambiguous, else named.

A decimal comma, a semicolon or a byte-order mark is not an error of whoever has it. What could mean
two things is refused with its line and column, never guessed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .bounded import MAX_BYTES, read_bounded

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SEPARATORS = (",", ";", "\t", "|")
#: What spreadsheets take for a formula, and the same with apostrophes before it.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
#: Digits in groups of three: as much a large number with separators as one with decimals.
_GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str:
    """Text of a file in UTF-8, with or without a byte-order mark, or in UTF-16 with one.

    Args:
        path: path of the text file.
        max_bytes: most bytes that it may have.

    Raises:
        OSError: the system cannot read it.
        ValueError: it is too large, not a regular file, or no text in one of these encodings.
    """
    content = read_bounded(path, max_bytes)
    if content.startswith(_UTF16):
        try:
            return content.decode("utf-16")
        except UnicodeDecodeError as error:
            raise ValueError("it begins like UTF-16 and is cut short; save it anew") from error
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"line {line} holds byte 0x{content[error.start]:02x}, which is not UTF-8; save it as "
            "text in UTF-8"
        ) from error
    if "\0" in text:
        raise ValueError("it holds zero bytes and is not text in UTF-8; save it as that")
    return text


def plain_cell(text: str) -> str:
    """Text as a cell that no spreadsheet takes for a formula: an apostrophe before what begins one.

    >>> plain_cell("=1+1"), plain_cell("margin")
    ("'=1+1", 'margin')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def text_of_cell(cell: str) -> str:
    """The text that `plain_cell` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell[1:]) else cell


@dataclass(frozen=True)
class CsvTable:
    """Cells of a table with a head, as text.

    Attributes:
        columns: names in the head, in small letters, without blanks around them.
        lines: line of the file that each row stands on, shape (n,).
        rows: cells of each row, as many as there are columns.
        separator: between the cells of a row.
    """

    columns: tuple[str, ...]
    lines: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    separator: str

    def __len__(self) -> int:
        return len(self.rows)

    def words(self, column: str) -> list[str]:
        """Cells of a column."""
        k = self.columns.index(column)
        return [row[k] for row in self.rows]

    def numbers(self, columns: Sequence[str], empty: bool = False) -> NDArray[np.float64]:
        """Numbers of some columns, shape (n, len(columns)).

        A comma is a decimal comma where the separator is another one, all of these columns hold
        commas and no points, and at least one number cannot be digits in groups of three.

        Args:
            columns: names of the columns to read.
            empty: whether a cell may be empty; it is NaN then.

        Raises:
            ValueError: a cell that is not a finite number, or whose comma could mean two things;
                its line and column are named.
        """
        places = [self.columns.index(column) for column in columns]
        texts = [[row[k] for k in places] for row in self.rows]
        with_comma = [text for row in texts for text in row if "," in text]
        decimal = bool(with_comma)
        if decimal:
            sure = self.separator != "," and not all(_GROUPED.fullmatch(t) for t in with_comma)
            pointed = any("." in text for row in texts for text in row)
            if pointed or not sure:
                self._refuse_comma(columns, texts, pointed)
        out = np.full((len(texts), len(places)), np.nan)
        for i, row in enumerate(texts):
            for j, text in enumerate(row):
                if text == "" and empty:
                    continue
                try:
                    out[i, j] = float(text.replace(",", ".") if decimal else text)
                    # Python reads digits that it groups itself, and those of any script.
                    if "_" in text or not text.isascii():
                        raise ValueError
                except ValueError:
                    raise self._wrong(i, columns[j], text, "a number") from None
                if not np.isfinite(out[i, j]):
                    raise self._wrong(i, columns[j], text, "figures that are all finite")
        return out

    def place(self, row: int, column: str) -> str:
        """Where a cell stands, for messages."""
        return f"line {self.lines[row]}, column {column!r}"

    def _wrong(self, row: int, column: str, text: str, expected: str) -> ValueError:
        return ValueError(f"{self.place(row, column)}: got {text[:40]!r}, expected {expected}")

    def _refuse_comma(self, columns: Sequence[str], texts: list[list[str]], pointed: bool) -> None:
        at = next((i, j) for i, row in enumerate(texts) for j, t in enumerate(row) if "," in t)
        why = "while other numbers have a point" if pointed else "which could begin thousands"
        expected = f"a number with one kind of decimal mark (its comma, {why}, can mean two things)"
        raise self._wrong(at[0], columns[at[1]], texts[at[0]][at[1]], expected)


def parse_csv(text: str, required: Sequence[str]) -> CsvTable:
    """The table in a text, its cells separated by whichever mark makes the head hold most.

    Comma, semicolon, tabulator and bar separate; blanks around cells, blank lines and further
    columns do not matter, nor does the ``sep=`` line of a spreadsheet.

    Args:
        text: cells of a table with a head in its first line; without one the table has no columns.
        required: columns that tell the separator; whether all are there is for the caller to see.

    Raises:
        ValueError: a column twice, or a row with more or fewer cells than the head.
    """
    start = 0
    told = re.match(r"sep=(.)\r?\n", text)
    if told:
        start = told.end()
    lines = text[start:].splitlines()
    head_at = next((i for i, line in enumerate(lines) if line.strip()), None)
    if head_at is None:
        return CsvTable((), (), (), ",")
    heads = {sep: _cells(lines[head_at], sep) for sep in _SEPARATORS}
    separator = max(
        _SEPARATORS, key=lambda sep: sum(name.lower() in required for name in heads[sep])
    )
    columns = tuple(name.lower() for name in heads[separator])
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        raise ValueError(f"it has the column {twice[0]!r} twice")
    reader = csv.reader(
        io.StringIO(text[start:], newline=""),
        delimiter=separator,
        skipinitialspace=True,
    )
    rows, numbers = [], []
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if any(stripped):
                rows.append(stripped)
                numbers.append(reader.line_num + (1 if told else 0))
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from error
    width = len(columns)
    for row, number in zip(rows[1:], numbers[1:], strict=True):
        if len(row) < width and columns[len(row)]:
            raise ValueError(
                f"line {number}, column {columns[len(row)]!r}: got nothing, expected {width} cells "
                "as in the head"
            )
        if any(row[width:]):
            raise ValueError(
                f"line {number}: got {len(row)} cells, expected {width} as in the head; is a "
                f"{separator!r} in one of them?"
            )
    cut = [tuple([*row, *[""] * (width - len(row))][:width]) for row in rows[1:]]
    return CsvTable(columns, tuple(numbers[1:]), tuple(cut), separator)


def _cells(line: str, separator: str) -> list[str]:
    try:
        (cells,) = csv.reader([line], delimiter=separator, skipinitialspace=True)
    except csv.Error as error:
        raise ValueError(f"its head is not one of a table: {error}") from error
    return [cell.strip() for cell in cells]
