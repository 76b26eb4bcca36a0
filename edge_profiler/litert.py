"""Networks and cascades as LiteRT files (``.tflite``), a file for each network of a cascade.

A LiteRT file from this converter runs all that it holds, so a cascade is cut at its gates. The
first file gives the little network's answer, whether to escalate, and the features that the next
file goes on from; an app runs the next one only where the gate escalates, as the ``If`` node of the
ONNX file does. Every file is run and compared with the ONNX file it was made from.

Source: LiteRT Torch (``litert-torch``), which lowers a PyTorch program to LiteRT's operators.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import ProfileError
from ..bench.files import write_together
from .mobile import TOLERANCE, random_inputs, runtime_session
from .onnx_parts import GraphPart, graph_parts
from .runtimes._ort import import_onnxruntime

PURPOSE = "writing networks for phones"
IMAGES = 8  # random inputs that both files answer
#: What the converter was tried with; it needs an environment of its own.
INSTALL = "pip install litert-torch==0.10.0"

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class LitertFiles:
    """What was written.

    Attributes:
        folder: folder of the files.
        sha256: hash of each file by name.
        difference: largest difference of an output to that of the ONNX file, by its stem.
        stages: names of the files of each ONNX file in the order in which they run, by its stem.
    """

    folder: Path
    sha256: dict[str, str]
    difference: dict[str, float]
    stages: dict[str, tuple[str, ...]]

    def text(self) -> list[str]:
        """Lines that say what was written and how an app takes it."""
        lines = []
        for name, gap in self.difference.items():
            files = self.stages[name]
            lines.append(f"{' then '.join(files)}: as {name}.onnx does, to within {gap:.1e}")
            if len(files) > 1:
                lines.append(
                    f"  each next file runs where the one before says 'escalated'; "
                    f"{name}.litert.json names inputs and outputs in their order"
                )
        return [*lines, f"Written to {self.folder}"]


def write_litert(models: Sequence[Path], folder: Path) -> LitertFiles:
    """Writes ONNX files as LiteRT files, cascades as one file for each network.

    Args:
        models: paths of ONNX files in fp32, cascades with an ``If`` node among them.
        folder: folder to write to, made if it is not there.

    Raises:
        ProfileError: the converter is not installed, a file holds what has no LiteRT form here, or
            its LiteRT files answer otherwise.
    """
    runtime = import_onnxruntime(PURPOSE)
    _import_converter()
    names = [path.stem for path in models]
    if not models or len(set(names)) < len(names):
        raise ProfileError(
            f"{len(models)} ONNX files were given, {len(set(names))} of different names; expected "
            "at least one, and no two of one name."
        )
    contents: dict[str, bytes] = {}
    difference: dict[str, float] = {}
    stages: dict[str, tuple[str, ...]] = {}
    for path in models:
        try:
            content = path.read_bytes()
        except OSError as error:
            reason = error.strerror
            raise ProfileError(f"{path} cannot be read ({reason}); check the path.") from error
        parts = graph_parts(content, path.name)
        session = runtime_session(runtime, content)
        rng = np.random.default_rng(0)
        feeds = [random_inputs(session, rng) for _ in range(IMAGES)]
        converted = _converted(parts, feeds[0])
        files = [f"{path.stem}.tflite"]
        if len(parts) > 1:
            files = [f"{path.stem}.{n}.tflite" for n in range(1, len(parts) + 1)]
            plan = [
                {"file": file, "inputs": part.inputs, "outputs": part.outputs}
                for file, part in zip(files, parts, strict=True)
            ]
            document = {"made_from_sha256": hashlib.sha256(content).hexdigest(), "stages": plan}
            contents[f"{path.stem}.litert.json"] = (json.dumps(document, indent=1) + "\n").encode()
        contents.update(zip(files, converted, strict=True))
        stages[path.stem] = tuple(files)
        difference[path.stem] = _difference(session, parts, converted, feeds, path.stem)
    folder.mkdir(parents=True, exist_ok=True)
    write_together(folder, contents)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    return LitertFiles(folder, hashes, difference, stages)


def _import_converter() -> tuple[Any, Any]:
    """The converter and the interpreter.

    Raises:
        ProfileError: one of them is not installed.
    """
    try:
        import litert_torch
        from ai_edge_litert import interpreter
    except ImportError as error:
        raise ProfileError(
            f"LiteRT files need the Python module {error.name!r}, which is not installed. It needs "
            "an older typing-extensions than BigLittle's other extras, so install it into an "
            f"environment of its own, with BigLittle's extra 'profiler': {INSTALL}"
        ) from error
    return litert_torch, interpreter


def _converted(parts: Sequence[GraphPart], feeds: Arrays) -> list[bytes]:
    """The bytes of a LiteRT file for each part."""
    import torch

    from .onnx_torch import GraphModule

    converter, _ = _import_converter()
    values: dict[str, torch.Tensor] = {n: torch.from_numpy(v) for n, v in feeds.items()}
    contents = []
    for part in parts:
        module = GraphModule(part).eval()
        inputs = tuple(values[name] for name in part.inputs)
        with torch.no_grad():
            values |= dict(zip(part.outputs, module(*inputs), strict=True))
        printed = io.StringIO()
        logging.disable(logging.INFO)
        try:
            with (
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(printed),
                tempfile.TemporaryDirectory() as scratch,
            ):
                file = Path(scratch) / "part.tflite"
                converter.convert(module, inputs).export(str(file))
                contents.append(file.read_bytes())
        except Exception as error:  # whatever the converter says of a program
            reason = " ".join(str(error).split())[:300]
            raise ProfileError(
                f"the LiteRT converter does not take the network ({reason}); ONNX Runtime's format "
                "does: leave out --format litert."
            ) from error
        finally:
            logging.disable(logging.NOTSET)
    return contents


def _run(interpreter: Any, part: GraphPart, values: Arrays) -> Arrays:
    """What one LiteRT file answers, by the names of its outputs."""
    runner = interpreter.get_signature_runner()
    inputs = sorted(runner.get_input_details(), key=_place)
    outputs = sorted(runner.get_output_details(), key=_place)
    answers = runner(**{key: values[n] for key, n in zip(inputs, part.inputs, strict=True)})
    return {n: answers[key] for key, n in zip(outputs, part.outputs, strict=True)}


def _place(key: str) -> int:
    """The place of an input or output by the converter's name for it, such as ``output_1``."""
    return int(key.rpartition("_")[2])


