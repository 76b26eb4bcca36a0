"""Importing the searchers is light."""

from __future__ import annotations

import subprocess
import sys


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, biglittle.searchers as s; s.SEARCHERS.names(); "
        "print([m for m in ('pymoo', 'torch', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
