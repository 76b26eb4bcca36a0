"""The registry of gates: which there are, and what each kind can be asked."""

from __future__ import annotations

import sys

import pytest

from biglittle.bench import GATES, Table
from biglittle.bench.errors import GateError, UnknownNameError
from biglittle.bench.gates import (
    get_gate,
    get_metric,
    stored_metrics,
)


def test_which_gates_there_are() -> None:
    assert {"random", "per_class", "learned", "oracle", *stored_metrics()} <= set(GATES.names())
    assert stored_metrics() == ("entropy", "margin", "max_prob")
    kept_back = {name for name in GATES.names() if not get_gate(name).deployable}
    assert kept_back == {"random", "oracle"}
    assert get_metric("margin") is get_gate("margin")


def test_asking_the_wrong_kind_says_what_to_do(table: Table) -> None:
    with pytest.raises(GateError, match="max_prob"):
        get_metric("oracle")
    with pytest.raises(GateError, match="nothing of it is fitted"):
        table.gate_codes.scorer("margin", 0)
    with pytest.raises(UnknownNameError, match="split"):
        table.codes_of("learned", "train", [0])
    with pytest.raises(UnknownNameError, match="Did you mean 'learned'"):
        table.codes_of("learnt", "test", [0])


def test_listing_gates_imports_none_of_them() -> None:
    import subprocess

    code = "import sys; from biglittle.bench import GATES; GATES.names(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {f"biglittle.bench.gates.{name}" for name in GATES.names()} & {*done.stdout.split()}
