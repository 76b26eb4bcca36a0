"""Many accelerators at once: the numbers of a parametric one, of which some are lists of choices.

A space of accelerators is a TOML file with the fields of ``parametric.toml``, each a number as
there or a list of them; every combination is one accelerator. A file with numbers alone is a space
of one. Bits are not a choice: the accuracies that a search sets beside an accelerator are those of
networks as they were run, and would be the same for all bits. A search that knows what bits cost
has them as genes of its networks (``stage_costs.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from ...bench.document_problems import ENDS
from ...bench.documents import DocumentError, read_toml, typed
from ...bench.errors import AcceleratorError, ConstraintError, UnknownNameError
from ...bench.files import why_unreadable
from .description import Accelerator
from .parametric import Bits, Kib, Parameters, Units, from_parameters

SPACES = Path(__file__).with_name("spaces")
#: The numbers that may be lists, in the order of the genes of a search.
CHOSEN = (
    *("rows", "columns", "dataflow"),
    *("weight_buffer_kib", "activation_buffer_kib", "bandwidth_bits"),
)
#: Of these the array is made; accelerators that share one are priced together.
OF_ARRAY = 3
MOST_ACCELERATORS = 20_000

_Dataflow = Literal["weight-stationary", "output-stationary", "row-stationary"]
_Width = Annotated[int, Meta(ge=1, le=65536)]
_Few = Meta(min_length=1, max_length=64)


class Document(Struct, forbid_unknown_fields=True, frozen=True):
    """A space of accelerators as its file has it; see `Parameters` for the fields."""

    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,60}" + ENDS)]
    rows: Units | Annotated[list[Units], _Few]
    columns: Units | Annotated[list[Units], _Few]
    weight_buffer_kib: Kib | Annotated[list[Kib], _Few]
    activation_buffer_kib: Kib | Annotated[list[Kib], _Few]
    bandwidth_bits: _Width | Annotated[list[_Width], _Few]
    dataflow: _Dataflow | Annotated[list[_Dataflow], _Few] = "weight-stationary"
    weight_bits: Bits = 8
    activation_bits: Bits = 8


@dataclass(frozen=True)
class AcceleratorSpace:
    """Accelerators that differ in their numbers, counted with the last number of `CHOSEN` first.

    Attributes:
        name: key of the space.
        options: values of each number of `CHOSEN`, rising.
        weight_bits: bits of a weight on all of them.
        activation_bits: bits of an activation on all of them.

    >>> space = load_space("parametric")
    >>> len(space), space.parameters(0).rows
    (1, 16)
    """

    name: str
    options: tuple[tuple[Any, ...], ...]
    weight_bits: int
    activation_bits: int

    def __len__(self) -> int:
        return math.prod(self.sizes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each number of `CHOSEN` can have."""
        return tuple(len(values) for values in self.options)

    def genes(self, places: NDArray[np.intp]) -> NDArray[np.int64]:
        """Which value of each number accelerators have, shape (n, len(CHOSEN))."""
        return np.stack(np.unravel_index(places, self.sizes), axis=1).astype(np.int64)

    def places(self, genes: NDArray[np.int64]) -> NDArray[np.intp]:
        """Which accelerators rows of genes stand for, shape (n,)."""
        return np.asarray(np.ravel_multi_index(tuple(genes.T), self.sizes), np.intp)

    def parameters(self, place: int) -> Parameters:
        """The numbers of one accelerator; its name says them."""
        values: dict[str, Any] = {
            name: options[i]
            for name, options, i in zip(CHOSEN, self.options, self._index(place), strict=True)
        }
        kib = (f"{values[name]:g}" for name in ("weight_buffer_kib", "activation_buffer_kib"))
        weights, activations = (size.replace(".", "_") for size in kib)
        short = "".join(word[0] for word in values["dataflow"].split("-"))
        name = (
            f"{short}-{values['rows']}x{values['columns']}-w{weights}-a{activations}"
            f"-b{values['bandwidth_bits']}"
        )
        if (self.weight_bits, self.activation_bits) != (8, 8):
            name += f"-w{self.weight_bits}a{self.activation_bits}"
        values |= {"weight_bits": self.weight_bits, "activation_bits": self.activation_bits}
        return Parameters(name=name, **values)

    def _index(self, place: int) -> tuple[int, ...]:
        return tuple(int(i) for i in np.unravel_index(place, self.sizes))

    def accelerator(self, place: int) -> Accelerator:
        """One accelerator.

        Raises:
            AcceleratorError: 16 bits on an array with a side of an odd number of units.
        """
        if place not in self._made:
            self._made[place] = from_parameters(self.parameters(place))
        return self._made[place]

    @cached_property
    def _made(self) -> dict[int, Accelerator]:
        return {}

    @cached_property
    def areas_mm2(self) -> NDArray[np.float64]:
        """Area of every accelerator, shape (len(self),); see ``parametric.py`` for the model.

        Raises:
            AcceleratorError: 16 bits on an array with a side of an odd number of units.
        """
        return np.array([self.accelerator(place).area_mm2 for place in range(len(self))])

    def within(self, area_mm2: float | None) -> NDArray[np.intp]:
        """Accelerators of at most that area, rising, at least one; None: all of them.

        Raises:
            ConstraintError: none has so little area; the message says the least.
        """
        if area_mm2 is None:
            return np.arange(len(self))
        places = np.flatnonzero(self.areas_mm2 <= area_mm2)
        if not len(places):
            least = int(self.areas_mm2.argmin())
            raise ConstraintError(
                f"no accelerator of {self.name} has an area of at most {area_mm2:g} mm2; the least "
                f"is {self.areas_mm2[least]:.4g} mm2, of {self.parameters(least).name}."
            )
        return places


