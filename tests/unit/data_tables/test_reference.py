"""Graphs of published networks, and what is said where the measurements are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from biglittle.bench.errors import DatasetError
from biglittle.data_tables import reference


def test_the_folder_is_the_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIGLITTLE_REFERENCE_DATA", str(tmp_path))
    assert reference.reference_folder() == tmp_path
    with pytest.raises(DatasetError, match="BIGLITTLE_REFERENCE_DATA"):
        reference.mobilenets("a system")


def test_a_convnet_has_the_layers_of_its_name() -> None:
    plain = reference.convnet("convnet_L2_F8_K3x3_W10")
    # 3x3 convolutions with padding 1 at 10x10: 3 to 8 and 8 to 8 channels; then 800 inputs to 10.
    assert sum(n.operator.macs for n in plain) == 100 * 9 * (3 * 8 + 8 * 8) + 800 * 10
    separable = reference.convnet("convnet_L2_F8_K3x3_W10_DWS")
    depthwise, pointwise = 9 * (3 + 8), 3 * 8 + 8 * 8
    assert sum(n.operator.macs for n in separable) == 100 * (depthwise + pointwise) + 800 * 10
    with pytest.raises(DatasetError, match="ConvNet"):
        reference.convnet("convnet_L2_F8_K3x5_W10")
