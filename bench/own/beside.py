"""Anybody's network beside those of a table: a table that has it as one more row."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ..errors import AnswersError
from ..external_networks import ExternalNetwork, beside, outside
from ..growth import grown
from ..rows import EXTERNAL
from ..table import Table
from ..table_schema import SPLITS
from ..table_writer import write_table
from .answers import network_answers
from .contents import check_aligned
from .costs import NetworkCost


def external_network(
    table: Table,
    name: str,
    answers: Mapping[str, Any],
    kind: str = "probabilities",
    latency_ms: Mapping[str, float] | None = None,
    energy_mj: Mapping[str, float] | None = None,
    macs: int = 0,
    params: int = 0,
    **facts: Any,
) -> ExternalNetwork:
    """A network that answered the images of a table, and is none of its space.

    Args:
        table: table whose images it answered.
        name: what it is found by from then on.
        answers: what it answered to the images of "val" and "test", in the order of the table:
            arrays of shape (n_images, n_classes).
        kind: what the arrays hold: "probabilities", "logits" or "percent".
        latency_ms: latency of one image in ms, by the name of a device.
        energy_mj: energy of one image in mJ, likewise.
        macs: multiply-accumulates for one image; 0: nobody said.
        params: number of its weights; 0: nobody said.
        facts: further attributes of `ExternalNetwork`.

    Raises:
        AnswersError: a split without answers, answers of other images or classes, or a cost that is
            no amount.
    """
    if set(answers) != set(SPLITS):
        raise AnswersError(
            f"{name!r} has answers to {', '.join(map(str, answers)) or 'nothing'}; expected "
            f"{' and '.join(SPLITS)}: thresholds are chosen on the one and reported on the other."
        )
    for figure, by_device in (("latency_ms", latency_ms), ("energy_mj", energy_mj)):
        for device, value in (by_device or {}).items():
            NetworkCost(name, {figure: value}, device)  # says what is no amount
    for what, count in (("macs", macs), ("params", params)):
        if not isinstance(count, Integral) or isinstance(count, bool) or not 0 <= count < 2**62:
            raise AnswersError(
                f"{name!r} is given {what} {count!r}; expected a whole number, 0 where it is not "
                "known."
            )
    top1, codes = {}, {}
    for split in SPLITS:
        one = network_answers(name, answers[split], kind)
        if one.n_classes != table.n_classes and len(one.codes) > 1:
            raise AnswersError(
                f"{name!r} has {one.n_classes:,} classes and table {table.name!r} has "
                f"{table.n_classes:,}; expected the same classes, in the same order."
            )
        check_aligned(name, one, table.predictions(split).labels.astype("int64"), split)
        top1[split], codes[split] = one.top1, one.codes
    return ExternalNetwork(
        name, top1, codes, int(macs), int(params), _floats(latency_ms), _floats(energy_mj), **facts
    )


def _floats(by_device: Mapping[str, float] | None) -> dict[str, float]:
    return {device: float(value) for device, value in (by_device or {}).items()}


def write_beside(table: Table, new: ExternalNetwork, path: Path, again: bool = False) -> str:
    """Writes a table with one more network; returns its SHA-256.

    Rows that are there stay as they are, and so do the fronts and reference boxes of the space. A
    device that the network has a cost on becomes one of the table.

    Args:
        table: table that the network answered the images of.
        new: the network that becomes its last row.
        path: file to write (.h5), which may be that of the table.
        again: whether it takes the place of a network of that name that came from outside, too.

    Raises:
        ArchitectureError: the network's name cannot stand beside those of the space.
        UnknownNameError: it has a cost on a device that neither the table nor a profile knows.
        TableError: a table of given networks, or one that has a network of this name.
    """
    contents = table.contents()
    if again:
        of = contents.networks
        others = np.flatnonzero(~(outside(of) & (of["architecture"] == new.name)))
        contents = replace(contents.take(others), reference_points=contents.reference_points)
    more = dict.fromkeys((*new.latency_ms, *new.energy_mj))
    fresh = {name: table.profile_columns(name) for name in more if name not in table.devices}
    devices = {**contents.devices, **fresh}
    contents = beside(replace(contents, devices=devices), table.space, new)
    facts = grown(contents.training, table.sha256, [EXTERNAL])
    path.parent.mkdir(parents=True, exist_ok=True)
    today = datetime.date.today().isoformat()
    return write_table(path, replace(contents, training=facts), __version__, today)
