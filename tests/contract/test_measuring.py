"""What every runtime and every energy meter has to keep; a new file is picked up by itself."""

from __future__ import annotations

import pytest

pytest.importorskip("onnx")

from biglittle.edge_profiler.meters import METERS
from biglittle.edge_profiler.runtimes import RUNTIMES
from biglittle.testing import MeterContract, RuntimeContract


class TestRuntimes(RuntimeContract):
    names = RUNTIMES.shipped()


class TestMeters(MeterContract):
    names = METERS.shipped()
