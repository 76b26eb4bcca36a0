"""Runtimes, one file each: what turns the bytes of an ONNX model into something to time."""

from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path

from ...bench.registry import Registry, with_members

#: Runs a loaded network once on one fixed input.
Run = Callable[[], None]


class Runtime(typing.Protocol):
    """Loads ONNX models for timing; every entry's ``RUNTIME`` is one."""

    @property
    def description(self) -> str:
        """Name, version and backend, as it stands in a profile."""

    @property
    def precision(self) -> str:
        """Precision in which networks run, for example ``fp32``."""

    @property
    def runs_on(self) -> str:
        """Where networks run, ``cpu`` or ``gpu``: what an energy meter has to see."""

    def at(self, precision: str) -> Runtime:
        """The same runtime in another precision.

        Raises:
            ProfileError: it has no such precision.
        """

    def load(self, model: bytes, threads: int) -> Run:
        """A callable that runs the serialised ONNX model once on a fixed input of batch 1.

        Args:
            model: a serialised ONNX model with one input of fixed shape.
            threads: threads inside an operator; operators run one after another.

        Raises:
            ProfileError: the runtime cannot run the model.
            MissingExtraError: the runtime is not installed.
        """


RUNTIMES = Registry(
    "runtime",
    __name__,
    Path(__file__).parent,
    "RUNTIME",
    "biglittle.runtimes",
    with_members("description", "precision", "runs_on", "at", "load"),
    hyphens=True,
)


def get_runtime(name: str, precision: str | None = None) -> Runtime:
    """The runtime called ``name``, for example ``ort-cpu``.

    Args:
        name: key of the runtime.
        precision: number format, for example ``fp16``; None: its usual one.

    Raises:
        UnknownNameError: no runtime has that name.
        ProfileError: it has no such precision.
    """
    runtime = typing.cast(Runtime, RUNTIMES.load(name))
    return runtime if precision is None else runtime.at(precision)


__all__ = ["RUNTIMES", "Run", "Runtime", "get_runtime"]
