"""What a surrogate sees of an architecture and of a pair: named columns of float32.

Everything is derived from the space's own operators, so a new chain-structured space needs no
line here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench import SearchSpace
from ..bench.errors import SurrogateError
from ..bench.operators import Operator
from ..bench.spaces import Exits, Genomes
from .cells import BySpace, cell_feature_names, cell_features
from .exit_features import layers_run

SMALL_MACS = 1e4  # what a stage without operators counts as, next to one's millions
Matrix = NDArray[np.float64]


def check_genomes(
    space: SearchSpace, genomes: Genomes, choices: Sequence[str] | None = None
) -> Genomes:
    """The genomes as uint8 of shape (n, n_layers), all within ``choices``.

    Raises:
        SurrogateError: another number of layers, or a choice the surrogate never saw.
    """
    array = np.atleast_2d(np.asarray(genomes))
    if array.ndim != 2 or array.shape[1] != space.n_layers:
        raise SurrogateError(
            f"genomes of shape {np.shape(genomes)} are not of space {space.name!r}, which expects "
            f"(n, {space.n_layers}); use the surrogate of their own space."
        )
    allowed = space.allowed(choices)
    trained = np.isin(array, allowed)
    if not trained.all():
        row, layer = (int(i) for i in np.argwhere(~trained)[0])
        got = int(array[row, layer])
        name = space.choices[got] if 0 <= got < len(space.choices) else str(got)
        raise SurrogateError(
            f"choice {name!r} at layer {layer} is outside the surrogate's support; it was fitted "
            f"on networks made of {', '.join(space.choices[c] for c in allowed)} only."
        )
    return array.astype(np.uint8)


def stages(space: SearchSpace) -> NDArray[np.int64]:
    """Stage of every layer, shape (n_layers,): consecutive layers with one number of channels."""
    channels = np.array([layer.out_channels for layer in space.layers])
    return np.concatenate([[0], np.cumsum(np.diff(channels) != 0)]).astype(np.int64)


@dataclass(frozen=True)
class _LayerTable:
    """Every choice at every layer, arrays of shape (n_layers, n_choices).

    Attributes:
        macs: multiply-accumulates of the layer.
        active: whether the choice has more operators than the shortest one.
        kernel: largest kernel of the layer; 0 without operators.
        widest: largest number of output channels of an operator, over the layer's input channels.
    """

    macs: NDArray[np.int64]
    active: NDArray[np.bool_]
    kernel: NDArray[np.int64]
    widest: NDArray[np.float64]


@lru_cache(maxsize=16)
def _table_of(hashed: BySpace) -> _LayerTable:
    space = hashed.space
    built = [[space.build_layer(ly, c) for c in range(len(space.choices))] for ly in space.layers]

    def each(of: Callable[[Sequence[Operator]], int]) -> NDArray[np.int64]:
        return np.array([[of(operators) for operators in row] for row in built], np.int64)

    length = each(len)
    channels = each(lambda operators: max((o.out_channels for o in operators), default=0))
    return _LayerTable(
        macs=each(lambda operators: sum(o.macs for o in operators)),
        active=length > length.min(axis=1, keepdims=True),
        kernel=each(lambda operators: max((o.kernel for o in operators), default=0)),
        widest=channels / np.array([layer.in_channels for layer in space.layers])[:, None],
    )


def feature_names(space: SearchSpace, choices: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns of ``architecture_features``."""
    names = [space.choices[c] for c in space.allowed(choices)]
    n_stages = int(stages(space)[-1]) + 1
    return (
        *(f"layer{ly.index}={name}" for ly in space.layers for name in names),
        "log_macs",
        "log_params",
        "depth",
        *(f"stage{s}_macs_share" for s in range(n_stages)),
        *(f"stage{s}_depth" for s in range(n_stages)),
        *(f"stage{s}_log_macs" for s in range(n_stages)),
        *(cell_feature_names(space) if space.edges else ()),
    )


def architecture_features(
    space: SearchSpace,
    genomes: Genomes,
    n_classes: int,
    choices: Sequence[str],
    exits: Exits | None = None,
) -> NDArray[np.float32]:
    """Features of single networks, shape (n, k) float32, columns named by ``feature_names``.

    One-hot choices (only those in ``choices``), natural logarithms of MACs and parameters, the
    number of layers that are more than a skip, and per stage the share of the network's MACs, the
    same number and the logarithm of MACs. For a space of cells also what ``cell_features`` gives.
    What lies behind the exit of a network that is cut is as if it were not there.

    Args:
        space: search space of the networks.
        genomes: one genome a row, shape (n, n_layers).
        n_classes: number of classes of the classifier.
        choices: names of the space's choices that were trained.
        exits: numbers of the exits at which they are cut, shape (n,); None: all are whole.

    Raises:
        SurrogateError: genomes of another space, or a choice outside ``choices``.
    """
    rows = check_genomes(space, genomes, choices)
    allowed, stage = space.allowed(choices), stages(space)
    table = _table_of(BySpace(space))
    layer = np.arange(space.n_layers)
    macs = space.macs(rows, n_classes, exits).astype(np.float64)
    run = np.ones(rows.shape, bool) if exits is None else layers_run(space, exits)
    member = np.eye(stage[-1] + 1)[stage]
    active = (table.active[layer, rows] & run).astype(np.float64)
    by_stage = (table.macs[layer, rows] * run) @ member
    columns = [
        ((rows[:, :, None] == allowed) & run[:, :, None]).reshape(
            len(rows), rows.shape[1] * len(allowed)
        ),
        np.log(macs)[:, None],
        np.log(space.params(rows, n_classes, exits))[:, None],
        active.sum(axis=1, keepdims=True),
        by_stage / macs[:, None],
        active @ member,
        np.log(by_stage + SMALL_MACS),
    ]
    if space.edges:
        columns.append(cell_features(space, rows, n_classes))
    return _single(columns)


