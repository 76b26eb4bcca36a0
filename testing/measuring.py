"""What runtimes and meters have to keep: ``class TestMine(RuntimeContract): entry = RUNTIME``."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..bench import get_space
from ..bench.errors import BigLittleError
from ..edge_profiler.meters import EVERYTHING, METERS
from ..edge_profiler.onnx_network import onnx_model
from ..edge_profiler.runtimes import RUNTIMES
from ._contract import Contract


class RuntimeContract(Contract):
    """What every runtime has to keep; one that this machine lacks has to say so."""

    registry = RUNTIMES

    def test_it_says_what_it_is(self, name: str) -> None:
        runtime = RUNTIMES.load(name)
        assert runtime.runs_on in EVERYTHING
        assert runtime.precision
        try:
            assert runtime.description
        except BigLittleError as error:
            pytest.skip(str(error))

    def test_it_stays_itself_in_its_own_precision_and_refuses_others(self, name: str) -> None:
        runtime = RUNTIMES.load(name)
        assert runtime.at(runtime.precision).precision == runtime.precision
        with pytest.raises(BigLittleError, match="fp7"):
            runtime.at("fp7")

    def test_it_runs_a_network_again_and_again_or_says_why_not(self, name: str) -> None:
        model = onnx_model(get_space("fbnet"), "8" * 22, 10).SerializeToString()
        try:
            run = RUNTIMES.load(name).load(model, 1)
        except BigLittleError as error:
            pytest.skip(str(error))
        assert [run() for _ in range(3)] == [None] * 3

    def test_what_is_no_model_is_refused_in_a_line(self, name: str) -> None:
        with pytest.raises(BigLittleError) as caught:
            RUNTIMES.load(name).load(b"nothing", 1)
        assert "\n" not in str(caught.value)


class MeterContract(Contract):
    """What every energy meter has to keep; one that this machine lacks has to say so."""

    registry = METERS

    def test_where_there_is_nothing_to_read_it_says_so(self, name: str, tmp_path: Path) -> None:
        complaint = ""
        try:
            meter = METERS.load(name).open(tmp_path)
            assert meter.name.replace("-", "_") == name
        except BigLittleError as error:
            complaint = str(error)
        assert "\n" not in complaint

    def test_what_it_measures_is_said_and_counted(self, name: str) -> None:
        try:
            meter = METERS.load(name).open()
        except BigLittleError as error:
            pytest.skip(str(error))
        assert meter.rail
        assert meter.covers <= EVERYTHING
        assert meter.sampling_hz is None or meter.sampling_hz > 0
        meter.start()
        energy_mj = meter.stop()
        assert energy_mj is None or energy_mj >= 0
