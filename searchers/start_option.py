"""What the verbs of `darts` and `ofa` share: where a supernet starts from, and couplings."""

from __future__ import annotations

from typing import Annotated

import typer

from ..bench.coupling import checked_couplings
from ..bench.rows import COUPLINGS

StartOption = Annotated[
    str,
    typer.Option(
        "--from", help="inherited (the supernet of the table), scratch, or a .safetensors file."
    ),
]
CouplingOption = Annotated[
    str,
    typer.Option(
        help="Couplings of the pair, comma-separated: sibling, nested, prefix; by default whole "
        "networks, whatever they share."
    ),
]


def couplings_named(text: str) -> tuple[str, ...] | None:
    """The couplings in a list with commas, in one order; None where it is empty.

    Raises:
        UnknownNameError: no coupling has this name.
    """
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names:
        return None
    checked_couplings(names)
    return tuple(name for name in COUPLINGS if name in names)
