"""What the front of a table takes that is too large for memory: time, and no more than 4 GiB.

A made-up table of 5,000 networks, 1,000 classes and 50,000 images, of val and of test each, is
written row by row, then opened and searched by a process that the system allows 4 GiB of data.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ._large import front_of, write_large
from ._page import Step, versions


def measure(networks: int = 5000, images: int = 50_000, classes: int = 1000) -> dict[str, Any]:
    """Seconds and peak memory to write such a table, to open it and to work out its front."""
    with tempfile.TemporaryDirectory() as folder:
        path, cache = Path(folder) / "large.h5", Path(folder) / "cache"
        began = time.perf_counter()
        write_large(path, networks, images, classes)
        written = time.perf_counter() - began
        size = path.stat().st_size / 2**20
        say = sys.stderr.write
        say(f"written: {size:.0f} MiB in {written:.0f} s\n")
        front = front_of(path, cache, lambda line: say(line + "\n"))
    return {
        "networks": networks,
        "images": images,
        "classes": classes,
        "seed": 0,
        "write_s": written,
        "file_mib": size,
        **front,
        "load_average": os.getloadavg()[0],
    }


def large_text(f: dict[str, Any]) -> str:
    """Size, seconds and peak memory as Markdown."""
    answers = 2 * f["networks"] * f["images"] * 5 / 2**30
    return f"""\
A made-up table of {f["networks"]:,} networks, {f["classes"]:,} classes and {f["images"]:,} images \
of val and of test each ({answers:.1f} GiB of answers and confidences, {f["file_mib"]:,.0f} MiB as \
a file) opens in {f["open_s"]:.0f} s, its hash checked. Its exact front over {f["pairs"]:,} pairs, \
3 gates and all thresholds has {f["front_points"]} points and takes {f["user_s"] / 60:.0f} minutes \
of processor time ({f["wall_s"] / 60:.0f} by the clock, while {f["load_average"]:.1f} processes \
wanted the cores) and {f["peak_mib"]:,.0f} MiB at its peak; the process was not allowed more than \
{f["limit_mib"]:,.0f} MiB of data. Everything in it is simulated. {versions(f)}; \
`python -m biglittle.data_tables.evidence large_table`."""


STEP = Step(measure, {"large_table": large_text})
