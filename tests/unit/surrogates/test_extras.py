"""Optional modules, and what is told where one is missing."""

import math

import pytest

from biglittle.bench.errors import MissingExtraError
from biglittle.surrogates.extras import PREDICTING, import_extra


def test_a_module_is_imported_and_a_missing_one_is_told_with_the_pip_line():
    assert import_extra("math") is math
    with pytest.raises(MissingExtraError, match=r"predicting with a surrogate.*'\.\[train\]'"):
        import_extra("no_such_module", PREDICTING)
