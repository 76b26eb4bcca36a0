"""Registries and the errors of unknown names."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from biglittle.bench.errors import BigLittleError, MissingExtraError, UnknownNameError
from biglittle.bench.registry import Registry


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Entries ``alpha`` and ``beta_two``; one that must not be imported; one that is none."""
    folder = tmp_path / "registered_for_a_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "alpha.py").write_text("ENTRY = 'the first'\n")
    (folder / "beta_two.py").write_text("ENTRY = 'the second'\n")
    (folder / "gamma.py").write_text("raise RuntimeError('imported')\n")
    (folder / "_shared.py").write_text("ENTRY = 'none'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield Registry("letter", folder.name, folder, "ENTRY")
    for name in [m for m in sys.modules if m.startswith(folder.name)]:
        del sys.modules[name]


def test_names_are_sorted_and_import_nothing(registry: Registry) -> None:
    assert registry.names() == ("alpha", "beta_two", "gamma")
    assert "registered_for_a_test.gamma" not in sys.modules


def test_the_file_name_is_the_key(registry: Registry) -> None:
    assert registry.load("alpha") == "the first"
    assert registry.load("beta_two") == registry.load("beta-two") == "the second"


def test_unknown_name_gives_the_nearest_and_the_list(registry: Registry) -> None:
    with pytest.raises(UnknownNameError) as caught:
        registry.load("alhpa")
    assert str(caught.value) == (
        "unknown letter 'alhpa'. Did you mean 'alpha'? Known: alpha, beta_two, gamma."
    )
    assert isinstance(caught.value, BigLittleError)


def test_a_shared_file_is_no_entry(registry: Registry) -> None:
    with pytest.raises(UnknownNameError):
        registry.load("_shared")


def test_nothing_near_and_nothing_known() -> None:
    assert str(UnknownNameError("gate", "zzz", ["margin"])) == "unknown gate 'zzz'. Known: margin."
    assert str(UnknownNameError("gate", "zzz", [])) == "unknown gate 'zzz'. Known: none."


def test_a_missing_extra_gives_the_pip_line() -> None:
    message = str(MissingExtraError("torch", "train", "fitting"))
    assert "fitting needs the Python module 'torch'" in message
    assert "pip install --constraint constraints.txt '.[train]'" in message
