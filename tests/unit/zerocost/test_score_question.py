"""What is scored, on which batch."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from biglittle.bench.errors import ArchitectureError, BigLittleError, UnknownNameError
from biglittle.zerocost.score_question import batch_to_score, networks_to_score

IDS = ["8" * 22, "0" * 22]


def none() -> list[str]:
    raise AssertionError("the table was opened")


def test_networks_are_named_drawn_or_those_of_a_table() -> None:
    assert networks_to_score(",".join(IDS), 0, "fbnet", 0, none) == IDS
    assert networks_to_score("table", 0, "fbnet", 0, lambda: IDS) == IDS
    drawn = networks_to_score("", 3, "fbnet", 1, none)
    assert len({*drawn}) == 3
    assert drawn == networks_to_score("", 3, "fbnet", 1, none)


@pytest.mark.parametrize(("text", "sample"), [("", 0), (IDS[0], 2)])
def test_a_question_without_or_with_two_answers_is_refused(text: str, sample: int) -> None:
    with pytest.raises(BigLittleError, match="either --arch or --sample"):
        networks_to_score(text, sample, "fbnet", 0, none)


def test_a_wrong_name_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'fbnet'"):
        networks_to_score("", 2, "fbnt", 0, none)
    with pytest.raises(ArchitectureError):
        networks_to_score("123", 0, "fbnet", 0, none)
    with pytest.raises(UnknownNameError, match="Did you mean 'cifar10'"):
        batch_to_score("cifar11", 4, None, 0)


def test_noise_has_ten_classes_unless_said_otherwise() -> None:
    batch, n_classes = batch_to_score("noise", 4, None, 7)
    assert (len(batch.images), n_classes, batch.name) == (4, 10, "noise, n=4, seed=7")
    batch, n_classes = batch_to_score("noise", 50, 3, 7)
    assert batch.labels is not None
    assert (n_classes, {*batch.labels.tolist()}) == (3, {0, 1, 2})
