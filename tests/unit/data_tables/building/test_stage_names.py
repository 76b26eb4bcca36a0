"""The stages by name, without PyTorch."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from biglittle import cli
from biglittle.bench.errors import BigLittleError, UnknownNameError
from biglittle.data_tables.building.stage_names import (
    BEFORE_EXTENDING,
    BY_NAME_ALONE,
    STAGES,
    parse_shard,
    stages_to_build,
    stages_to_extend,
)


def test_a_name_stands_for_one_stage_or_for_all() -> None:
    assert stages_to_build("all") == tuple(s for s in STAGES if s not in BY_NAME_ALONE)
    assert stages_to_build("int8") == ("int8",)
    assert stages_to_extend("int8") == ("int8", "extend")
    assert stages_to_build("assemble") == ("assemble",)
    assert stages_to_extend("none") == ("extend",)
    assert stages_to_extend("trust") == ("trust", "extend")


def test_the_help_names_every_stage() -> None:
    verbs = typer.main.get_command(cli.app).commands["table"]  # type: ignore[attr-defined]
    for verb in ("build", "extend"):
        command = verbs.get_command(typer.Context(verbs), verb)
        (text,) = [p.help for p in command.params if p.name == "stage"]
        for stage in STAGES if verb == "build" else ("none", *BEFORE_EXTENDING):
            assert stage in text


def test_a_wrong_stage_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'train'"):
        stages_to_build("trains")
    with pytest.raises(UnknownNameError, match="unknown stage 'train'"):
        stages_to_extend("train")


@pytest.mark.parametrize("text", ["", "1", "a/b", "0/1/2"])
def test_a_shard_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(BigLittleError, match="for example 0/2"):
        parse_shard(text)


def test_a_wrong_stage_needs_no_torch_to_be_refused() -> None:
    code = (
        "import sys; from biglittle.data_tables.building import stage_names; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
