"""Prints by how much resident memory rises, in MiB, where an ONNX file is loaded and run.

python -m biglittle.data_tables.evidence._resident FILE
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ...bench.spaces import get_space
from ...edge_profiler.memory import rise_of
from ._sessions import noise, session


def resident_of(file: Path) -> float | None:
    """By how much memory is higher in a process of its own that runs a file; None: nobody says."""
    command = [sys.executable, "-m", __name__, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rise: float | None = json.loads(done.stdout)
    return rise


def main(file: str) -> None:
    """Loads a file, runs it some times, and prints the rise, or null."""
    image = noise(get_space("fbnet"))

    def loaded() -> object:
        one = session(Path(file))
        for _ in range(3):
            one.run(None, {one.get_inputs()[0].name: image})
        return one

    _, rise = rise_of(loaded)
    sys.stdout.write(json.dumps(None if rise is None else rise.kept_mib) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
