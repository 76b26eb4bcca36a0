"""The energy gate: where logits are known, and what it says where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark, Pair
from biglittle.bench.codes import Codes
from biglittle.bench.errors import GateError
from biglittle.bench.gates.energy import log_sum_exp
from biglittle.bench.synthetic import DEVICE
from biglittle.bench.table_contents import Predictions, encode_predictions


def _predictions(seed: int, n: int = 400) -> Predictions:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n).astype(np.uint8)
    logits = rng.normal(size=(n, 4)) * rng.uniform(0.5, 3, (n, 1))
    odds = np.exp(logits)
    top1, codes = encode_predictions(odds / odds.sum(axis=1, keepdims=True), labels)
    values = {"log_sum_exp": log_sum_exp(logits)[None]}
    return Predictions(labels, top1[None], {k: v[None] for k, v in codes.items()}, values)


def test_codes_rank_answers_by_their_energy_among_those_of_val() -> None:
    splits = {"val": _predictions(0), "test": _predictions(1)}
    codes = Codes(splits.__getitem__, 4)
    for split, stored in splits.items():
        values, given = stored.values["log_sum_exp"][0], codes.of("energy", split, [0])[0]
        assert (np.diff(given[np.argsort(values)].astype(int)) >= 0).all()
    val = codes.of("energy", "val", [0])[0]
    for cut in (64, 128, 200):  # a threshold is the share that it escalates
        assert abs((val < cut).mean() - cut / 256) <= 1 / 400
    assert codes.of("energy", "test", [0])[0].std() > 50


def test_a_table_without_logits_says_what_is_missing_and_its_advice_works(
    bench: Benchmark, pair: Pair
) -> None:
    with pytest.raises(
        GateError, match=r"gate 'energy' needs log_sum_exp.*they hold top1, entropy, margin"
    ):
        bench.query(pair, ("energy", 0.5), DEVICE)
    with pytest.raises(GateError, match="another gate, such as 'margin'"):
        bench.front(DEVICE, gates=["energy"])
    assert bench.query(pair, ("margin", 0.5), DEVICE).accuracy > 0


def test_log_sum_exp_is_finite_for_large_logits() -> None:
    logits = np.array([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4]])
    assert log_sum_exp(logits) == pytest.approx([1e4, -1e4 + np.log(3)])
