"""Errors say what was got, what there is, and what to do."""

from __future__ import annotations

import pytest

from biglittle.bench.errors import EXTRA_OF, BigLittleError, MissingExtraError, UnknownNameError


@pytest.mark.parametrize(
    ("got", "names", "text"),
    [
        ("margn", ["max_prob", "margin"], "Did you mean 'margin'? Known: margin, max_prob."),
        ("xyz", ["max_prob"], "unknown gate 'xyz'. Known: max_prob."),
        ("xyz", [], "unknown gate 'xyz'. Known: none."),
    ],
)
def test_an_unknown_name_gives_the_nearest_and_all(got: str, names: list[str], text: str) -> None:
    error = UnknownNameError("gate", got, iter(names))
    assert str(error).endswith(text)
    assert (error.kind, error.got) == ("gate", got)
    assert isinstance(error, BigLittleError)


@pytest.mark.parametrize("module", EXTRA_OF)
def test_a_missing_module_gives_the_line_that_installs_it(module: str) -> None:
    error = MissingExtraError(module, EXTRA_OF[module], "a report")
    assert f"a report needs the Python module '{module}'" in str(error)
    assert str(error).endswith(f"pip install --constraint constraints.txt '.[{EXTRA_OF[module]}]'")
