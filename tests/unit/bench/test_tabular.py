"""Frames, CSV files and what is in them: the same figures, each with its provenance."""

from __future__ import annotations

import csv
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, BigLittleError, Pair
from biglittle.bench.errors import MissingExtraError
from biglittle.bench.figures import POINT_FIGURES
from biglittle.bench.synthetic import DEVICE
from biglittle.bench.tabular import Tabular, csv_text
from biglittle.searchers.front_files import read_front


@pytest.fixture(scope="module")
def tables(bench: Benchmark, pair: Pair) -> dict[str, Tabular]:
    """One of each class that becomes a frame."""
    front = bench.front(DEVICE)
    return {
        "front": front,
        "points": front[:3],
        "curve": bench.curve(pair, "margin", DEVICE),
        "part": bench.curve(pair, "margin", DEVICE)[10:20],
        "curves": bench.curves(pair.little, "margin", DEVICE, [pair.big, pair.little]),
        "cascades": bench.cascades.front([pair.little, pair.big], ["margin"], DEVICE),
        "networks": bench.networks(),
    }


def _rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_every_class_has_columns_of_one_length_and_words_beside_figures(
    tables: dict[str, Tabular],
) -> None:
    for name, table in tables.items():
        columns = table.columns()
        assert {len(column) for column in columns.values()} == {len(next(iter(columns.values())))}
        figures = [c for c in columns if f"{c}_provenance" in columns]
        assert "latency_ms" in {c.rpartition(".")[2] for c in figures}, name
        for figure in figures:
            missing = np.isnan(columns[figure])
            assert (columns[f"{figure}_provenance"] != "").tolist() == (~missing).tolist()


def test_a_frame_has_the_figures_of_the_points(tables: dict[str, Tabular]) -> None:
    pytest.importorskip("pandas")
    for table in tables.values():
        frame = table.to_pandas()
        for name, column in table.columns().items():
            assert frame[name].tolist() == column.tolist() or np.isnan(frame[name]).any()
    curve = tables["curve"]
    frame = curve.to_pandas()
    assert frame["accuracy"].tolist() == curve.accuracy.tolist()  # type: ignore[attr-defined]
    assert set(frame["device"]) == {DEVICE}
    assert set(frame["split"]) == {"test"}
    both = tables["curves"].to_pandas()
    assert len(both) == 2 * len(frame)
    assert both["accuracy"][: len(frame)].tolist() == frame["accuracy"].tolist()


def test_a_csv_file_holds_the_same(tables: dict[str, Tabular], tmp_path: Path) -> None:
    for name, table in tables.items():
        rows, columns = _rows(table.to_csv(tmp_path / f"{name}.csv")), table.columns()
        assert list(rows[0]) == list(columns)
        for column, values in columns.items():
            cells = [row[column] for row in rows]
            if values.dtype.kind == "f":
                read = [float(cell or "nan") for cell in cells]
                assert np.array_equal(read, values, equal_nan=True)
            else:
                assert cells == [str(v) for v in values]


def test_what_a_front_writes_is_read_as_a_front(tables: dict[str, Tabular], tmp_path: Path) -> None:
    front = tables["front"]
    again = read_front(front.to_csv(tmp_path / "front.csv"))
    assert again.question.devices == {DEVICE: DEVICE}
    expected = front.points  # type: ignore[attr-defined]
    for name in ("little", "big", "gate", "threshold", "coupling", *POINT_FIGURES):
        assert getattr(again.points, name).tolist() == getattr(expected, name).tolist()
    assert dict(again.points.provenance) == dict(expected.provenance)


def test_cascades_of_fewer_networks_leave_later_stages_empty(bench: Benchmark) -> None:
    first, second, third = bench.architectures[:3]
    deep = bench.cascades.front([first, second, third], "margin", DEVICE)
    flat = bench.cascades.front([first, second], "margin", DEVICE)
    points = (deep[len(deep) // 2], flat[0])
    columns = replace(deep, points=points, chosen=points).columns()
    short = columns["network_3"] == ""
    assert np.isnan(columns["threshold_2"][short]).all()
    stages = [np.nan_to_num(columns[f"answered_{i}"]) for i in (1, 2, 3)]
    assert sum(stages) == pytest.approx(1.0)


def test_text_in_a_csv_is_no_formula() -> None:
    assert csv_text({"id": ["=1+1"], "n": np.array([3])}) == "id,n\n'=1+1,3\n"


def test_a_file_that_cannot_be_written_is_said_and_leaves_nothing(
    tables: dict[str, Tabular], tmp_path: Path
) -> None:
    with pytest.raises(BigLittleError, match=r"cannot write .*none.*folder"):
        tables["points"].to_csv(tmp_path / "none" / "points.csv")
    tables["points"].to_csv(tmp_path / "points.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["points.csv"]


def test_without_pandas_the_pip_line_is_given(
    tables: dict[str, Tabular], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*'\.\[frames\]'"):
        tables["points"].to_pandas()
