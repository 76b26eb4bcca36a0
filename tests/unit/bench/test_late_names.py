"""Names of a package that are imported late."""

from __future__ import annotations

from typing import Any

import pytest

from biglittle.bench.late_names import late_names


def test_a_name_is_imported_once_it_is_asked_for_and_kept() -> None:
    namespace: dict[str, Any] = {"own": 1}
    get, listed = late_names("biglittle.bench", namespace, {"Pair": "pair"})
    assert listed() == ["Pair", "own"]
    assert get("Pair").__name__ == "Pair"
    assert namespace["Pair"] is get("Pair")
    with pytest.raises(AttributeError, match=r"'biglittle\.bench' has no attribute 'Trio'"):
        get("Trio")
