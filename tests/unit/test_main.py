"""The command as the system runs it: its errors and its terminals."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError("Unable to synchronously write (errno = 28, error message = 'No space left')"),
    ],
)
def test_a_full_disk_is_one_line(
    error: OSError, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from biglittle import __main__, cli

    def full() -> None:
        raise error

    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit, match="1"):
        __main__.main()
    message = capsys.readouterr().err
    assert message.startswith("error: no space left on the disk")
    assert message.count("\n") == 1


def test_other_errors_of_the_system_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    from biglittle import __main__, cli

    def broken() -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(OSError, match="Input/output"):
        __main__.main()


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_every_terminal_can_show_what_is_printed(encoding: str) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHONUTF"))}
    setting = {**clean, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "biglittle", "surrogate", "eval"],
        env={**setting, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    text = done.stdout.decode(encoding)
    assert ("+-" if encoding == "ascii" else "±") in text
