"""Columns against each other, drawn by matplotlib, which is imported here alone of this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import EXTRA_OF, BigLittleError, MissingExtraError, UnknownNameError
from .figures import FIGURES
from .provenance import PROVENANCES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SCALE = {"M": 1e6}
#: What the names of columns end with that hold figures of one split.
_SPLITS = ("_val", "_test")


def plotted(
    columns: Mapping[str, NDArray[Any]], x: str, y: str, ax: Axes | None, style: Mapping[str, Any]
) -> Axes:
    """The axes with one column drawn against another; see ``Tabular.plot``."""
    numbers = {name: column for name, column in columns.items() if column.dtype.kind in "iuf"}
    for name in (x, y):
        if name not in columns:
            raise UnknownNameError("column", name, numbers)
        if name not in numbers or not np.isfinite(numbers[name].astype(np.float64)).any():
            kind = "has no figure in any row" if name in numbers else "is not a column of numbers"
            raise BigLittleError(
                f"{name!r} {kind}, so there is nothing to plot; take one of {', '.join(numbers)}."
            )
    try:
        import matplotlib.pyplot as plt
        from matplotlib.ticker import PercentFormatter
    except ImportError as error:
        raise MissingExtraError("matplotlib", EXTRA_OF["matplotlib"], "a plot") from error
    if ax is None:
        _, ax = plt.subplots(constrained_layout=True)
    values = []
    for name, axis in ((x, ax.xaxis), (y, ax.yaxis)):
        parts, scale, fraction = _axis(name, columns)
        values.append(numbers[name] / scale)
        axis.set_label_text(_label(axis.get_label_text(), parts))
        if fraction:
            axis.set_major_formatter(PercentFormatter(1.0))
    order = np.argsort(values[0], kind="stable")  # a line goes from left to right
    line = "-" if style.get("marker") == "" else ""
    ax.plot(values[0][order], values[1][order], **{"linestyle": line, "markersize": 3.5, **style})
    ax.grid(alpha=0.3)
    return ax


def _axis(name: str, columns: Mapping[str, NDArray[Any]]) -> tuple[list[str], float, bool]:
    """What is said of a column, provenance too; its scale; and whether it is a fraction."""
    device, _, bare = name.rpartition(".")
    split = next((s for s in _SPLITS if bare.endswith(s)), "")
    figure = FIGURES.get(bare.removesuffix(split))
    words = {*columns.get(f"{name}_provenance", np.array([])).tolist()}
    if figure is None:
        return [name, *words], 1.0, False
    fraction = figure.unit == "fraction"
    where = split.removeprefix("_") or _only("split", columns) if fraction else device
    if figure.unit in ("ms", "mJ"):
        where = device or _only("device", columns)
    head = figure.label if fraction else f"{figure.label} ({figure.shown_unit})"
    return [head, where, *words], _SCALE.get(figure.shown_unit, 1.0), fraction


def _label(before: str, parts: Sequence[str]) -> str:
    """The label of an axis: what is drawn now, and where it is the same figure, what was before.

    >>> _label("accuracy, test, measured", ["accuracy", "", "predicted"])
    'accuracy, test, measured or predicted'
    """
    old = before.replace(" or ", ", ").split(", ")
    every = dict.fromkeys([*(old if old[0] == parts[0] else ()), *filter(None, parts)])
    words = " or ".join(word for word in PROVENANCES if word in every)
    return ", ".join([*(part for part in every if part not in PROVENANCES), *filter(None, [words])])


def _only(name: str, columns: Mapping[str, NDArray[Any]]) -> str:
    """The one text that a column holds in every row, else ""."""
    texts = {*columns.get(name, np.array([])).tolist()}
    return str(texts.pop()) if len(texts) == 1 else ""
