"""What the scripts that make profiles share."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biglittle.bench.errors import DatasetError, DeviceError
from biglittle.data_tables import devices, reference
from biglittle.data_tables.devices import _maker, make_raspberry_pi_4

SHIPPED = Path(devices.__file__).parent / "raspberry-pi-4.json"


def test_a_profile_goes_where_it_belongs_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    profile = json.loads(SHIPPED.read_text())
    target = _maker.write(profile, tmp_path)
    assert target == tmp_path / "raspberry-pi-4.json"
    assert target.read_bytes() == SHIPPED.read_bytes()
    with pytest.raises(DeviceError):
        _maker.write({**profile, "format": "none"}, tmp_path)
    assert target.read_bytes() == SHIPPED.read_bytes()
    assert list(tmp_path.iterdir()) == [target]


def test_missing_reference_data_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BIGLITTLE_REFERENCE_DATA", str(tmp_path))
    with pytest.raises(DatasetError):
        reference.read_rows(reference.reference_folder() / "none.csv.gz")
    with pytest.raises(SystemExit):
        _maker.run(make_raspberry_pi_4.main)
    assert "BIGLITTLE_REFERENCE_DATA" in capsys.readouterr().err
