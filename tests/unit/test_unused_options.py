"""Options that would change nothing are refused in one sentence, each reason once."""

from __future__ import annotations

import pytest

from biglittle.bench.errors import ConstraintError
from biglittle.unused_options import check_unused

WHY = {"--top": "of a front alone", "--all": "of a front alone", "--gate": "of a pair alone"}


def test_what_was_not_given_is_not_refused() -> None:
    check_unused({}, WHY)
    check_unused({"--top": None, "--all": False, "--device": "mine"}, WHY)


@pytest.mark.parametrize(
    ("options", "instead", "message"),
    [
        (
            {"--top": 5},
            "",
            "got an option that would change nothing: --top (of a front alone). Leave it out.",
        ),
        (
            {"--gate": "margin", "--top": 0, "--all": True},
            "name a pair",
            "got options that would change nothing: --top and --all (of a front alone), --gate (of "
            "a pair alone). Leave them out, or name a pair.",
        ),
    ],
)
def test_what_was_given_is_named_with_the_reason(
    options: dict[str, object], instead: str, message: str
) -> None:
    with pytest.raises(ConstraintError) as refusal:
        check_unused(options, WHY, instead)
    assert str(refusal.value) == message
