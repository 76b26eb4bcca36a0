"""What a folder of rounds begins with: usable settings, and a document that can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("scipy")
pytest.importorskip("xgboost")

from biglittle.bench import Table, load_device
from biglittle.bench.errors import CheckpointError, ConstraintError
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.data_tables.building.evaluate import Evaluation
from biglittle.data_tables.building.rounds import DOCUMENT, ImproveSettings, Run


@pytest.mark.parametrize("name", ["batch", "budget"])
def test_a_round_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ConstraintError, match=f"{name} 0 is not usable"):
        ImproveSettings(**{name: 0})


def test_a_damaged_document_is_refused_and_another_folder_serves(tmp_path: Path) -> None:
    write_table(tmp_path / "table.h5", synthetic_table(6), "0", "2026-01-01")
    table, device = Table(tmp_path / "table.h5"), load_device("raspberry-pi-4")

    def nothing(architecture: str) -> Evaluation:
        raise AssertionError(architecture)

    def begin(folder: Path) -> Run:
        return Run(table, folder, nothing, device, ImproveSettings(), lambda line: None)

    (tmp_path / DOCUMENT).write_text('{"rounds": [')
    with pytest.raises(CheckpointError, match=r"cannot be read.*Name another folder"):
        begin(tmp_path)
    assert begin(tmp_path / "another").networks(3) == []