def _difference(
    session: Any,
    parts: Sequence[GraphPart],
    contents: Sequence[bytes],
    feeds: Sequence[Arrays],
    name: str,
) -> float:
    """The largest difference of what LiteRT files and the ONNX file answer to random inputs.

    All parts are run on every input; an answer is that of the first whose gate keeps it, so that a
    decision that differs shows in the logits.
    """
    _, module = _import_converter()
    interpreters = [module.Interpreter(model_content=content) for content in contents]
    largest = 0.0
    for images in feeds:
        values, answers, escalated = dict(images), [], []
        for interpreter, part in zip(interpreters, parts, strict=True):
            outputs = _run(interpreter, part, values)
            values |= outputs
            answers.append(outputs[part.outputs[0]])
            if len(part.outputs) > 1:
                escalated.append(bool(outputs[part.outputs[1]].any()))
        chosen = answers[len(escalated) if all(escalated) else escalated.index(False)]
        gap = np.abs(np.asarray(chosen, np.float64) - session.run(None, images)[0])
        largest = max(largest, float(gap.max(initial=0.0)))
    if not largest <= TOLERANCE:
        raise ProfileError(
            f"the LiteRT files of {name}.onnx answer otherwise than it does, by {largest:.2g}; "
            f"expected at most {TOLERANCE}. Nothing was written."
        )
    return largest
