"""What the profiler measures: an architecture with random weights, or any ONNX file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..bench.documents import DocumentError, typed
from ..bench.errors import ProfileError
from ..bench.precision import FP32
from ..bench.spaces import SearchSpace
from .deployable import metadata
from .onnx_checked import load_checked
from .onnx_gates import forced_threshold
from .onnx_graph import import_onnx
from .onnx_network import onnx_model
from .onnx_plain import with_input_shape
from .quantised import precision_of

if TYPE_CHECKING:
    import onnx

ONNX = ".onnx"
KEPT, ESCALATED = "kept", "escalated"
#: Name of the gate's threshold among the constants of a cascade.
_THRESHOLD = "gate/threshold"


@dataclass(frozen=True)
class Subject:
    """One thing to measure.

    Attributes:
        group: list of the profile that it belongs to: ``networks``, ``models`` or ``blocks``.
        names: what tells it from others of its group, as it stands in the profile.
        model: gives the serialised ONNX model.
    """

    group: str
    names: Mapping[str, str]
    model: Callable[[], bytes]

    @property
    def key(self) -> tuple[str, ...]:
        """What finds it again in a profile."""
        return identity(self.group, self.names)


def identity(group: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """What tells an entry of a profile from others: an id or name, or the contents of a file."""
    named = {"networks": ("architecture",), "blocks": ("block",)}
    names = named.get(group, ("sha256", "branch", "shape"))
    return (group, *(str(entry.get(name, "")) for name in names))


def architecture_subjects(
    space: SearchSpace, architectures: Iterable[str], n_classes: int
) -> list[Subject]:
    """A subject for every architecture, once, with random weights."""

    def subject(architecture: str) -> Subject:
        return Subject(
            "networks",
            {"architecture": architecture},
            lambda: onnx_model(space, architecture, n_classes).SerializeToString(),
        )

    return [subject(a) for a in dict.fromkeys(architectures)]


def file_subjects(
    paths: Sequence[Path], shape: Sequence[int] | None = None, precision: str | None = None
) -> list[Subject]:
    """A subject for every ONNX file; two for a cascade of this package, one for each branch.

    Args:
        paths: paths of the ONNX files.
        shape: shape of their input, where a file leaves sides open.
        precision: precision that the graphs of networks are to have; None: any.

    Raises:
        ProfileError: a file that cannot be read as ONNX, or of another precision.
        MissingExtraError: ``onnx`` is not installed.
    """
    subjects = []
    for path in paths:
        model, content = load_checked(path, weights=True)
        names = {"file": path.name, "sha256": hashlib.sha256(content).hexdigest()}
        facts = _facts(model, path)
        if facts.role != "cascade":
            _check_precision(model, path, precision)
            if shape is not None:
                names["shape"] = ",".join(map(str, shape))
            subjects.append(Subject("models", names, partial(_for_one, model, path.name, shape)))
            continue
        for branch in (KEPT, ESCALATED):
            forced = forced_branch(model, facts.gate, branch == ESCALATED)
            subjects.append(Subject("models", {**names, "branch": branch}, partial(bytes, forced)))
    return subjects


def _check_precision(model: onnx.ModelProto, path: Path, precision: str | None) -> None:
    """Refuses a network whose graph is of another precision than it is given as."""
    got = precision_of(model)
    if precision is None or got == precision:
        return
    advice = {
        FP32: "leave out --precision int8, or quantise it first: biglittle table extract ARCH:int8",
        "int8": "add --precision int8",
    }
    raise ProfileError(
        f"{path.name} is a network in {got}, and was given as {precision}; {advice[got]}."
    )


def each_file(
    paths: Sequence[Path], shape: Sequence[int] | None = None, precision: str | None = None
) -> list[Subject]:
    """Subjects of ONNX files, of which a bad one does not cost the others their measurement.

    A file that cannot be read is a subject whose model says why, so that its entry does.

    Args:
        paths: paths of the ONNX files.
        shape: shape of their input, where a file leaves sides open.
        precision: precision that the graphs of networks are to have; None: any.
    """
    subjects: list[Subject] = []
    for path in paths:
        try:
            subjects += file_subjects([path], shape, precision)
        except (ProfileError, OSError) as error:
            digest = hashlib.sha256(str(path).encode()).hexdigest()
            names = {"file": path.name, "sha256": digest}
            subjects.append(Subject("models", names, partial(_refuse, str(error))))
    return subjects


def _for_one(model: Any, label: str, shape: Sequence[int] | None) -> bytes:
    return bytes(with_input_shape(model, label, shape).SerializeToString())


def _refuse(reason: str) -> bytes:
    raise ProfileError(reason)


def forced_branch(model: onnx.ModelProto, metric: str, escalate: bool) -> bytes:
    """A cascade, serialised, in which every input takes the same branch; nothing else differs.

    Args:
        model: a cascade of this package.
        metric: metric of the cascade's gate.
        escalate: whether every input reaches the big network, or none.

    Raises:
        ProfileError: a model without the threshold of such a gate.
        GateError: a metric without ONNX form.
    """
    taken = type(model)()
    taken.CopyFrom(model)
    (constant,) = [w for w in taken.graph.initializer if w.name == _THRESHOLD] or [None]
    if constant is None:
        raise ProfileError(
            f"model {model.graph.name!r} has no constant {_THRESHOLD!r}; expected a cascade that "
            "'biglittle cotrain' wrote."
        )
    numpy_helper = import_onnx().numpy_helper
    value = numpy_helper.to_array(constant)
    forced = value * 0 + forced_threshold(metric, escalate)
    constant.CopyFrom(numpy_helper.from_array(forced.astype(value.dtype), _THRESHOLD))
    return bytes(taken.SerializeToString())


def onnx_files(text: str) -> list[Path]:
    """The ONNX files that a text names: one path, or several separated by commas; [] if none.

    Raises:
        ProfileError: a name that ends in ``.onnx`` and is not there, or ids among files.
    """
    if not text.strip().endswith(ONNX) and f"{ONNX}," not in text:
        return []
    whole = Path(text.strip())
    names = [text.strip()] if len(text) < 4096 and whole.is_file() else text.split(",")
    paths = [Path(name.strip()) for name in names if name.strip()]
    for path in paths:
        if path.suffix != ONNX or not path.is_file():
            raise ProfileError(
                f"there is no ONNX file {str(path)[:200]!r}; expected paths that end in {ONNX}, "
                "separated by commas, or architecture ids in a run of their own."
            )
    return paths


class _Facts(Struct):
    """What is read of the text that a file says of itself."""

    role: str = ""
    gate: str = ""


def _facts(model: Any, path: Path) -> _Facts:
    try:
        return typed(metadata(model), _Facts, "its metadata")
    except DocumentError as error:
        raise ProfileError(f"{path.name} cannot be measured: {error}.") from error