def _single(columns: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
    """Columns side by side, each rounded to float32 by itself: no wide copy of them all."""
    ends = np.cumsum([column.shape[1] for column in columns])
    out = np.empty((len(columns[0]), ends[-1]), np.float32)
    for column, end in zip(columns, ends, strict=True):
        out[:, end - column.shape[1] : end] = column
    return out


def layer_feature_names(space: SearchSpace) -> tuple[str, ...]:
    """Names of the columns of ``layer_features``."""
    kinds = ("log_macs", "kernel", "expansion")
    return tuple(f"layer{layer.index}_{kind}" for kind in kinds for layer in space.layers)


def layer_features(
    space: SearchSpace, genomes: Genomes, exits: Exits | None = None
) -> NDArray[np.float32]:
    """What each layer computes in numbers, shape (n, 3 n_layers), see ``layer_feature_names``.

    The logarithm of its MACs, its largest kernel, and the most channels within it over those that
    come in; a layer without operators has kernel and expansion 0. Unlike one-hot choices these say
    which choices are alike.

    Args:
        space: search space of the networks.
        genomes: one genome a row, shape (n, n_layers).
        exits: numbers of the exits at which they are cut, shape (n,); None: all are whole.
    """
    table, layer = _table_of(BySpace(space)), np.arange(space.n_layers)
    kinds = (np.log(table.macs + SMALL_MACS), table.kernel, table.widest)
    columns = [kind.astype(np.float32)[layer, genomes] for kind in kinds]
    if exits is not None:  # behind the exit: no operators
        run = layers_run(space, exits)
        nothing = (np.log(SMALL_MACS), 0.0, 0.0)
        columns = [np.where(run, c, np.float32(v)) for c, v in zip(columns, nothing, strict=True)]
    return _single(columns)


def pair_feature_names(space: SearchSpace, choices: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns of ``pair_features``."""
    shape = _shape_names(space, choices)
    accuracies = ("accuracy", "accuracy_squared")
    return (
        *(f"{who}_{name}" for who in ("little", "big") for name in (*shape, *accuracies)),
        "accuracy_product",
        "accuracy_difference",
        "log_macs_ratio",
        "same_choices",
        *(f"stage{s}_same_choices" for s in range(int(stages(space)[-1]) + 1)),
    )


def _shape_names(space: SearchSpace, choices: Sequence[str]) -> tuple[str, ...]:
    n_onehot = space.n_layers * len(space.allowed(choices))
    return feature_names(space, choices)[n_onehot:]


def pair_features(
    space: SearchSpace,
    choices: Sequence[str],
    features: NDArray[np.float32],
    genomes: Genomes,
    accuracy: Matrix,
    little: NDArray[np.intp],
    big: NDArray[np.intp],
) -> NDArray[np.float32]:
    """Features of pairs, shape (n_pairs, k) float32, columns named by ``pair_feature_names``.

    Of each member everything but the one-hot choices (with few networks, those would let trees
    recognise the networks they were fitted on), its predicted accuracy, and how the two compare.

    Args:
        space: search space of the networks.
        choices: names of the space's choices that were trained.
        features: ``architecture_features`` of the single networks, shape (n, k).
        genomes: genomes of the single networks, shape (n, n_layers).
        accuracy: predicted accuracy of the single networks, shape (n,).
        little: row of each pair's little network, shape (n_pairs,).
        big: row of each pair's big network, shape (n_pairs,).
    """
    own = features[:, -len(_shape_names(space, choices)) :]
    single = np.column_stack([own, accuracy, accuracy**2]).astype(np.float32)
    same = (genomes[little] == genomes[big]).astype(np.float32)
    stage = stages(space)
    member = np.eye(stage[-1] + 1, dtype=np.float32)[stage]
    acc_l, acc_b = accuracy[little], accuracy[big]
    compared = np.column_stack(
        [
            acc_l * acc_b,
            acc_b - acc_l,
            own[big, 0] - own[little, 0],
            same.mean(axis=1),
            same @ (member / member.sum(axis=0)),
        ]
    )
    return np.concatenate([single[little], single[big], compared.astype(np.float32)], axis=1)
