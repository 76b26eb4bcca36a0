"""Rows that a table anew keeps of an earlier one: networks that were trained further, or alone.

A supernet that is trained on gives every inherited network other answers, but what was trained from
its earlier weights stays what it was: those rows took hours, and are compared with one another. So
a table anew may take them over, and says in its facts from which supernet they set out.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...bench.errors import TableError
from ...bench.rows import EARLIER, key_of, of_earlier_supernet
from ...bench.table import Table
from ...bench.table_contents import TableContents
from ...bench.table_schema import SPLITS
from ...cotrain.recipe import is_among
from .evaluate import Evaluation, EvaluationKey

log = logging.getLogger(__name__)

#: Trainings that set out from random weights: no supernet has a part in them.
FROM_RANDOM = ("standalone",)


def earlier_rows(table: Table, contents: TableContents) -> list[Evaluation]:
    """The trained networks of an earlier table that a table anew does not hold, in their order.

    Args:
        table: the earlier table, of the same space and the same images.
        contents: the table anew so far.

    Raises:
        TableError: it is of another space, data set or choice of val images.
    """
    ours = (contents.space, contents.dataset, contents.n_classes)
    theirs = (table.space.name, table.dataset, table.n_classes)
    if theirs != ours or not np.array_equal(table.val_index, contents.val_index):
        raise TableError(
            f"{table.path} is of {theirs[0]}, {theirs[1]} with {theirs[2]} classes; rows can be "
            f"kept of a table of {ours[0]}, {ours[1]} with {ours[2]} classes and the same val "
            "images."
        )
    before = table.contents()
    columns = before.networks
    there = {
        (*key_of(contents.networks, i), str(role))
        for i, role in enumerate(contents.networks["role"])
    }
    rows = [
        i
        for i, training in enumerate(columns["training"])
        if training != "inherited" and (*key_of(columns, i), str(columns["role"][i])) not in there
    ]
    return [_evaluation(before, row) for row in rows]


def _evaluation(contents: TableContents, row: int) -> Evaluation:
    """One row of a table as the evaluation that it was made of."""
    columns = contents.networks
    network, partner = key_of(columns, row)
    origin = "" if network.training in FROM_RANDOM else str(_supernet(contents.training))
    key = EvaluationKey(
        network,
        partner=partner,
        role=str(columns["role"][row]),
        epochs=int(columns["epochs"][row]),
        images=int(columns["images"][row]),
        origin=origin,
    )
    answers = {
        split: {
            "top1": contents.predictions[split].top1[row],
            **{name: codes[row] for name, codes in contents.predictions[split].codes.items()},
        }
        for split in SPLITS
    }
    return Evaluation(key, str(columns["weights_sha256"][row]), answers)


def _supernet(training: Mapping[str, Any]) -> str:
    return str(training.get("supernet_sha256", ""))


def facts_with_earlier(
    training: Mapping[str, Any], earlier: Mapping[str, Any], rows: Sequence[Evaluation]
) -> dict[str, Any]:
    """A table's facts of training with those of rows of an earlier table.

    They name the trainings whose rows set out from another supernet, and that supernet.

    Args:
        training: the facts of the table anew.
        earlier: the facts of the earlier table that the rows are of.
        rows: its rows that the table anew keeps, as of `earlier_rows`.
    """
    trainings = sorted({e.key.network.training for e in rows})
    recipes = dict(training.get("recipes", {}))
    for name in trainings:
        recipes[name] = [*recipes.get(name, []), *earlier.get("recipes", {}).get(name, [])]
    others = [name for name in trainings if name not in FROM_RANDOM]
    return {
        **training,
        "recipes": recipes,
        EARLIER: {"supernet_sha256": _supernet(earlier), "trainings": others},
    }


def without_replaced(before: TableContents, new: Sequence[Evaluation]) -> TableContents:
    """A table's contents without rows whose training was done anew.

    Ranks and pairs compare the networks of one training with one another, so all of them have to
    set out from one supernet and follow one recipe: rows of an earlier supernet go, and rows of
    another recipe than that of the new ones.

    Args:
        before: contents of the table as it is.
        new: everything that was evaluated with the table's own supernet.
    """
    trainings = {e.key.network.training for e in new if e.key.origin}
    of_earlier = of_earlier_supernet(before.training)
    replaced = (of_earlier & trainings) | _by_other_recipes(before.training, new)
    if not replaced:
        return before
    rows = np.flatnonzero(~np.isin(before.networks["training"], sorted(replaced)))
    log.info(
        "%d rows (%s) of an earlier supernet or another recipe are replaced",
        len(before.networks["role"]) - len(rows), ", ".join(sorted(replaced)),
    )  # fmt: skip
    facts = dict(before.training)
    left = sorted(of_earlier - replaced)
    if left:
        facts[EARLIER] = {**facts[EARLIER], "trainings": left}
    else:
        facts.pop(EARLIER, None)
    facts["recipes"] = {k: v for k, v in facts.get("recipes", {}).items() if k not in replaced}
    return dataclasses.replace(before.take(rows), training=facts)


def _by_other_recipes(training: Mapping[str, Any], new: Sequence[Evaluation]) -> frozenset[str]:
    """Trainings of new rows by a recipe that none of the table's rows of that training follows."""
    recipes = training.get("recipes", {})
    return frozenset(
        e.key.network.training
        for e in new
        if e.key.recipe
        and recipes.get(e.key.network.training)
        and not is_among(e.key.recipe, recipes[e.key.network.training])
    )
