"""Bits per stage: how they are written, and what is refused."""

from __future__ import annotations

import pytest

from biglittle.bench.bits import BITS, bits_text, is_bits, parse_bits, whole_text
from biglittle.bench.errors import ArchitectureError
from biglittle.bench.precision import split_precision
from biglittle.bench.rows import NetworkKey
from biglittle.bench.spaces import canonical_name, get_space

MIXED = ((4, 8), (8, 6), (6, 6))


def test_text_and_bits_are_each_other_read_back() -> None:
    assert parse_bits(bits_text(MIXED), 3) == MIXED
    assert bits_text(MIXED) == whole_text(MIXED) == "w4a8.w8a6.w6a6"
    for bits in BITS:
        alike = ((bits, 8),) * 5
        assert bits_text(alike) == f"w{bits}a8"
        assert parse_bits(bits_text(alike), 5) == parse_bits(whole_text(alike), 5) == alike


@pytest.mark.parametrize("text", ["", "int8", "w4", "w4a8.", "w4a8,w8a8", "a8w4", "W4A8", "w4a8 "])
def test_what_is_not_written_as_bits_is_refused(text: str) -> None:
    assert not is_bits(text)
    with pytest.raises(ArchitectureError, match=r"cannot be read; expected .*w4a8\.w8a8\.w6a6"):
        parse_bits(text, 3)


@pytest.mark.parametrize(("text", "other"), [("w5a8", 5), ("w8a8.w8a2.w8a8", 2), ("w16a8", 16)])
def test_bits_outside_of_the_list_are_named(text: str, other: int) -> None:
    with pytest.raises(ArchitectureError, match=f"{other} bits; expected 4, 6 or 8"):
        parse_bits(text, 3)


def test_a_list_of_another_length_is_refused() -> None:
    with pytest.raises(ArchitectureError, match="2 entries; expected 8, one for each of 7 stages"):
        parse_bits("w4a8.w8a8", 8)


@pytest.mark.parametrize("bits", ["w4a8", "w4a8.w8a8", "w5a8"])
def test_tables_and_devices_say_where_bits_belong(bits: str) -> None:
    name = "8" * 22 + f":{bits}"
    for ask in (
        NetworkKey.parse,
        split_precision,
        lambda text: canonical_name(get_space("fbnet"), text),
    ):
        with pytest.raises(ArchitectureError, match=r"has bits per stage.*'biglittle bits'"):
            ask(name)
