"""``biglittle mobile``: networks and cascades for an app with ONNX Runtime."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ...bench.plain_text import plain
from ...edge_profiler.mobile import write_mobile
from ...output_option import with_output

app = typer.Typer(add_completion=False)


@app.command()
@with_output("out", folder=True, resumes=False)
def mobile(
    models: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="ONNX files, or folders that hold some."),
    ],
    out: Annotated[Path, typer.Option(help="Folder to write.")],
) -> None:
    """Writes ONNX networks and cascades for phones: ORT format, and the operators they need."""
    files: list[Path] = []
    for path in models:
        files += sorted(path.glob("*.onnx")) if path.is_dir() else [path]
    sys.stdout.write(plain("\n".join(write_mobile(files, out).text()), lines=True) + "\n")
