"""The option that the verbs of `darts` and `ofa` share: which weights a supernet starts from."""

from __future__ import annotations

from typing import Annotated

import typer

StartOption = Annotated[
    str,
    typer.Option(
        "--from", help="inherited (the supernet of the table), scratch, or a .safetensors file."
    ),
]
