"""``biglittle ofa`` says what is wrong in one line, before anything is trained or run."""

from __future__ import annotations

from pathlib import Path

import pytest


def test_the_command_says_what_is_wrong(command_line, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("torch")
    for arguments, message in (
        (["specialise"], "give at least one"),
        (["specialise", "--latency-ms-max", "9", "--coupling", "nest"], "Did you mean 'nested'"),
        (
            ["specialise", "--latency-ms-max", "20", "--weights", str(tmp_path / "none")],
            "train a supernet",
        ),
        (["train", "--epochs", "0", "--from", "scratch"], "at least 1"),
    ):
        code, out, err = command_line("ofa", *arguments)
        assert code == 1
        assert message in err
        assert not out
