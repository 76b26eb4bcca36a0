"""What an evaluation is found by, as it stands in its file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from biglittle.bench.rows import NetworkKey
from biglittle.data_tables.building.evaluate import (
    Evaluation,
    EvaluationKey,
    read_evaluation,
    read_key,
    write_evaluation,
)

LITTLE, BIG = "8" * 22, "3" * 22


def test_the_key_in_a_file_is_flat_and_read_back(tmp_path: Path) -> None:
    """Files of earlier builds have this form, and go on to be read."""
    network = NetworkKey(LITTLE, training="joint", seed=1)
    key = EvaluationKey(network, BIG, "little", 2, 90_000, "f" * 64, {"batch": 16})
    answers = {"val": {"top1": np.array([1, 2], np.uint8)}}
    write_evaluation(tmp_path / "one.npz", Evaluation(key, "0" * 64, answers))
    with np.load(tmp_path / "one.npz") as arrays:
        stored = arrays["key"].item()
    assert stored == (
        f'{{"architecture": "{LITTLE}", "training": "joint", "seed": 1, "partner": "{BIG}", '
        f'"role": "little", "epochs": 2, "images": 90000, "origin": "{"f" * 64}", '
        '"recipe": {"batch": 16}}'
    )
    assert read_key(tmp_path / "one.npz") == key == read_evaluation(tmp_path / "one.npz").key
    assert key.name == f"joint-{LITTLE}-{BIG}-little-s1"


def test_a_cut_or_quantised_network_is_told_from_the_whole_one() -> None:
    plain, cut = (EvaluationKey(NetworkKey.parse(LITTLE + end)) for end in ("", "@12:int8"))
    assert EvaluationKey.from_dict(json.loads(json.dumps(cut.as_dict()))) == cut
    assert plain.name != cut.name


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"seed": "0"}, "its key.seed is '0'"),
        ({"architecture": "8:int3"}, "does not name a network"),
        ({"architecture": ""}, "does not name a network"),
        ({"shoe": 3}, "shoe"),
    ],
)
def test_a_key_that_is_none_is_refused(change: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        EvaluationKey.from_dict({**EvaluationKey(NetworkKey(LITTLE)).as_dict(), **change})
