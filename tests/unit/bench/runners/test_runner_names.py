"""What ``--on`` takes."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("torch")

from biglittle.bench.errors import BigLittleError, MissingExtraError, UnknownNameError
from biglittle.bench.runners import RUNNERS, runner_of


def test_names_and_addresses() -> None:
    assert RUNNERS.names() == ("local", "ray")
    assert runner_of("local")[1] == ""
    assert runner_of("ray")[1] == ""
    assert runner_of("ray:host:6379")[1] == "host:6379"
    with pytest.raises(UnknownNameError, match="Did you mean 'ray'"):
        runner_of("rays")
    for wrong in ("ray:", "local:host"):
        with pytest.raises(BigLittleError, match=f"{wrong} is not a usable runner; expected local"):
            runner_of(wrong)
    with pytest.raises(BigLittleError, match="another option: --train-device cuda"):
        runner_of("cuda")


def test_without_ray_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"'\.\[cluster\]'"):
        runner_of("ray")[0].run(None, [None], 1, "", lambda *_: None)


def test_the_verb_refuses_it_before_the_first_stage(command_line) -> None:  # type: ignore[no-untyped-def]
    code, _, err = command_line("table", "build", "--on", "slurm", "--stage", "evaluate")
    assert code == 1
    assert "unknown runner 'slurm'" in err
