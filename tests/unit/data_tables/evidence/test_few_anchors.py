"""What few measured networks are worth: kin of devices, and the coefficients that it writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import shipped_devices
from biglittle.bench.errors import SurrogateError
from biglittle.bench.operator_features import NAMES
from biglittle.bench.operator_model import PRIORS as FILE
from biglittle.bench.operator_model import load_priors
from biglittle.data_tables.evidence import few_anchors


def test_priors_are_no_device_and_fit_the_features() -> None:
    priors = load_priors()
    assert priors.shape == (20, len(NAMES))
    assert (priors >= 0).all()
    assert np.isfinite(priors).all()
    assert "operators" not in shipped_devices()
    assert "raspi4" not in json.loads(FILE.read_text())["devices"]


def test_priors_of_other_features_are_refused(tmp_path: Path) -> None:
    document = json.loads(FILE.read_text())
    document["names"][0] = "nets"
    path = tmp_path / "operators.json"
    path.write_text(json.dumps(document))
    with pytest.raises(SurrogateError, match="few_anchors"):
        load_priors(path)


def test_no_near_relative_tells_about_a_device() -> None:
    assert few_anchors.kin("titanx_64") == few_anchors.kin("1080ti_1")
    assert few_anchors.kin("titan_rtx_1") != few_anchors.kin("titanx_1")
    assert few_anchors.kin("gold_6240") == few_anchors.kin("silver_4114")
    assert few_anchors.kind("samsung_s7") == "phone"
