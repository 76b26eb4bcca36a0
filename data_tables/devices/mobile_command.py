"""``biglittle mobile``: networks and cascades for an app with ONNX Runtime or LiteRT."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from ...bench.errors import UnknownNameError
from ...bench.plain_text import plain
from ...edge_profiler.litert import LitertFiles, write_litert
from ...edge_profiler.mobile import MobileFiles, write_mobile
from ...output_option import with_output

app = typer.Typer(add_completion=False)
FORMATS: dict[str, Callable[[Sequence[Path], Path], MobileFiles | LitertFiles]] = {
    "ort": write_mobile,
    "litert": write_litert,
}


@app.command()
@with_output("out", folder=True, resumes=False)
def mobile(
    models: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="ONNX files, or folders that hold some."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
    form: Annotated[
        str, typer.Option("--format", help="ort, of ONNX Runtime; or litert, a file a network.")
    ] = "ort",
) -> None:
    """Writes ONNX networks and cascades for phones: ORT format with its operators, or LiteRT."""
    if form not in FORMATS:
        raise UnknownNameError("format", form, FORMATS)
    files: list[Path] = []
    for path in models:
        files += sorted(path.glob("*.onnx")) if path.is_dir() else [path]
    sys.stdout.write(plain("\n".join(FORMATS[form](files, out).text()), lines=True) + "\n")
