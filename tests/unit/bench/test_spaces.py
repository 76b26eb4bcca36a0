"""The registry of search spaces."""

from __future__ import annotations

import pytest

from biglittle.bench.errors import UnknownNameError
from biglittle.bench.spaces import SPACES, get_space


def test_every_space_is_found_under_its_own_name() -> None:
    assert "fbnet" in SPACES.names()
    for name in SPACES.names():
        assert get_space(name).name.replace("-", "_") == name


def test_unknown_space_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown search space 'fbnett'\. .*'fbnet'\?"):
        get_space("fbnett")
