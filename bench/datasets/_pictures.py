"""Pictures of any size as squares of pixels, by the usual resize and crop, and stored as they come.

The shorter side becomes the square's side divided by 7/8 (256 for 224) by Pillow's bilinear filter,
and the middle is cut out. Source: the evaluation transforms of torchvision's reference scripts
(``Resize(256)``, ``CenterCrop(224)``), whose rounding is followed.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bounded import LimitError, read_bounded
from ..errors import DatasetError, MissingExtraError
from ..plain_text import plain

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "PPM")
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".ppm", ".pgm")
#: Modes that become red, green and blue without a profile of colours.
_MODES = {"RGB", "RGBA", "L", "LA", "P", "1"}
_MAX_FILE = 2**28  # bytes
_MAX_PIXELS = 2**27
_SHOWN = 5
ON_BROKEN = ("refuse", "skip")


def square(path: Path, side: int) -> NDArray[np.uint8]:
    """The pixels (side, side, 3) of the middle of a picture.

    Args:
        path: path of the picture.
        side: rows (and columns) of the result.

    Raises:
        ValueError: why the picture is not usable.
        MissingExtraError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("PIL", "train", "reading pictures") from error
    try:
        content = io.BytesIO(read_bounded(path, _MAX_FILE))
        with Image.open(content, formats=FORMATS) as picture:
            if picture.mode not in _MODES:
                raise LimitError(f"its colours are {picture.mode}, expected RGB or grey")
            width, height = picture.size
            if min(width, height) < 1 or width * height > _MAX_PIXELS:
                raise LimitError(f"it has {width} x {height} pixels")
            colours = picture.convert("RGB")
        shorter = int(side / 0.875)
        if width <= height:
            size = shorter, int(shorter * height / width)
        else:
            size = int(shorter * width / height), shorter
        resized = colours.resize(size, Image.Resampling.BILINEAR)
        left, top = (round((whole - side) / 2.0) for whole in size)
        return np.asarray(resized.crop((left, top, left + side, top + side)), np.uint8)
    except LimitError:
        raise
    except Exception as error:  # Pillow raises almost any of a damaged file, SyntaxError too
        raise ValueError(" ".join(str(error).split())[:100] or type(error).__name__) from error


@dataclass
class Pixels:
    """Squares of pixels that are written to a ``.npy`` file one after the other.

    Args:
        path: path of the file to write.
        side: rows (and columns) of a square.

    Attributes:
        skipped: names of pictures that were not usable, each with the reason.
        usable: which of the pictures were, by their place among those that were tried.
    """

    path: Path
    side: int
    skipped: list[str] = field(default_factory=list)
    usable: list[int] = field(default_factory=list)
    digest: Any = field(default_factory=hashlib.sha256)
    sums: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    squares: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))

    def write(
        self,
        paths: Sequence[Path],
        on_broken: str,
        on_progress: Callable[[int, int], object] | None = None,
    ) -> None:
        """Writes all of them; the file is whole when this returns.

        Args:
            paths: paths of the pictures.
            on_broken: "refuse" ends with all that are not usable named; "skip" leaves them out.
            on_progress: is told how many of how many are done.

        Raises:
            DatasetError: pictures that are not usable, and they are not to be left out.
        """
        with self.path.open("w+b") as file:
            self._header(file, len(paths))
            start = file.tell()
            for place, path in enumerate(paths):
                try:
                    pixels = square(path, self.side)
                except ValueError as error:
                    self.skipped.append(plain(f"{path} ({error})"))
                    continue
                self._add(pixels)
                file.write(pixels.tobytes())
                self.usable.append(place)
                if on_progress is not None:
                    on_progress(place + 1, len(paths))
            if self.skipped and on_broken == "refuse":
                raise DatasetError(unusable(self.skipped))
            file.seek(0)
            self._header(file, len(self.usable))
            assert file.tell() == start, "the header of a shorter array is of another length"

    def _header(self, file: Any, n: int) -> None:
        facts = {"descr": "|u1", "fortran_order": False, "shape": (n, self.side, self.side, 3)}
        np.lib.format.write_array_header_1_0(file, facts)

    def _add(self, pixels: NDArray[np.uint8]) -> None:
        self.digest.update(pixels.tobytes())
        scaled = pixels.reshape(-1, 3) / 255.0
        self.sums += scaled.mean(axis=0)
        self.squares += (scaled**2).mean(axis=0)

    def statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation of each channel, of pixels scaled to [0, 1]."""
        n = max(1, len(self.usable))
        mean = self.sums / n
        std = np.sqrt(np.maximum(self.squares / n - mean**2, 1e-8))
        return [round(float(v), 4) for v in mean], [max(round(float(v), 4), 1e-4) for v in std]


def unusable(named: Iterable[str]) -> str:
    """The message about pictures that are not usable."""
    reasons = list(named)
    further = f" and {len(reasons) - _SHOWN} more" if len(reasons) > _SHOWN else ""
    return (
        f"{len(reasons)} pictures are not usable: {', '.join(reasons[:_SHOWN])}{further}. Mend or "
        "remove them, or leave them out with --broken skip."
    )
