"""Versions for a bug report."""

from __future__ import annotations

import numpy as np
import pytest

import biglittle
from biglittle.bench import environment


def test_versions_are_those_that_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PACKAGES", ("numpy", "of-no-such-name"))
    facts = environment.versions()
    assert facts["biglittle"] == biglittle.__version__
    assert facts["packages"] == {"numpy": np.__version__, "of-no-such-name": None}
    head, *packages = environment.versions_text()
    assert head.startswith(f"biglittle {biglittle.__version__}, Python {facts['python']}")
    assert [line.split(maxsplit=1)[1] for line in packages] == [np.__version__, "not installed"]
