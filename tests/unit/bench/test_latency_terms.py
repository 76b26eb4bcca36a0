"""A profile's own model: complete, of the space, and with possible figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from biglittle.bench import load_device
from biglittle.bench.device import SHIPPED
from biglittle.bench.errors import DeviceError


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"latency_ms": {"constant": 1.0, "blocks": [[1.0]]}}, r"shape \(1, 1\)"),
        ({"latency_low_factor": 1.5}, "latency_low_factor is 1.5, expected at most 1"),
        ({"latency_ms": {}}, "latency_ms has no field 'constant'"),
        ({"power_mw": "strong"}, "power_mw is 'strong', expected a number or null"),
        ({"kind": "magic"}, "expected one of blocks"),
        ({"latency_ms": {"constant": 1.0, "blocks": [[1.0], [1.0, 2.0]]}}, "different lengths"),
    ],
)
def test_a_wrong_model_is_refused(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    raw = json.loads((SHIPPED / "raspberry-pi-5.json").read_text())
    raw["model"] |= change
    (tmp_path / "wrong.json").write_text(json.dumps(raw))
    with pytest.raises(DeviceError, match=text):
        load_device(tmp_path / "wrong.json")
