"""What the networks of a space cost before anything is measured, counted from their operators."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..arena import Peaks, chain_peaks, peaks
from ..graph import Graph, GraphBuilder, peak_elements
from ..operators import Operator
from ._exits import Exit, Exits
from ._layers import BodyBuilder, Context, Genomes, Layer, LayerBuilder, SliceTest

Ints = NDArray[np.int64]


class Space(Protocol):
    """What is needed of a `SearchSpace` to count its networks; see there."""

    @property
    def choices(self) -> tuple[str, ...]: ...
    @property
    def layers(self) -> tuple[Layer, ...]: ...
    @property
    def n_layers(self) -> int: ...
    @property
    def stem(self) -> tuple[Operator, ...]: ...
    @property
    def head(self) -> tuple[Operator, ...]: ...
    @property
    def between(self) -> tuple[Operator, ...]: ...
    @property
    def exits(self) -> tuple[Exit, ...]: ...
    @property
    def build_layer(self) -> LayerBuilder: ...
    @property
    def build_body(self) -> BodyBuilder | None: ...
    @property
    def context(self) -> Context | None: ...
    @property
    def is_slice(self) -> SliceTest | None: ...
    @property
    def exit_after(self) -> NDArray[np.int64]: ...
    def exit_names(self, exits: Exits) -> list[str]: ...
    def classifier(self, n_classes: int, place: Exit | None = None) -> Operator: ...
    def trunk(self, builder: GraphBuilder, row: Genomes, place: Exit | None) -> int: ...
    def graph(self, genome: Genomes, n_classes: int, cut: str = "") -> Graph: ...


class Counting:
    """Sums over the operators of many networks at once, looked up by layer and choice.

    Args:
        space: search space whose networks are counted.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._layers = np.arange(space.n_layers)
        self._heads: dict[tuple[str, int], Ints] = {}
        self._stems: dict[str, int] = {}

    @cached_property
    def _tables(self) -> dict[str, Ints]:
        space = self.space
        shape = (space.n_layers, len(space.choices))
        keys = ("macs", "params", "int8_bytes", "activation", "alive")
        tables = {key: np.zeros(shape, np.int64) for key in keys}
        for ly in space.layers:
            for c in range(len(space.choices)):
                ops = space.build_layer(ly, c)
                residual = ly.in_channels * ly.height**2 if any(o.kind == "add" for o in ops) else 0
                tables["macs"][ly.index, c] = sum(o.macs for o in ops)
                tables["params"][ly.index, c] = sum(o.params for o in ops)
                tables["int8_bytes"][ly.index, c] = sum(o.int8_bytes for o in ops)
                tables["alive"][ly.index, c] = chain_peaks(ops).most
                live = [o.in_size + o.out_size for o in ops if o.kind == "conv"]
                tables["activation"][ly.index, c] = max(live, default=0) + residual
        return tables

    def _picked(self, key: str, rows: Genomes, exits: Exits | None) -> Ints:
        """A figure of each layer's choice, (n, n_layers); 0 behind the exits of the networks."""
        picked = self._tables[key][self._layers, rows]
        if exits is None:
            return picked
        return np.where(self._layers <= self.space.exit_after[exits][:, None], picked, 0)

    def _ends(self, key: str, n_classes: int) -> Ints:
        """A figure of head and classifier by number of the exit, 0 for a whole network."""
        if (key, n_classes) not in self._heads:
            space = self.space
            heads = [(*space.head, space.classifier(n_classes))]
            heads += [(*cut.operators, cut.classifier(n_classes)) for cut in space.exits]
            sums = [sum(getattr(o, key) for o in head) for head in heads]
            self._heads[key, n_classes] = np.array(sums, np.int64)
        return self._heads[key, n_classes]

    def _fixed(self, key: str) -> int:
        """A figure of the stem and of what stands between layers whatever is chosen."""
        if key not in self._stems:
            operators = (*self.space.stem, *self.space.between)
            self._stems[key] = sum(getattr(o, key) for o in operators)
        return self._stems[key]

    def whole(self, key: str, rows: Genomes, n_classes: int, exits: Exits | None) -> Ints:
        """A figure of networks, shape (n,).

        Args:
            key: name of the figure, "macs", "params" or "int8_bytes".
            rows: choices of the networks, shape (n, n_layers).
            n_classes: number of classes of the classifier.
            exits: numbers of the exits at which they are cut, shape (n,); None: they are whole.
        """
        if self.space.context is not None:
            return self._in_context(
                rows, lambda row: self.space.graph(row, n_classes), lambda op: getattr(op, key)
            )
        ends = self._ends(key, n_classes)
        return np.asarray(self.trunk(key, rows, exits) + ends[0 if exits is None else exits])

    def trunk(self, key: str, rows: Genomes, exits: Exits | None) -> Ints:
        """A figure of stem and layers up to the exits, shape (n,); arguments as of `whole`."""
        space = self.space
        if space.context is not None:
            return self._of_trunks(
                rows,
                np.zeros(len(rows), np.uint8),
                lambda graph: sum(getattr(node.operator, key) for node in graph),
            )
        if exits is not None and space.build_body is not None and exits.any():
            return self._of_trunks(
                rows, exits, lambda graph: sum(getattr(node.operator, key) for node in graph)
            )
        picked = self._picked(key, rows, exits).sum(axis=1)
        return np.asarray(picked + self._fixed(key), np.int64)

    @staticmethod
    def _in_context(
        rows: Genomes, graph: Callable[[Genomes], Graph], figure: Callable[[Operator], int]
    ) -> Ints:
        """A figure of whole networks that are no sums over layers, (n,), each worked out once."""
        unique, where = np.unique(rows, axis=0, return_inverse=True)
        sums = [sum(figure(node.operator) for node in graph(row)) for row in unique]
        return np.array(sums, np.int64)[where.ravel()]

    def _of_trunks(self, rows: Genomes, exits: Exits, figure: Callable[[Graph], int]) -> Ints:
        """A figure of trunks in a space that is not a chain, (n,), each worked out once."""
        unique, where = np.unique(np.column_stack([rows, exits]), axis=0, return_inverse=True)
        figures = []
        for row in unique:
            builder = GraphBuilder()
            self.space.trunk(builder, row[:-1], self.space.exits[row[-1] - 1] if row[-1] else None)
            figures.append(figure(builder.graph()))
        return np.array(figures, np.int64)[where.ravel()]

    def peak_activation(self, rows: Genomes, exits: Exits | None) -> Ints:
        """Largest number of activation elements alive at once, shape (n,); see `SearchSpace`."""
        space = self.space
        if space.build_body is not None:
            cuts = np.zeros(len(rows), np.uint8) if exits is None else exits
            both, where = np.unique(np.column_stack([rows, cuts]), axis=0, return_inverse=True)
            peaks = [
                peak_elements(space.graph(row, n_classes=1, cut=cut))
                for row, cut in zip(both[:, :-1], space.exit_names(both[:, -1]), strict=True)
            ]
            return np.array(peaks, np.int64)[where.ravel()]
        live = [
            max(o.in_size + o.out_size for o in (*space.stem, *head) if o.kind == "conv")
            for head in (space.head, *(cut.operators for cut in space.exits))
        ]
        fixed = np.array(live, np.int64)[0 if exits is None else exits]
        return np.asarray(
            np.maximum(self._picked("activation", rows, exits).max(axis=1), fixed), np.int64
        )

    def arena(self, rows: Genomes, n_classes: int, exits: Exits | None) -> Ints:
        """Elements that are alive at once, shape (n, 4); see `SearchSpace.arena`."""
        space = self.space
        cuts = np.zeros(len(rows), np.uint8) if exits is None else exits
        heads = [(*space.head, space.classifier(n_classes))]
        heads += [(*cut.operators, cut.classifier(n_classes)) for cut in space.exits]
        ends = [chain_peaks(head) for head in heads]
        at_exit = np.array([0, *(end.kept for end in ends[1:])], np.int64)[cuts]
        if space.build_body is not None:
            both, where = np.unique(np.column_stack([rows, cuts]), axis=0, return_inverse=True)
            every = [
                peaks(space.graph(row, n_classes, cut))
                for row, cut in zip(both[:, :-1], space.exit_names(both[:, -1]), strict=True)
            ]
            parts = np.array([_parts(one) for one in every], np.int64).reshape(-1, 3)
            return np.column_stack([parts[where.ravel()], at_exit])
        stem = chain_peaks(space.stem)
        most = np.array([max(stem.others, end.most) for end in ends], np.int64)[cuts]
        others = np.maximum(self._picked("alive", rows, exits).max(axis=1), most)
        first = np.broadcast_to(np.array(_parts(stem)[:2], np.int64), (len(rows), 2))
        return np.column_stack([first, others, at_exit])

    @cached_property
    def _slices(self) -> tuple[NDArray[np.bool_], Ints]:
        """Whether choice a is a slice of choice b at a layer, and the parameters they then share.

        Both have shape (n_layers, n_choices, n_choices). Batch norms belong to one choice each, so
        that only equal choices share them.
        """
        space = self.space
        shape = (space.n_layers, len(space.choices), len(space.choices))
        nested, both = np.zeros(shape, np.bool_), np.zeros(shape, np.int64)
        for ly in space.layers:
            for a in range(len(space.choices)):
                operators = space.build_layer(ly, a)
                for b in range(len(space.choices)):
                    same = a == b
                    inside = space.is_slice is not None and space.is_slice(ly, a, b)
                    nested[ly.index, a, b] = same or inside
                    both[ly.index, a, b] = sum(
                        o.params for o in operators if same or o.kind != "batch_norm"
                    )
        return nested, both

    def nested(self, little: Genomes, big: Genomes) -> NDArray[np.bool_]:
        """Whether little's weights are a slice of big's; see `SearchSpace.nested`."""
        return np.asarray(self._slices[0][self._layers, little, big].all(axis=-1))

    def nested_params(self, little: Genomes, big: Genomes, n_classes: int) -> Ints:
        """Parameters that nested networks share; see `SearchSpace.nested_params`."""
        if self.space.context is not None:  # only a network and itself are
            one, _ = np.broadcast_arrays(little, big)
            flat = self.whole("params", one.reshape(-1, self.space.n_layers), n_classes, None)
            return flat.reshape(one.shape[:-1])
        layers = self._slices[1][self._layers, little, big].sum(axis=-1)
        fixed = self._fixed("params") + self._ends("params", n_classes)[0]
        return np.asarray(layers + fixed)

    @cached_property
    def _slice_lists(self) -> list[list[list[int]]]:
        """Shared parameters by layer and both choices; -1 where one is not a slice of the other."""
        nested, both = self._slices
        lists: list[list[list[int]]] = np.where(nested, both, -1).tolist()
        return lists

    def shared_params(self, little: bytes, big: bytes, n_classes: int) -> int:
        """Parameters that one pair of whole networks shares; see `SearchSpace.shared_params`."""
        if self.space.context is not None:
            row = np.frombuffer(little, np.uint8)[None]
            return int(self.whole("params", row, n_classes, None)[0]) if little == big else -1
        total = 0
        for layer, a, b in zip(self._slice_lists, little, big, strict=True):
            both = layer[a][b]
            if both < 0:  # most pairs end at the first layers
                return -1
            total += both
        return total + self._fixed("params") + int(self._ends("params", n_classes)[0])


def _parts(one: Peaks) -> tuple[int, int, int]:
    return one.image, one.reading, one.others
