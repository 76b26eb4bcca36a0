"""Networks and cascades for phones: ONNX Runtime's own format, and the operators a build needs.

A minimal build of ONNX Runtime (as for an Android or iOS app) reads the ORT format alone, and holds
no operators but those of a required-operators file. Both are made by ONNX Runtime's own tool. The
optimisations that are fixed in a file are those that hold on any processor ("fixed", with "arm" as
the platform), and every file is run and compared with the one it was made from.

Source: ONNX Runtime's documentation, *ORT model format* and *Reduced operator config file*.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import MissingExtraError, ProfileError
from ..bench.files import write_together
from .runtimes._ort import CPU, import_onnxruntime

OPERATORS = "required_operators.config"
PURPOSE = "writing networks for phones"
TOLERANCE = 1e-3  # absolute, of outputs; fused operators move a logit by some 1e-5
_IMAGES = 8  # random inputs that both files answer


@dataclass(frozen=True)
class MobileFiles:
    """What was written.

    Attributes:
        folder: folder of the files.
        sha256: hash of each file by name.
        difference: largest difference of an output to that of the ONNX file, by name.
        operators: operators by domain and version, as the build takes them.
    """

    folder: Path
    sha256: dict[str, str]
    difference: dict[str, float]
    operators: tuple[str, ...]

    def text(self) -> list[str]:
        """Lines that say what was written and how an app takes it."""
        return [
            *(
                f"{name}: answers as its ONNX file does, to within {gap:.1e}"
                for name, gap in self.difference.items()
            ),
            f"{OPERATORS}: {len(self.operators)} lines of operators; a build that holds no others: "
            f"onnxruntime/build.sh --android --minimal_build --include_ops_by_config {OPERATORS}",
            f"Written to {self.folder}",
        ]


def write_mobile(models: Sequence[Path], folder: Path) -> MobileFiles:
    """Writes ONNX files in ORT format, and one required-operators file for all of them.

    Args:
        models: paths of ONNX files, cascades with an ``If`` node among them.
        folder: folder to write to, made if it is not there.

    Raises:
        ProfileError: a file that ONNX Runtime does not take, or that answers otherwise afterwards.
        MissingExtraError: ``onnxruntime``, or what its tool needs, is not installed.
    """
    runtime = import_onnxruntime(PURPOSE)
    names = [path.stem for path in models]
    if not models or len(set(names)) < len(names):
        raise ProfileError(
            f"{len(models)} ONNX files were given, {len(set(names))} of different names; expected "
            "at least one, and no two of one name."
        )
    with tempfile.TemporaryDirectory() as scratch:
        inner = Path(scratch)
        (inner / "in").mkdir()
        for path in models:
            _copy(path, inner / "in" / f"{path.stem}.onnx")
        _convert(inner / "in", inner / "out")
        contents = {f"{name}.ort": (inner / "out" / f"{name}.ort").read_bytes() for name in names}
        needed = next(inner.rglob("*.config")).read_text(encoding="utf-8").splitlines()
        operators = tuple(line for line in needed if line and not line.startswith("#"))
        contents[OPERATORS] = ("\n".join((f"# Of {', '.join(contents)}", *operators, ""))).encode()
        difference = {
            f"{name}.ort": _difference(
                runtime, (inner / "in" / f"{name}.onnx").read_bytes(), contents[f"{name}.ort"], name
            )
            for name in names
        }
    folder.mkdir(parents=True, exist_ok=True)
    write_together(folder, contents)
    return MobileFiles(
        folder,
        {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        difference,
        operators,
    )


def _copy(path: Path, target: Path) -> None:
    try:
        target.write_bytes(path.read_bytes())
    except OSError as error:
        raise ProfileError(f"{path} cannot be read ({error.strerror}); check the path.") from error


def _convert(source: Path, target: Path) -> None:
    """Runs ONNX Runtime's tool, which prints much."""
    try:
        from onnxruntime.tools.convert_onnx_models_to_ort import (
            OptimizationStyle,
            convert_onnx_models_to_ort,
        )
    except ImportError as error:
        missing = (error.name or "flatbuffers").partition(".")[0]
        raise MissingExtraError(missing, "profiler", PURPOSE) from error
    printed = io.StringIO()
    logging.disable(logging.INFO)
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            convert_onnx_models_to_ort(
                source,
                output_dir=target,
                optimization_styles=[OptimizationStyle.Fixed],
                target_platform="arm",
            )
    except Exception as error:  # whatever ONNX Runtime says of a file
        lines = [line for line in (*printed.getvalue().splitlines(), str(error)) if line.strip()]
        raise ProfileError(
            f"ONNX Runtime does not take the files: {' '.join(lines[-1].split())[:300]}; expected "
            "ONNX files that it runs."
        ) from error
    finally:
        logging.disable(logging.NOTSET)


def runtime_session(runtime: Any, model: bytes) -> Any:
    """A session of ONNX Runtime on one thread, which keeps its warnings to itself."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return runtime.InferenceSession(model, options, providers=[CPU])


def random_inputs(session: Any, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    """Random images for every input of a session, by its name.

    Raises:
        ProfileError: an input that is not of images.
    """
    feeds = {}
    for one in session.get_inputs():
        shape = [side if isinstance(side, int) and side > 0 else 1 for side in one.shape]
        if one.type == "tensor(uint8)":
            feeds[one.name] = rng.integers(0, 256, shape, np.uint8)
        elif one.type == "tensor(float)":
            feeds[one.name] = rng.normal(size=shape).astype(np.float32)
        else:
            raise ProfileError(f"its input {one.name!r} is {one.type}; expected images.")
    return feeds


def _difference(runtime: Any, onnx: bytes, ort: bytes, name: str) -> float:
    """The largest difference of what two files answer to random inputs.

    Where a cascade's decision itself differs, its logits do as well.
    """
    first, second = (runtime_session(runtime, content) for content in (onnx, ort))
    rng, largest = np.random.default_rng(0), 0.0
    for _ in range(_IMAGES):
        feeds = random_inputs(first, rng)
        for a, b in zip(first.run(None, feeds), second.run(None, feeds), strict=True):
            gap = np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64))
            largest = max(largest, float(gap.max(initial=0.0)))
    if not largest <= TOLERANCE:
        raise ProfileError(
            f"{name}.ort answers otherwise than {name}.onnx, by {largest:.2g}; expected at most "
            f"{TOLERANCE}. Nothing was written."
        )
    return largest
