"""What points, curves, fronts and networks can all become: columns, a frame, a CSV file, a plot.

pandas is imported here alone of this folder, when a frame is asked for; matplotlib in ``plots.py``.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from .errors import EXTRA_OF, BigLittleError, MissingExtraError
from .files import replacing
from .provenance import PROVENANCES, ranks_of
from .text_files import plain_cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

Column = NDArray[Any]
#: How the column is called that says how a figure came about.
WORD_OF = "{}_provenance"


class Tabular:
    """Something whose members are rows of a table with named columns.

    A figure's provenance is a column beside it, wherever the figure goes. What has no figure is NaN
    in arrays and frames, an empty cell in CSV, and has no provenance ("").
    """

    __slots__ = ()
    #: How `plot` joins the rows, as matplotlib writes it.
    _MARK: ClassVar[str] = "o"

    def columns(self) -> dict[str, Column]:
        """Its columns by name, in order, each of shape (n,)."""
        raise NotImplementedError

    def to_pandas(self) -> DataFrame:
        """The columns as a pandas frame, a row a member.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError as error:
            raise MissingExtraError("pandas", EXTRA_OF["pandas"], "a frame") from error
        return pandas.DataFrame(self.columns())

    def to_csv(self, path: str | Path) -> Path:
        """The path of a CSV file with these columns, written whole or not at all.

        A front that was written so is read by whatever reads the ``front.csv`` of a search.

        Args:
            path: file to write; what is there is replaced.

        Raises:
            BigLittleError: the file cannot be written.
        """
        path = Path(path)
        text = csv_text(self.columns())
        try:
            with replacing(path) as partial:
                partial.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            raise BigLittleError(
                f"cannot write {path}: {error.strerror or error}. Name a file in a folder that "
                "can be written to."
            ) from error
        return path

    def plot(
        self, x: str = "latency_ms", y: str = "accuracy", ax: Axes | None = None, **style: Any
    ) -> Axes:
        """The axes of a plot of one column against another, with units and provenance.

        Args:
            x: name of the column to the right.
            y: name of the column upwards.
            ax: axes to draw into; None: those of a new figure.
            style: further arguments of matplotlib's ``Axes.plot``.

        Raises:
            MissingExtraError: matplotlib is not installed.
            UnknownNameError: no column has this name.
            BigLittleError: a column without numbers.
        """
        from .plots import plotted

        return plotted(self.columns(), x, y, ax, {"marker": self._MARK, **style})


def word_columns(provenance: Mapping[str, str], figures: Mapping[str, Column]) -> dict[str, Column]:
    """The columns that say how figures came about, "" where there is no figure.

    Args:
        provenance: words by figure, perhaps those of each member.
        figures: the figures' own columns, shape (n,) each.
    """
    out = {}
    for name, values in figures.items():
        words = np.full(len(values), "", f"U{max(map(len, PROVENANCES))}")
        if name in provenance:
            words[:] = np.array(PROVENANCES)[ranks_of(provenance, name)]
        out[WORD_OF.format(name)] = np.where(np.isnan(values.astype(np.float64)), "", words)
    return out


def csv_text(columns: Mapping[str, Sequence[Any] | Column]) -> str:
    """Columns as CSV: numbers as they are, text made harmless for spreadsheets, NaN empty.

    >>> print(csv_text({"id": ["a", "=b"], "ms": np.array([1.5, np.nan])}), end="")
    id,ms
    a,1.5
    '=b,
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    cells = [[_cell(v) for v in _plain(column)] for column in columns.values()]
    writer.writerows(zip(*cells, strict=True))
    return text.getvalue()


def _plain(column: Iterable[Any] | Column) -> Iterable[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else column


def _cell(value: object) -> object:
    if isinstance(value, str):
        return plain_cell(value)
    return "" if value is None or value != value else value
