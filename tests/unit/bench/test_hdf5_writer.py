"""HDF5 files are whole or not there, whatever the disk does, and equal contents are equal bytes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from biglittle.bench.hdf5_writer import make_groups, new_hdf5
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table

#: Writes under a limit of 20,000 bytes a file, which stands for a full disk: HDF5 cannot tell them
#: apart, and only an administrator can fill one.
FULL = """
import pathlib, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
import numpy as np
path = pathlib.Path(sys.argv[1])
{write}
"""
WRITERS = {
    "hdf5": """
from biglittle.bench.hdf5_writer import new_hdf5
with new_hdf5(path) as file:
    for i in range(40):
        file[f"x{i}"] = np.zeros(1000)
""",
    "checkpoint": """
import torch
from biglittle.cotrain.checkpoint import save_checkpoint
save_checkpoint(path, {}, {}, weights={f"w{i}": torch.zeros(1000) for i in range(40)})
""",
    "table": """
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table
write_table(path, synthetic_table(40), "1", "2026-01-01")
""",
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_an_error_of_the_system(writer: str, tmp_path: Path) -> None:
    if writer == "checkpoint":
        pytest.importorskip("torch")
    path = tmp_path / "x.h5"
    path.write_bytes(b"before")
    code = FULL.format(write=WRITERS[writer])
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("OSError: [Errno 27] File too large")
    assert path.read_bytes() == b"before"
    assert not list(tmp_path.glob(".*"))


def test_equal_contents_are_equal_bytes_at_any_time(tmp_path: Path) -> None:
    hashes = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        hashes.append(write_table(tmp_path / name / "t.h5", synthetic_table(4), "1", "2026-01-01"))
        second = int(time.time())
        while int(time.time()) == second:  # HDF5 counts in seconds
            time.sleep(0.05)
    assert hashes[0] == hashes[1]
    assert (tmp_path / "a/t.h5").read_bytes() == (tmp_path / "b/t.h5").read_bytes()


def test_the_hash_is_told_before_the_file_takes_its_place(tmp_path: Path) -> None:
    path, told = tmp_path / "deep" / "x.h5", []
    with new_hdf5(path, lambda sha256: told.append((sha256, path.exists()))) as file:
        make_groups(file, "a/b", "a")
        file["a/b/c"] = np.arange(3)
    assert [there for _, there in told] == [False]
    with h5py.File(path) as file:
        assert file["a/b/c"][()].tolist() == [0, 1, 2]


def test_nothing_is_written_after_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"

    def fails() -> None:
        with new_hdf5(path) as file:
            file["a"] = 1
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fails()
    assert not list(tmp_path.iterdir())
