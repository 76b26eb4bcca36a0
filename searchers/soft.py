"""``--soft "accuracy - 0.01*latency_ms"``: one number to maximise, as arithmetic on known names.

The text is parsed, never run: numbers, names of figures, ``+ - * / **``, a sign, parentheses, and
nothing else.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import Points
from ..bench.errors import ConstraintError, UnknownNameError
from ..bench.figures import FIGURES

MAX_LENGTH = 500  # characters; nobody writes a longer formula by hand
_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}


@dataclass(frozen=True)
class SoftScore:
    """A score of operating points that is to be maximised.

    Attributes:
        text: the arithmetic as it was given.
        names: figures in it, sorted.

    >>> soft = parse_soft("accuracy - 0.01*latency_ms", ("accuracy", "latency_ms"))
    >>> soft.of({"accuracy": np.array([0.9]), "latency_ms": np.array([20.0])}).round(6).tolist()
    [0.7]
    """

    text: str
    names: tuple[str, ...]
    tree: ast.expr

    def of(self, figures: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """The score of n points, shape (n,); NaN where it is not a finite number."""
        with np.errstate(all="ignore"):
            value = np.asarray(_value(self.tree, figures), np.float64)
        n = len(next(iter(figures.values())))
        value = np.broadcast_to(value, (n,))
        return np.where(np.isfinite(value), value, np.nan)


def score_of(text: str, points: Points) -> NDArray[np.float64]:
    """The score of each point, shape (n,): as it is searched, but of the figures these points have.

    Args:
        text: arithmetic on names of figures, as for `parse_soft`.
        points: operating points, of any number, whose score is asked for.
    """
    soft = parse_soft(text, tuple(FIGURES))
    return soft.of({name: points.figure(name) for name in soft.names})


def parse_soft(text: str, figures: Sequence[str]) -> SoftScore:
    """A score from its text.

    Args:
        text: arithmetic on names of figures.
        figures: names that may occur in it.

    Raises:
        ConstraintError: the text is something else than arithmetic.
        UnknownNameError: a name is not that of a figure; the message names the nearest.
    """
    if len(text) > MAX_LENGTH:
        raise ConstraintError(f"the soft score has {len(text)} characters; at most {MAX_LENGTH}.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        names = _names(tree, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConstraintError(f"the soft score {text!r} cannot be read ({error}).") from error
    for name in sorted(names):
        if name not in figures:
            raise UnknownNameError("figure in the soft score", name, figures)
    if not names:
        raise ConstraintError(
            f"the soft score {text!r} names no figure; for example: accuracy - 0.01*latency_ms."
        )
    return SoftScore(text.strip(), tuple(sorted(names)), tree)


def _names(node: ast.expr, text: str) -> set[str]:
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _names(node.left, text) | _names(node.right, text)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        return _names(node.operand, text)
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return set()
    raise ConstraintError(
        f"the soft score {text!r} contains {ast.unparse(node)!r}, which is not allowed; expected "
        "arithmetic (+ - * / **) on numbers and names of figures."
    )


def _value(node: ast.expr, figures: Mapping[str, NDArray[np.float64]]) -> Any:
    if isinstance(node, ast.BinOp):
        return _BINARY[type(node.op)](_value(node.left, figures), _value(node.right, figures))
    if isinstance(node, ast.UnaryOp):
        value = _value(node.operand, figures)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.Name):
        return figures[node.id]
    assert isinstance(node, ast.Constant)
    return float(node.value)  # type: ignore[arg-type]
