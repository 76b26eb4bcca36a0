"""What networks in ONNX files answer, asked here by ONNX Runtime, some inputs at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.errors import AnswersError
from ...bench.own.answers import TOLERANCE
from ...edge_profiler.runtimes._ort import CPU, import_onnxruntime

ONNX = ".onnx"
_BATCH = 64  # inputs of a run where the network leaves their number free
_FLOATS = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16}


@dataclass(frozen=True)
class OnnxAnswers:
    """A network in an ONNX file and the inputs that it is asked about.

    Attributes:
        name: name of the network, for messages.
        path: path of its ONNX file.
        inputs: what it is asked about, shape (n_images, ...) as the network takes them.
    """

    name: str
    path: Path
    inputs: NDArray[Any]

    def read(self) -> NDArray[Any]:
        """What it answers to every input, shape (n_images, n_classes).

        Raises:
            AnswersError: the file cannot be run on such inputs, or gives something else.
        """
        return np.concatenate(list(self._batches(self.inputs)))

    def kind(self) -> str:
        """What it seems to answer, by some inputs: "probabilities", or else "logits".

        Raises:
            AnswersError: the file cannot be run on such inputs, or gives something else.
        """
        some = np.concatenate(list(self._batches(self.inputs[:_BATCH]))).astype(np.float64)
        sums = np.abs(some.sum(axis=1) - 1)
        like = some.size and some.min() >= -TOLERANCE and sums.max() <= TOLERANCE
        return "probabilities" if like else "logits"

    @cached_property
    def _session(self) -> Any:
        ort = import_onnxruntime("running the networks")
        options = ort.SessionOptions()
        options.log_severity_level = 3
        try:
            return ort.InferenceSession(str(self.path), options, providers=[CPU])
        except Exception as error:  # the runtime's errors share no base of their own
            why = " ".join(str(error).split())[:300]
            raise AnswersError(f"{self.path} cannot be run by ONNX Runtime: {why}") from error

    def _batches(self, inputs: NDArray[Any]) -> Iterator[NDArray[Any]]:
        sources = self._session.get_inputs()
        if len(sources) != 1:
            raise AnswersError(
                f"{self.path} has {len(sources)} inputs; expected one. Run it yourself and give "
                f"what it answered: np.save('{self.name}.npy', answers)."
            )
        batch = self._checked(sources[0])
        dtype = _FLOATS.get(sources[0].type, inputs.dtype)
        for start in range(0, len(inputs), batch or _BATCH):
            chunk = np.asarray(inputs[start : start + (batch or _BATCH)], dtype)
            missing = (batch or len(chunk)) - len(chunk)  # a last batch that is not full
            full = np.concatenate([chunk, np.repeat(chunk[-1:], missing, axis=0)])
            try:
                outputs = self._session.run(None, {sources[0].name: full})
            except Exception as error:  # as above
                why = " ".join(str(error).split())[:300]
                raise AnswersError(f"{self.path} cannot be run on the inputs: {why}") from error
            yield self._classes(outputs, len(full))[: len(chunk)]

    def _checked(self, source: Any) -> int:
        """The number of inputs of a run; 0 where any number is taken."""
        sides = [side if isinstance(side, int) and side > 0 else 0 for side in source.shape]
        given = self.inputs.shape
        fits = len(sides) == len(given) and all(
            side in (0, n) for side, n in zip(sides[1:], given[1:], strict=True)
        )
        if not fits or not given[0]:
            takes = ", ".join(str(side or "any number") for side in sides)
            last = ""
            if len(given) == len(sides) == 4 and given[3] == sides[1] != given[1]:
                last = " They look like channels last: np.moveaxis(x, -1, 1)."
            raise AnswersError(
                f"the inputs have shape {given}, and {self.path} takes ({takes}); expected one of "
                f"these for each label, as the network was trained on them.{last}"
            )
        if source.type not in _FLOATS and self.inputs.dtype.kind not in "biu":
            raise AnswersError(
                f"the inputs are {self.inputs.dtype}, and {self.path} takes {source.type}."
            )
        return sides[0] if sides else 0

    def _classes(self, outputs: list[Any], n: int) -> NDArray[Any]:
        """The one output that has a number a class, shape (n, n_classes)."""
        arrays = [np.asarray(o) for o in outputs if isinstance(o, np.ndarray)]
        shapes = [array.shape for array in arrays]
        flat = [a.reshape(n, -1) for a in arrays if a.dtype.kind == "f" and a.size == n * _side(a)]
        wanted = [array for array in flat if array.shape[1] > 1]
        if len(wanted) != 1:
            raise AnswersError(
                f"{self.path} gives {len(outputs)} outputs of shapes {shapes}; expected one of "
                f"shape ({n}, n_classes). Run it yourself and give what it answered: "
                f"np.save('{self.name}.npy', answers)."
            )
        return wanted[0]


def _side(array: NDArray[Any]) -> int:
    """The longest side behind the first, which holds the classes."""
    return max(array.shape[1:], default=0)
