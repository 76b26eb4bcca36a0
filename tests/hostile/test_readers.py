"""Files that others may have made are opened by the readers that check, and by nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("bench", "cotrain", "data_tables", "edge_profiler", "searchers", "surrogates", "zerocost")
SOURCES = [ROOT / "cli.py", *(p for room in ROOMS for p in sorted((ROOT / room).rglob("*.py")))]
#: Calls that trust a file, and the files of ours that may make each; none: no file may.
TRUSTING = {
    "np.load": (),
    "np.fromfile": (),
    "pickle.load": (),
    "pickle.loads": (),
    "pickle.Unpickler": (),
    "torch.load": (),
    "tar.extractall": (),
    "tar.extract": (),
    # Of few formats and bounded bytes; the last one opens a picture that it drew a moment before.
    "Image.open": (
        "bench/datasets/cifar10.py",
        "bench/datasets/_pictures.py",
        "data_tables/evidence/_small_png.py",
    ),
    "zipfile.ZipFile": ("bench/npz.py",),
    "json.load": (),
    "tomllib.load": (),
    "tomllib.loads": ("bench/documents.py",),
    "onnx.load": (),
    "msgspec.json.decode": ("bench/documents.py",),
}
#: What reads a file whole; its text goes to the one parser of documents, and not to ``json.loads``.
READS = ("read_text", "read_bytes", "read_bounded")
#: Figures of our own pages.
OWN = "data_tables/evidence/"


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
            parsed = name == "json.loads" and not place.startswith(OWN)
            trusts_json = parsed and any(word in ast.unparse(call) for word in READS)
            if place not in TRUSTING.get(name, (place,)) or reads_hdf5 or trusts_json:
                wrong.append(f"{place}:{call.lineno} calls {name}")
    assert not wrong
