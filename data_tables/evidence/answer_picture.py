"""The picture of an answer in README.md: the page of a search, as a browser shows it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ...bench.errors import BigLittleError
from ._page import ROOT, Step
from ._small_png import make_small

PICTURE = ROOT / "searchers" / "answer.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT = 1180, 885
SEARCH = ("search", "--device", "raspberry-pi-4", "--latency-ms-max", "20")


def draw() -> None:
    """Searches, opens the page that the search writes in Chromium, and keeps its first screen.

    Raises:
        BigLittleError: no Chromium is installed.
    """
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        raise BigLittleError(f"no browser to draw with; install one of {', '.join(BROWSERS)}.")
    with tempfile.TemporaryDirectory() as scratch:
        folder, shot = Path(scratch), Path(scratch) / "shot.png"
        command = [sys.executable, "-m", "biglittle", *SEARCH, "--out", str(folder / "out")]
        subprocess.run(command, check=True, capture_output=True)
        page = (folder / "out" / "report.html").as_uri()
        subprocess.run(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             f"--user-data-dir={folder / 'home'}", f"--window-size={WIDTH},{HEIGHT}",
             f"--screenshot={shot}", page],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        make_small(shot, PICTURE)


STEP = Step(draw, keeps=False)
