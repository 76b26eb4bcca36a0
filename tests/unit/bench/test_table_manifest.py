"""The manifest beside a table: what is edited, truncated or open elsewhere is told apart."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from biglittle.bench import Table, table_manifest
from biglittle.bench.errors import TableError
from biglittle.bench.shipped_tables import find_table


def test_truncated_file_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(TableError, match="edited or is truncated"):
        Table(path)
    with pytest.raises(TableError, match="cannot be read"):
        Table(path, check=False)


def test_edited_file_is_refused(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file.attrs["name"] = "better"
    with pytest.raises(TableError, match="SHA-256"):
        Table(path)
    assert Table(path, check=False).name == "better"


def test_a_table_that_another_program_has_open_is_not_called_edited(path: Path) -> None:
    code = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(TableError, match="another program has it open") as told:
            Table(path)
        assert "etch it again" not in str(told.value)
        process.communicate(b"\n")


def test_opening_hashes_once_and_reads_no_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for source in (ours := find_table("fbnet-cifar10"), ours.with_suffix(".json")):
        shutil.copy(source, tmp_path)  # the tests hold the shipped one open
    shipped = tmp_path / ours.name
    hashed: list[Path] = []
    real = table_manifest.file_hash
    monkeypatch.setattr(table_manifest, "file_hash", lambda p: (hashed.append(p), real(p))[1])
    read: list[str] = []
    dataset_read = h5py.Dataset.__getitem__

    def noted(self: h5py.Dataset, *given: object) -> object:
        read.append(self.name)
        return dataset_read(self, *given)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", noted)
    Table(shipped)
    monkeypatch.undo()
    assert hashed == [shipped]
    assert read
    with h5py.File(shipped) as file:
        sizes = {name: file[name].nbytes for name in set(read)}
    assert sum(sizes.values()) < 2**20, sizes  # of the 17 MB, most of it answers
