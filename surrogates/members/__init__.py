"""Models of single networks, one file each; ``get_member("ridge")`` gives one by name."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from ...bench.registry import Registry, with_members
from ..networks import Networks
from ._member import FittedMember, Member, Prediction

MEMBERS = Registry(
    "surrogate member",
    __name__,
    Path(__file__).parent,
    "MEMBER",
    "biglittle.surrogates",
    with_members("name", "summary", "fit", "load"),
)


def get_member(name: str) -> Member:
    """The member called ``name``.

    Raises:
        UnknownNameError: there is no member of that name.
    """
    return cast(Member, MEMBERS.load(name))


__all__ = ["MEMBERS", "FittedMember", "Member", "Networks", "Prediction", "get_member"]
