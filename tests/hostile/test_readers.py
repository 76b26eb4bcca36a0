"""Files that others may have made are opened by the readers that check, and by nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("bench", "cotrain", "data_tables", "edge_profiler", "searchers", "surrogates", "zerocost")
SOURCES = [ROOT / "cli.py", *(p for room in ROOMS for p in sorted((ROOT / room).rglob("*.py")))]
#: Calls that trust a file, and the only file of ours that may make each; None: no file may.
TRUSTING = {
    "np.load": None,
    "np.fromfile": None,
    "pickle.load": None,
    "pickle.loads": None,
    "pickle.Unpickler": None,
    "torch.load": None,
    "tar.extractall": None,
    "tar.extract": None,
    "Image.open": "bench/datasets/cifar10.py",
    "zipfile.ZipFile": "bench/npz.py",
}


def calls(source: Path) -> list[ast.Call]:
    return [n for n in ast.walk(ast.parse(source.read_text())) if isinstance(n, ast.Call)]


def test_only_the_readers_that_check_open_files_of_others() -> None:
    wrong = []
    for source in SOURCES:
        place = source.relative_to(ROOT).as_posix()
        for call in calls(source):
            name = ast.unparse(call.func)
            mode = ast.unparse(call.args[1]) if len(call.args) > 1 else "none"
            reads_hdf5 = name == "h5py.File" and mode != "'w'" and place != "bench/hdf5.py"
            if TRUSTING.get(name, place) != place or reads_hdf5:
                wrong.append(f"{place}:{call.lineno} calls {name}")
    assert not wrong
