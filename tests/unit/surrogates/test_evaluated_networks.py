"""Networks evaluated after the table was made: fitted on as well, and never about other images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import SurrogateError
from biglittle.bench.table_contents import Predictions
from biglittle.surrogates import Surrogate, fit_data, fit_surrogate
from biglittle.surrogates.evaluated_networks import (
    EvaluatedNetworks,
    beside,
    read_evaluated,
    with_evaluated,
    write_evaluated,
)


def made_up(data, n: int = 6) -> EvaluatedNetworks:  # type: ignore[no-untyped-def]
    """Networks that the table does not hold, whose answers are those of its first ones."""
    genomes = np.array(data.genomes[:n])
    genomes[:, 3:9] = 8
    genomes[:, 0] = 2 * (np.arange(n) % 2)
    own = data.predictions["val"]
    answers = Predictions(own.labels, own.top1[:n], {g: c[:n] for g, c in own.codes.items()})
    return EvaluatedNetworks(tuple(data.space.format(genomes)), answers)


@pytest.fixture
def file(data, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    write_evaluated(tmp_path / "found.npz", data.space, made_up(data))
    return tmp_path / "found.npz"


def test_what_was_written_is_read(data, file: Path) -> None:  # type: ignore[no-untyped-def]
    evaluated = made_up(data)
    again = read_evaluated(file, data.space, evaluated.predictions.labels, data.gates)
    assert again.architectures == evaluated.architectures
    assert np.array_equal(again.predictions.top1, evaluated.predictions.top1)
    for gate in data.gates:
        assert np.array_equal(again.predictions.codes[gate], evaluated.predictions.codes[gate])
    assert beside(file.with_name("table.h5")) == file
    assert beside(file.parent / "elsewhere" / "table.h5") is None


def test_each_architecture_comes_once(data) -> None:  # type: ignore[no-untyped-def]
    evaluated = made_up(data)
    whole = with_evaluated(data, evaluated)
    assert len(whole) == len(data) + len(evaluated)
    assert np.array_equal(whole.accuracy()[: len(data)], data.accuracy())
    assert np.array_equal(whole.accuracy()[len(data) :], data.accuracy()[: len(evaluated)])
    assert len(with_evaluated(whole, evaluated)) == len(whole)
    twice = replace(evaluated, architectures=(evaluated.architectures[0],) * len(evaluated))
    assert len(with_evaluated(data, twice)) == len(data) + 1


def test_other_images_spaces_and_choices_are_refused(data, file: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    labels = data.predictions["val"].labels
    with pytest.raises(SurrogateError, match="other images"):
        read_evaluated(file, data.space, (labels + 1).astype(np.uint8), data.gates)
    with pytest.raises(SurrogateError, match="space"):
        read_evaluated(file, get_space("nb201"), labels, data.gates)
    with pytest.raises(SurrogateError, match="cannot be read"):
        read_evaluated(tmp_path / "none.npz", data.space, labels, data.gates)
    (tmp_path / "torn.npz").write_bytes(file.read_bytes()[:-40])
    with pytest.raises(SurrogateError, match="cannot be read"):
        read_evaluated(tmp_path / "torn.npz", data.space, labels, data.gates)
    short = replace(made_up(data), architectures=("8" * 22,))
    write_evaluated(tmp_path / "short.npz", data.space, short)
    with pytest.raises(SurrogateError, match="names 1 networks"):
        read_evaluated(tmp_path / "short.npz", data.space, labels, data.gates)
    for bad, match in (("7" * 22, "support"), ("8" * 5, "space")):
        with pytest.raises(SurrogateError, match=match):
            with_evaluated(data, replace(made_up(data), architectures=(bad,) * 6))


def test_a_surrogate_learns_from_evaluated_networks(table, file: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("xgboost")
    pytest.importorskip("onnx")
    pytest.importorskip("scipy")
    lines: list[str] = []
    for name, given in (("without", None), ("with", file)):
        fit_surrogate(
            table, tmp_path / name, evaluated=given, report_seeds=(), progress=lines.append
        )
    both = [Surrogate.load(tmp_path / name).document for name in ("without", "with")]
    assert [d["n_found"] for d in both] == [0, 6]
    support = [set(d["support"]["architectures"]) for d in both]
    more = support[1] - support[0]
    assert support[0] < support[1]
    assert more <= set(made_up(fit_data(table)).architectures)
    held = both[1]["intervals"]["n_networks"] - both[0]["intervals"]["n_networks"]
    assert len(more) + held == 6
    assert any("6 networks evaluated after" in line for line in lines)
    # Some forty networks for more than a hundred columns: that is said.
    assert any("fewer than" in line for line in lines)
