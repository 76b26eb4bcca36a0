"""Bits per stage of a network, as they are written in its name.

``w4a8.w8a8.w6a6`` has one entry for each stage that is run and one for the head: the weights of the
stage's layers have 4 bits, and what they read 8. One entry alone holds for all.

Source: Wang et al. 2019, "HAQ" (bits of weights and activations layer by layer, 8 in the first and
last).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .errors import ArchitectureError

#: Bits that the weights of a stage, and what its layers read, may have.
BITS = (4, 6, 8)
EXAMPLE = "w4a8.w8a8.w6a6"
_ENTRY = re.compile(r"w([0-9]{1,2})a([0-9]{1,2})")

#: Bits of weights and of what is read, one pair a stage and one for the head.
StageBits = tuple[tuple[int, int], ...]


def is_bits(text: str) -> bool:
    """Whether a precision is written as bits per stage, of whatever number.

    >>> is_bits("w4a8.w8a8"), is_bits("int8")
    (True, False)
    """
    return all(_ENTRY.fullmatch(entry) for entry in text.split("."))


def bits_text(bits: StageBits) -> str:
    """Bits as they are written in a name; one entry where all are alike.

    >>> bits_text(((4, 8), (8, 8))), bits_text(((6, 8), (6, 8)))
    ('w4a8.w8a8', 'w6a8')
    """
    return whole_text(bits[:1] if len(set(bits)) == 1 else bits)


def parse_bits(text: str, n_entries: int) -> StageBits:
    """Bits of so many entries; one entry alone holds for all.

    Raises:
        ArchitectureError: not written as bits, bits outside of `BITS`, or another number of
            entries.

    >>> parse_bits("w4a8", 3)
    ((4, 8), (4, 8), (4, 8))
    """
    entries = [_ENTRY.fullmatch(entry) for entry in text.split(".")]
    pairs = [(int(entry[1]), int(entry[2])) for entry in entries if entry]
    if len(pairs) < len(entries):
        raise ArchitectureError(
            f"bits {text[:80]!r} cannot be read; expected an entry for each stage and one for the "
            f"head, bits of weights and of activations, as in {EXAMPLE}, or one for all."
        )
    other = next((n for pair in pairs for n in pair if n not in BITS), None)
    if other is not None:
        raise ArchitectureError(
            f"bits {text[:80]!r} has {other} bits; expected {', '.join(map(str, BITS[:-1]))} or "
            f"{BITS[-1]} everywhere."
        )
    if len(pairs) not in (1, n_entries):
        raise ArchitectureError(
            f"bits {text[:80]!r} has {len(pairs)} entries; expected {n_entries}, one for each of "
            f"{n_entries - 1} stages and one for the head, or one for all."
        )
    return tuple(pairs * n_entries) if len(pairs) == 1 else tuple(pairs)


def whole_text(bits: Sequence[tuple[int, int]]) -> str:
    """Bits as text with all their entries, for `parse_bits` to check."""
    return ".".join(f"w{int(weights)}a{int(activations)}" for weights, activations in bits)
