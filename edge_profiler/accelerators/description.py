"""What an accelerator is: an array of multipliers, what it spreads over it, and its memories.

The file of one is zigzag's own YAML, which zigzag reads as it stands. Of what zigzag leaves open
two of its fields are read here: ``dataflows`` says which loops of a layer are spread over the two
sides of the array, in this order and at most so many iterations of each, and ``input_precision``
the bits of activations and weights. A layer is a nest of loops as zigzag names them: G groups, K
output channels and C input channels of a group, OY and OX rows and columns of the output, FY and
FX those of the window.

Source: Mei et al. 2021, "ZigZag: Enlarging Joint Architecture-Mapping Design Space Exploration for
DNN Accelerators" (memories, ports and loops).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from ...bench.document_problems import ENDS
from ...bench.documents import DocumentError, Name, typed
from ...bench.errors import AcceleratorError, MissingExtraError
from ...bench.plain_text import plain
from ...bench.text_files import read_text

Operand = Literal["I1", "I2", "O"]
#: zigzag's names of inputs, weights and outputs in memories, by those in layers.
OPERANDS: dict[str, Operand] = {"I": "I1", "W": "I2", "O": "O"}
LOOPS = ("G", "K", "C", "OY", "OX", "FY", "FX")
SIDES = ("D1", "D2")
#: Sums on their way are this wide, as those of int8 networks are everywhere.
SUM_BITS = 32
#: A side of an array and a size of a memory that no edge accelerator reaches.
MOST_UNITS, MOST_BITS = 4096, 10**12
MAX_YAML_BYTES = 2**18

_Cost = Annotated[float, Meta(ge=0, le=1e9)]
_Width = Annotated[int, Meta(ge=1, le=10**6)]


class Port(Struct, forbid_unknown_fields=True):
    """A port of a memory, as zigzag has it; widths are bits a cycle."""

    name: Name
    type: Literal["read", "write", "read_write"]
    bandwidth_min: _Width
    bandwidth_max: _Width
    allocation: Annotated[
        list[Annotated[str, Meta(pattern="^(I1|I2|O), (fh|tl|fl|th)" + ENDS)]], Meta()
    ]


class Memory(Struct, forbid_unknown_fields=True):
    """A memory of an accelerator, as zigzag has it; bits, and pJ of an access of full width."""

    size: Annotated[int, Meta(ge=1, le=MOST_BITS)]
    r_cost: _Cost
    w_cost: _Cost
    area: _Cost
    latency: Annotated[int, Meta(ge=0, le=1000)]
    operands: Annotated[list[Operand], Meta(min_length=1, max_length=3)]
    ports: Annotated[list[Port], Meta(min_length=1, max_length=12)]
    served_dimensions: Annotated[list[Literal["D1", "D2"]], Meta(max_length=2)]


class Array(Struct, forbid_unknown_fields=True):
    """The multipliers of an accelerator, as zigzag has them; pJ, and square millimetres of one."""

    unit_energy: _Cost
    unit_area: _Cost
    dimensions: Annotated[list[Literal["D1", "D2"]], Meta(min_length=2, max_length=2)]
    sizes: Annotated[
        list[Annotated[int, Meta(ge=1, le=MOST_UNITS)]], Meta(min_length=2, max_length=2)
    ]
    input_precision: Annotated[list[Literal[2, 4, 8, 16]], Meta(min_length=2, max_length=2)] = (
        field(default_factory=lambda: [8, 8])
    )
    systolic_dimensions: Annotated[list[Literal["D1", "D2"]], Meta(max_length=2)] = []


Spread = Annotated[
    list[Annotated[str, Meta(pattern=r"^(G|K|C|OY|OX|FY|FX), [1-9][0-9]{0,3}" + ENDS)]],
    Meta(max_length=7),
]


class Dataflows(Struct, forbid_unknown_fields=True):
    """Loops that are spread over the sides of the array, each with its most iterations."""

    D1: Spread
    D2: Spread


class Document(Struct, forbid_unknown_fields=True):
    """An accelerator in zigzag's format."""

    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,60}" + ENDS)]
    memories: Annotated[dict[Name, Memory], Meta(min_length=1, max_length=20)]
    operational_array: Array
    dataflows: Dataflows


@dataclass(frozen=True)
class Level:
    """One memory as one operand sees it.

    Attributes:
        name: name of the memory.
        bits: room for all its operands together.
        operands: operands that share it, of "W", "I" and "O".
        serves: sides of the array of which all units share one memory, of 0 and 1.
        read_pj: energy of reading one bit.
        write_pj: energy of writing one bit.
        grain: bits that are read at once at least; a part of it costs as much.
        width: bits a cycle that it hands out.
        read_port: port on which this operand is read, which operands may share.
        write_port: port on which it is written, perhaps the same.
    """

    name: str
    bits: int
    operands: tuple[str, ...]
    serves: tuple[int, ...]
    read_pj: float
    write_pj: float
    grain: int
    width: int
    read_port: str
    write_port: str


