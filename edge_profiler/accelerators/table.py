"""Costs of the layers of many blocks on one accelerator, from the analytic model or from zigzag.

zigzag takes up to seconds for a layer, so that its results are kept: one JSON file for each
accelerator, named by the hash of its description, and gone on with where a run was stopped.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from ...bench.documents import DocumentError, NonNegative, Sha256, read_json
from ...bench.errors import AcceleratorError
from ...bench.files import replacing
from ...bench.operators import Operator
from .analytic import analytic_costs
from .description import Accelerator
from .mapping import loops_of
from .zigzag_costs import LOOP_FACTORS, zigzag_costs

#: What zigzag computed for accelerators that ship, on layers of the space fbnet.
COMPUTED = Path(__file__).with_name("computed")
#: What gives costs of layers, by name.
MODELS = ("analytic", "zigzag")
FORMAT = "biglittle-accelerator-table-1"
#: Cycles and energy in pJ of a layer, or None where it does not fit.
Costs = dict[Operator, tuple[float, float] | None]
_Number = Annotated[float, Meta(ge=0, le=1e18)]


class LayerTable(Struct, forbid_unknown_fields=True):
    """Costs of layers on one accelerator, as they are kept.

    Attributes:
        format: ``FORMAT``, which names the version of the file.
        accelerator: name of the accelerator.
        sha256: hash of its description.
        model: what computed them, with its version.
        layers: cycles and energy in pJ by `layer_key`; null: the layer does not fit.
        seconds: processor time that it took.
    """

    format: Literal["biglittle-accelerator-table-1"]
    accelerator: str
    sha256: Sha256
    model: str
    layers: dict[str, tuple[_Number, _Number] | None]
    seconds: NonNegative = 0.0


def accelerator_hash(accelerator: Accelerator) -> str:
    """SHA-256 of an accelerator's description, which does not depend on the order of its fields."""
    text = json.dumps(accelerator.document, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def layer_key(operator: Operator) -> str:
    """A layer by its loops and stride, as in ``G1 K96 C16 OY32 OX32 FY1 FX1 s1``."""
    loops = " ".join(f"{d}{n}" for d, n in loops_of(operator).items())
    return f"{loops} s{operator.stride}"


def shipped_layers(accelerator: Accelerator) -> LayerTable | None:
    """Costs by zigzag that ship for an accelerator; None: none, or of another description."""
    path = COMPUTED / f"{accelerator.name}.json"
    table = read_layers(path) if path.exists() else None
    return table if table and table.sha256 == accelerator_hash(accelerator) else None


def zigzag_name(accelerator: Accelerator | None = None) -> str:
    """The name of zigzag with its version and how far it searches, as tables have it.

    Args:
        accelerator: one of which results may ship, which then say it; None: what is installed.
    """
    if accelerator is not None and (table := shipped_layers(accelerator)):
        return table.model
    try:
        version = importlib.metadata.version("zigzag-dse")
    except importlib.metadata.PackageNotFoundError:
        version = "absent"
    return f"zigzag-dse {version}, {LOOP_FACTORS} loop factors"


def read_layers(path: Path) -> LayerTable:
    """A table of layers from its file.

    Raises:
        AcceleratorError: it cannot be read, or is not such a table.
    """
    try:
        return read_json(path, LayerTable)
    except (OSError, DocumentError, ValueError) as error:
        raise AcceleratorError(
            f"table {path} of an accelerator cannot be read: {error}; remove it, and it is "
            "computed anew."
        ) from error


def layer_costs(
    accelerator: Accelerator,
    operators: Iterable[Operator],
    model: str = "analytic",
    folder: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Costs:
    """Cycles and energy in pJ of layers; None for those that do not fit.

    Args:
        accelerator: what they run on.
        operators: convolutions and linear layers.
        model: name of what computes them, one of ``MODELS``.
        folder: where results of zigzag are kept; None: nowhere.
        on_progress: called when zigzag computed a layer, with its number and that of all.

    Raises:
        AcceleratorError: an unknown model, a kept table that cannot be read, or an accelerator
            that zigzag refuses.
        MissingExtraError: ``zigzag-dse`` is not installed.
    """
    distinct = list(dict.fromkeys(operators))
    if model == "analytic":
        cycles, energy_pj = analytic_costs(accelerator, distinct)
        pairs = zip(distinct, cycles.tolist(), energy_pj.tolist(), strict=True)
        return {op: None if c != c else (c, e) for op, c, e in pairs}
    if model != "zigzag":
        raise AcceleratorError(f"model {model!r} is unknown; expected {' or '.join(MODELS)}.")
    return _from_zigzag(accelerator, distinct, folder, on_progress)


def _from_zigzag(
    accelerator: Accelerator,
    operators: list[Operator],
    folder: Path | None,
    on_progress: Callable[[int, int], None] | None,
) -> Costs:
    sha256, name = accelerator_hash(accelerator), zigzag_name(accelerator)
    path = None if folder is None else folder / f"{accelerator.name}-{sha256[:16]}.json"
    shipped = shipped_layers(accelerator)
    layers: dict[str, tuple[float, float] | None] = dict(shipped.layers) if shipped else {}
    if path is not None and path.exists():
        table = read_layers(path)
        if (table.sha256, table.model) == (sha256, name):
            layers |= table.layers
    for number, operator in enumerate(operators, 1):
        key = layer_key(operator)
        if key not in layers:
            layers[key] = zigzag_costs(accelerator, operator)
            if path is not None:
                write_layers(path, accelerator, layers, name)
            if on_progress is not None:
                on_progress(number, len(operators))
    return {op: layers[layer_key(op)] for op in operators}


def write_layers(
    path: Path,
    accelerator: Accelerator,
    layers: Mapping[str, tuple[float, float] | None],
    model: str,
    seconds: float = 0.0,
) -> None:
    """Writes a table of layers, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "format": FORMAT,
        "accelerator": accelerator.name,
        "sha256": accelerator_hash(accelerator),
        "model": model,
        "layers": {k: None if v is None else [round(n, 2) for n in v] for k, v in layers.items()},
        "seconds": seconds,
    }
    with replacing(path) as partial:
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
