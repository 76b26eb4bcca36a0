"""The stages by name, without PyTorch."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import typer

from biglittle import cli
from biglittle.bench.errors import BigLittleError, ConstraintError, UnknownNameError
from biglittle.data_tables.building.stage_names import (
    BEFORE_EXTENDING,
    BY_NAME_ALONE,
    STAGES,
    WITHOUT_SUPERNET,
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


def test_options_that_a_stage_has_no_use_for_are_refused() -> None:
    weights, table = Path("kept.safetensors"), Path("table.h5")
    for stage in ("all", *STAGES):
        refused = pytest.raises(ConstraintError, match=rf"--start \(.* which {stage} does not\)")
        with refused if stage in WITHOUT_SUPERNET else nullcontext():
            stages_to_build(stage, start=weights)
        refused = pytest.raises(ConstraintError, match=rf"--earlier \(.* and this is {stage}\)")
        with nullcontext() if stage in ("all", "assemble") else refused:
            stages_to_build(stage, earlier=table)
    assert stages_to_build("assemble", weights, table) == ("assemble",)


def test_the_command_refuses_an_earlier_table_before_anything_is_built(  # type: ignore[no-untyped-def]
    tmp_path: Path, command_line
) -> None:
    words = ("--stage", "cascades", "--earlier", "t.h5", "--start", "kept.safetensors")
    code, _, err = command_line("table", "build", *words, "--working", str(tmp_path / "build"))
    assert code == 1
    assert "got options that would change nothing: --start (it is for train" in err
    assert "--earlier (it is for assemble and all, and this is cascades)" in err
    assert not (tmp_path / "build").exists()


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
