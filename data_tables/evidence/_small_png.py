"""Pictures of pages as small files: 256 colours are enough for lines, text and a few fills."""

from __future__ import annotations

from pathlib import Path

from ...bench.files import replacing

COLOURS = 256


def make_small(drawn: Path, target: Path | None = None) -> None:
    """Writes a picture again with few colours, whole or not at all.

    Args:
        drawn: a PNG file as it was drawn.
        target: PNG file to write; None: in place of the drawn one.
    """
    from PIL import Image

    with Image.open(drawn) as image, replacing(target or drawn) as partial:
        image.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE).save(
            partial, "PNG", optimize=True
        )
