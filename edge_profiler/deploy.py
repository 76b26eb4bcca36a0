"""Writes a trained pair as it is deployed, and checks that ONNX Runtime answers as training did.

Three files: ``little.onnx``, ``big.onnx`` and ``cascade.onnx``, the one graph with an ``If`` node
that runs the big network only where the gate asks for it, and of an exit and its own network only
what stands behind the exit. All take pixels and describe themselves
(`deployable`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import ProfileError
from ..bench.files import replacing
from ..bench.gates import get_metric
from ..bench.router_gate import RouterGate, check_fits
from ..bench.trained_pair import TrainedPair
from .deployable import CPP, PYTHON, describe, metadata, with_pixels
from .named_couplings import named_couplings
from .onnx_cascade import chained_model
from .onnx_graph import ESCALATED, INPUT, LOGITS, import_onnx
from .onnx_network import onnx_model
from .runtimes._ort import CPU, import_onnxruntime

if TYPE_CHECKING:
    import onnx

PURPOSE = "deploying a pair"  # as a message about a missing package names it
LOGIT_TOLERANCE = 1e-3  # absolute; folding batch norms moves a logit by some 1e-5
GATE_TOLERANCE = 1e-4  # in the metric's unit: a decision this close to the threshold may differ


def check_exportable() -> None:
    """Says before a long training, not after it, that a pair could not be written.

    Raises:
        MissingExtraError: ``onnx`` or ``onnxruntime`` is not installed.
    """
    import_onnx()
    import_onnxruntime(PURPOSE)


def deploy_pair(folder: Path, trained: TrainedPair) -> dict[str, Any]:
    """Facts of three written files, once all of them were found to answer as they should.

    Args:
        folder: folder to write to, made if it is not there.
        trained: the pair, with images to check it with and what it answers to them.

    Returns:
        How to run the files (``input``, ``python``, ``c++``), ``images`` checked, largest
        ``logit_difference`` of each file, ``decisions_at_threshold``: images so close to the
        threshold that rounding decided otherwise, the SHA-256 of each file, and the runtime's
        version.

    Raises:
        ProfileError: a logit, a class or a decision differs by more than rounding; the networks of
            a prefix pair have other weights before the exit; or a router's scores are missing.
        GateError: a router that was made for other features.
        MissingExtraError: ``onnx`` or ``onnxruntime`` is not installed.
    """
    space, architectures, gate = trained.space, trained.architectures, trained.gate
    images, logits = trained.images, trained.logits
    n_classes = logits[0].shape[1]
    little, big = (
        onnx_model(space, a, n_classes, weights=w)
        for a, w in zip(architectures, trained.weights, strict=True)
    )
    coupling = trained.coupling or named_couplings(space, architectures)[0]
    if isinstance(gate, RouterGate):
        check_fits(space, gate, architectures[0])
    form = gate if isinstance(gate, RouterGate) else (gate.metric, gate.threshold)
    cascade = chained_model((little, big), (form,), (coupling,))
    networks = {"little": little, "big": big, "cascade": cascade}
    models = {name: with_pixels(model, trained.dataset) for name, model in networks.items()}
    pair = dict(zip(("little", "big"), architectures, strict=True))
    for name, model in models.items():
        describe(model, name, pair, space, trained.dataset, trained.origin, gate)
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, model in models.items():
        content = model.SerializeToString()
        files[f"{name}.onnx"] = hashlib.sha256(content).hexdigest()
        with replacing(folder / f"{name}.onnx") as partial:
            partial.write_bytes(content)
    answers = {name: _run(model, images) for name, model in models.items()}
    escalated = answers["cascade"][1]
    value, wanted = _decisions(trained)
    differs = escalated != wanted
    if (differs & ~(np.abs(value - gate.threshold) <= GATE_TOLERANCE)).any():
        raise ProfileError(
            f"cascade.onnx escalates {differs.sum()} of {len(images)} images otherwise than the "
            f"gate {gate.metric!r} at {gate.threshold:g} does; expected the same decisions. The "
            "files must not be deployed."
        )
    expected = {
        "little": logits[0],
        "big": logits[1],
        "cascade": np.where(escalated[:, None], logits[1], logits[0]),
    }
    return {
        "input": metadata(models["cascade"])["input"],
        "python": PYTHON.splitlines(),
        "c++": CPP.splitlines(),
        "images": len(images),
        "logit_difference": {n: _compare(n, answers[n][0], expected[n]) for n in models},
        "decisions_at_threshold": int(differs.sum()),
        "sha256": files,
        "onnxruntime": str(import_onnxruntime(PURPOSE).__version__),
    }


def _decisions(trained: TrainedPair) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """What the gate looks at, and whether it escalates, by the bench's arithmetic, each (n,)."""
    gate = trained.gate
    if isinstance(gate, RouterGate):
        if trained.scores is None:
            raise ProfileError(
                "a pair whose gate is a router was given without the router's scores of its "
                "images; expected TrainedPair(..., scores=router.scores(...))."
            )
        return trained.scores, gate.escalated(trained.scores)
    metric = get_metric(gate.metric)
    value = np.asarray(metric.compute(_probabilities(trained.logits[0])), np.float64)
    sure = value >= gate.threshold if metric.confident == "high" else value <= gate.threshold
    return value, ~sure


def _compare(name: str, got: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    difference = float(np.abs(got - wanted).max())
    two = np.sort(wanted, axis=1)[:, -2:]
    tie = two[:, 1] - two[:, 0] <= 2 * LOGIT_TOLERANCE
    classes = ((got.argmax(axis=1) != wanted.argmax(axis=1)) & ~tie).sum()
    if not difference <= LOGIT_TOLERANCE or classes:
        raise ProfileError(
            f"{name}.onnx answers otherwise than the trained network: its logits differ by up to "
            f"{difference:.3g} (at most {LOGIT_TOLERANCE:g} is rounding), the class of {classes} "
            f"of {len(got)} images. The files must not be deployed."
        )
    return difference


def _run(
    model: onnx.ModelProto, images: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Logits (n, n_classes) and, of a cascade, what was escalated (n,)."""
    ort = import_onnxruntime(PURPOSE)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(model.SerializeToString(), options, providers=[CPU])
    wanted = [o.name for o in session.get_outputs()]
    logits, escalated = [], []
    for i in range(len(images)):
        outputs = dict(zip(wanted, session.run(wanted, {INPUT: images[i : i + 1]}), strict=True))
        logits.append(outputs[LOGITS])
        escalated.append(bool(outputs.get(ESCALATED, False)))
    return np.concatenate(logits), np.array(escalated)


def _probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = logits.astype(np.float64)
    exponent = np.exp(wide - wide.max(axis=1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=1, keepdims=True))