def spaces() -> tuple[str, ...]:
    """Names of the spaces of accelerators that ship; none is read."""
    return tuple(sorted(p.stem for p in SPACES.glob("*.toml")))


def load_space(name: str | Path) -> AcceleratorSpace:
    """A space of accelerators by name, or from a TOML file; ``parametric`` is one of one.

    Raises:
        UnknownNameError: no space of that name ships, and it is not a path of one.
        AcceleratorError: the file cannot be read, or does not describe accelerators.
    """
    path = Path(name)
    if path.suffix != ".toml":
        own = {stem: SPACES / f"{stem}.toml" for stem in spaces()}
        own["parametric"] = Path(__file__).with_name("parametric.toml")
        if str(name) not in own:
            raise UnknownNameError("space of accelerators", str(name), tuple(own))
        path = own[str(name)]
    try:
        return parse_space(read_toml(path, dict), path.name)
    except (OSError, DocumentError, ValueError) as error:
        why = why_unreadable(error, str(error)) if isinstance(error, OSError) else str(error)
        raise AcceleratorError(f"accelerators {path} cannot be read: {why}") from error


def parse_space(raw: Any, label: str) -> AcceleratorSpace:
    """The space of accelerators that a document describes.

    Args:
        raw: the document as plain values.
        label: its name in messages.

    Raises:
        AcceleratorError: a field that is unknown, missing or impossible, or too many accelerators.
    """
    try:
        document = typed(raw, Document)
    except DocumentError as error:
        raise AcceleratorError(
            f"{label} is not a space of accelerators: {error}. 'biglittle accelerator show edge "
            "--yaml' prints one that is."
        ) from error
    options = []
    for field in CHOSEN:
        given = getattr(document, field)
        values = tuple(dict.fromkeys(given if isinstance(given, list) else [given]))
        options.append(values if field == "dataflow" else tuple(sorted(values)))
    space = AcceleratorSpace(
        document.name, tuple(options), document.weight_bits, document.activation_bits
    )
    if len(space) > MOST_ACCELERATORS:
        raise AcceleratorError(
            f"{label} has {len(space):,} accelerators; expected at most {MOST_ACCELERATORS:,}. "
            "Leave values out of its lists."
        )
    return space
