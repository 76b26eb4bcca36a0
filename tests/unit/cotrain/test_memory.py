"""Keeping freed memory is a request to one C library; elsewhere it does nothing."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

pytest.importorskip("torch")

from biglittle.cotrain import memory


def test_glibc_accepts_it_and_arrays_still_come_and_go() -> None:
    # In a process of its own: the setting cannot be taken back.
    code = (
        "import numpy as np; from biglittle.cotrain.memory import keep_freed_memory as keep\n"
        "said = keep()\n"
        "for _ in range(3): assert np.ones(8_000_000).sum() == 8_000_000\n"
        "print(said)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    on_glibc = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "gnu_get_libc_version")
    assert done.stdout.strip() == str(on_glibc)


@pytest.mark.parametrize("error", [OSError, AttributeError, TypeError])
def test_another_c_library_is_no_error(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fails(name: object) -> None:
        raise error

    monkeypatch.setattr(memory.ctypes, "CDLL", fails)
    assert memory.keep_freed_memory() is False


def test_a_library_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Library:
        @staticmethod
        def mallopt(parameter: int, value: int) -> int:
            return 0

    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: Library)
    assert memory.keep_freed_memory() is False
