"""A soft score is arithmetic on known names, and nothing that could run code."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.errors import ConstraintError, UnknownNameError
from biglittle.searchers import SearchSettings
from biglittle.searchers.soft import parse_soft

KNOWN = ("accuracy", "latency_ms", "energy_mj")


def test_it_computes_as_it_reads() -> None:
    figures = {"accuracy": np.array([0.9, 0.5]), "latency_ms": np.array([20.0, 4.0])}
    for text, wanted in (
        ("accuracy - 0.01*latency_ms", [0.7, 0.46]),
        ("-(latency_ms ** 2) / 4 + 1", [-99.0, -3.0]),
        ("+accuracy * 2", [1.8, 1.0]),
    ):
        assert np.allclose(parse_soft(text, KNOWN).of(figures), wanted)


def test_what_is_no_number_is_nan() -> None:
    score = parse_soft("1 / (accuracy - 0.5)", KNOWN)
    assert np.isnan(score.of({"accuracy": np.array([0.5, np.nan])})).all()
    assert np.isnan(
        parse_soft("accuracy ** 10000 * 0 + 9 ** 9 ** 9", KNOWN).of({"accuracy": np.array([0.5])})
    ).all()


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "accuracy.real",
        "accuracy[0]",
        "abs(accuracy)",
        "lambda: accuracy",
        "accuracy if latency_ms else 1",
        "accuracy and latency_ms",
        "accuracy < 3",
        "[accuracy]",
        "accuracy + 'x'",
        "accuracy + True",
        "accuracy; latency_ms",
        "accuracy +",
        "",
        "3.5",
        "(" * 300 + "accuracy" + ")" * 300,
        "accuracy" + " + accuracy" * 100,
        "\x00accuracy",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ConstraintError):
        parse_soft(text, KNOWN)


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="latency_ms"):
        SearchSettings(soft="accuracy - latency")


def test_the_worst_latency_and_the_parameters_may_be_named() -> None:
    settings = SearchSettings(soft="accuracy - 1e-8*params - latency_worst_ms")
    assert settings.figures == ("accuracy", "error", "latency_ms", "latency_worst_ms", "params")
