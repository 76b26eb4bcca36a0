"""What every gate of the registry has to keep; a new file is picked up by itself."""

from __future__ import annotations

import importlib

import pytest

from biglittle.bench import GATES
from biglittle.testing import GateContract


class TestGates(GateContract):
    names = GATES.shipped()


@pytest.mark.parametrize("name", GATES.shipped())
def test_its_file_speaks_of_it(name: str) -> None:
    documentation = importlib.import_module(f"biglittle.bench.gates.{name}").__doc__
    assert documentation is not None
    assert f"``{name}``" in documentation
