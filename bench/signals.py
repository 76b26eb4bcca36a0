"""Signals that end a run, as one exception: what is at work closes its files and says what is kept.

Python turns an interrupt from the keyboard into `KeyboardInterrupt`, and lets the others end a
process without a word, in the middle of whatever it does.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_WORDS = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "hung up"}


class Stopped(KeyboardInterrupt):
    """A signal that ends the run; whatever cleans up after an interrupt does so after it.

    Attributes:
        number: number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def word_of(stop: KeyboardInterrupt) -> str:
    """What happened to a run, for example "terminated"."""
    return _WORDS[signal.Signals(_number(stop)).name]


def exit_code_of(stop: KeyboardInterrupt) -> int:
    """Exit code of a run that a signal ended, as shells count it."""
    return 128 + _number(stop)


def _number(stop: KeyboardInterrupt) -> int:
    return stop.number if isinstance(stop, Stopped) else signal.SIGINT


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped(number)


@contextmanager
def stopping() -> Iterator[None]:
    """Turns every signal that ends a run into `Stopped` while the block runs.

    A signal that is ignored stays so, as ``nohup`` wants it; in another thread than the first one
    nothing is changed.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in _WORDS:
            number = getattr(signal, name, None)  # a system may not have it
            usual = (signal.SIG_DFL, signal.default_int_handler)
            if number is not None and signal.getsignal(number) in usual:
                before[number] = signal.signal(number, _stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