@dataclass(frozen=True)
class Accelerator:
    """An accelerator.

    Attributes:
        name: key of the accelerator.
        sides: units on the first and the second side of the array.
        spread: loops on each side in order, with their most iterations.
        levels: memories of "W", "I" and "O", from the array outwards; the last one is outside of
            the chip, and without limit.
        mac_pj: energy of one multiply-accumulate.
        area_mm2: area of the array and the memories on the chip.
        weight_bits: bits of a weight.
        activation_bits: bits of an activation.
        drains: sides along which results pass from unit to unit, of 0 and 1.
        document: the same as zigzag reads it.
    """

    name: str
    sides: tuple[int, int]
    spread: tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]
    levels: Mapping[str, tuple[Level, ...]]
    mac_pj: float
    area_mm2: float
    weight_bits: int
    activation_bits: int
    drains: tuple[int, ...]
    document: Mapping[str, Any]

    @property
    def units(self) -> int:
        """Multipliers of the array."""
        return self.sides[0] * self.sides[1]

    @property
    def on_chip_kib(self) -> float:
        """Memory on the chip, registers among it, in KiB."""
        return float(sum(n * m["size"] for n, m in _copies(self.document)) / 8192)

    @property
    def bandwidth_bits(self) -> int:
        """Bits a cycle between the chip and the memory outside."""
        return self.levels["W"][-1].width


def read_yaml(path: Path) -> Any:
    """What a YAML file holds, as plain values; tags, which could make objects, are refused.

    Raises:
        DocumentError: it is not YAML.
        OSError: the system cannot read it.
        MissingExtraError: PyYAML is not installed.
    """
    try:
        import yaml  # late: boards that measure do without
    except ImportError as error:
        raise MissingExtraError("yaml", "accelerator", "reading accelerators") from error
    text = read_text(path, MAX_YAML_BYTES)
    try:
        # References that repeat themselves would make a small file a large document.
        if any(isinstance(t, yaml.AliasToken) for t in yaml.scan(text)):
            raise DocumentError("it has references (*name); expected plain YAML")
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if isinstance(error, DocumentError):
            raise
        raise DocumentError(f"it is not YAML: {plain(str(error))[:200]}") from error


def parse_accelerator(raw: Any, label: str) -> Accelerator:
    """The accelerator that a document in zigzag's format describes.

    Args:
        raw: the document as plain values.
        label: its name in messages.

    Raises:
        AcceleratorError: a field that is unknown, missing or impossible, or memories that do not
            make an accelerator; the message says which.
    """
    try:
        document = typed(raw, Document)
        array, levels = document.operational_array, _levels(document)
        if array.dimensions != list(SIDES):
            raise DocumentError(f"its dimensions are {array.dimensions}; expected [D1, D2]")
    except DocumentError as error:
        raise AcceleratorError(
            f"{label} is not an accelerator: {error}. 'biglittle accelerator show eyeriss-like "
            "--yaml' prints one that is."
        ) from error
    first, second = (
        tuple((loop, int(most)) for loop, most in (item.split(", ") for item in side))
        for side in (document.dataflows.D1, document.dataflows.D2)
    )
    activation_bits, weight_bits = array.input_precision
    area = sum(n * m["area"] for n, m in _copies(raw))
    return Accelerator(
        name=document.name,
        sides=(array.sizes[0], array.sizes[1]),
        spread=(first, second),
        levels=levels,
        mac_pj=array.unit_energy,
        area_mm2=area + array.unit_area * array.sizes[0] * array.sizes[1],
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        drains=tuple(SIDES.index(d) for d in array.systolic_dimensions),
        document=raw,
    )


def _copies(document: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    """Memories on the chip with how many there are of each: registers stand in every unit."""
    memories, sizes = document["memories"], document["operational_array"]["sizes"]
    each = []
    for memory in list(memories.values())[:-1]:
        served = memory["served_dimensions"]
        n = [s for d, s in zip(SIDES, sizes, strict=True) if d not in served]
        each.append((n[0] * n[1] if len(n) == 2 else n[0] if n else 1, memory))
    return each


def _levels(document: Document) -> dict[str, tuple[Level, ...]]:
    """The memories of each operand, from the array outwards."""
    out: dict[str, tuple[Level, ...]] = {}
    names = list(document.memories)
    for operand, alias in OPERANDS.items():
        chain = [n for n in names if alias in document.memories[n].operands]
        if not chain or chain[-1] != names[-1]:
            raise DocumentError(
                f"its last memory, {names[-1]}, does not hold {alias}; expected I1, I2 and O, "
                "since the last one is that outside of the chip"
            )
        if len(chain) < 2:
            raise DocumentError(f"it has no memory on the chip that holds {alias}; expected one")
        out[operand] = tuple(_level(n, document.memories[n], alias) for n in chain)
    return out


def _level(name: str, memory: Memory, alias: str) -> Level:
    ports = []
    # Outputs of a layer are written from below, inputs are handed down.
    for way in ("tl" if alias != "O" else "th", "fh" if alias != "O" else "fl"):
        wanted = f"{alias}, {way}"
        port = next((p for p in memory.ports if wanted in p.allocation), None)
        if port is None:
            raise DocumentError(f"no port of its memory {name} has {wanted!r}; expected one")
        if port.bandwidth_min > port.bandwidth_max:
            raise DocumentError(
                f"port {port.name} of its memory {name} has a bandwidth_min of "
                f"{port.bandwidth_min} above its bandwidth_max of {port.bandwidth_max}"
            )
        ports.append(port)
    width, back = ports[0].bandwidth_max, {a: letter for letter, a in OPERANDS.items()}
    return Level(
        name=name,
        bits=memory.size,
        operands=tuple(back[o] for o in memory.operands),
        serves=tuple(SIDES.index(d) for d in memory.served_dimensions),
        read_pj=memory.r_cost / width,
        write_pj=memory.w_cost / ports[1].bandwidth_max,
        grain=ports[0].bandwidth_min,
        width=width,
        read_port=f"{name}.{ports[0].name}",
        write_port=f"{name}.{ports[1].name}",
    )
