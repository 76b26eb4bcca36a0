"""What every search space can do; a concrete space supplies its layers, or its cells' edges."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArchitectureError
from ..graph import IMAGE, Graph, GraphBuilder
from ..operators import Operator
from ._counting import Counting
from ._exits import Exit, Exits
from ._layers import BodyBuilder, Context, Genomes, Layer, LayerBuilder, SliceTest
from ._spreadsheet import spreadsheet_hint

#: One id or genome, or several.
Architectures = str | Sequence[str] | NDArray[np.integer[Any]] | NDArray[np.str_]


@dataclass(frozen=True)
class SearchSpace:
    """Layers, each of which picks one of the same named choices.

    In a chain the layers follow one another. A space of cells has a ``build_body``: its layers are
    the edges of the cell, and ``build_layer`` lists what an edge costs in all cells together.

    An architecture's id is a string with one digit per layer; a genome is the same as an array of
    shape (n_layers,), dtype uint8. Everything below takes one id, a sequence of ids, one genome or
    genomes of shape (n, n_layers), and is vectorised over n.

    Attributes:
        name: key of the space.
        choices: names of the choices; the digit in an id is the index here.
        layers: the searchable positions, in order.
        stem: operators before the first layer.
        head: operators after the last layer, without the classifier.
        n_features: features that reach the classifier.
        build_layer: operators of a choice at a layer.
        source: where the space was published.
        between: operators that stand between layers whatever is chosen.
        build_body: adds the graph between stem and head, for spaces that are not a chain.
        read_name: id of a published name of an architecture, or None for any other text.
        write_name: published name of an id.
        edges: (source node, target node) of every layer, for spaces whose layers are the edges of
            a cell; node 0 is the cell's input, the last one its output.
        exits: where a network can be cut short, and the heads that stand there.
        is_slice: whether a choice uses a slice of another's weights in a supernet with elastic
            weights; None: no choice does.
        at_size: makes the same space for images of other sides; None: it is of one size alone.
        context: what networks are made of where a layer, stem or head depends on several choices;
            None: they do not. ``stem``, ``head`` and ``build_layer`` are then those of one network.

    >>> from biglittle.bench.spaces import get_space
    >>> get_space("fbnet").macs(get_space("fbnet").parse("8" * 22), n_classes=10).tolist()
    [11473600]
    >>> get_space("fbnet").macs("8" * 22, n_classes=10).tolist()
    [11473600]
    """

    name: str
    choices: tuple[str, ...]
    layers: tuple[Layer, ...]
    stem: tuple[Operator, ...]
    head: tuple[Operator, ...]
    n_features: int
    build_layer: LayerBuilder
    source: str
    digits: str = field(default="0123456789", repr=False)
    between: tuple[Operator, ...] = ()
    build_body: BodyBuilder | None = None
    read_name: Callable[[str], str | None] | None = None
    write_name: Callable[[str], str] | None = None
    edges: tuple[tuple[int, int], ...] = ()
    exits: tuple[Exit, ...] = field(default=(), repr=False)
    is_slice: SliceTest | None = field(default=None, repr=False)
    at_size: Callable[[int], SearchSpace] | None = field(default=None, repr=False, compare=False)
    context: Context | None = field(default=None, repr=False, compare=False)

    @property
    def input_size(self) -> int:
        """Rows (and columns) of the images that its networks take."""
        return self.stem[0].height

    def check_images(self, dataset: str, height: int) -> None:
        """Nothing, if images of a data set are of the size that the networks are counted at.

        Args:
            dataset: name of the data set, for the message.
            height: rows (and columns) of its images.

        Raises:
            ArchitectureError: they are of another size; says which space is of theirs.
        """
        if height != self.input_size:
            base = self.name.removesuffix(f"-{self.input_size}")
            raise ArchitectureError(
                f"data set {dataset} has images of {height} rows, and space {self.name} takes "
                f"{self.input_size}; "
                + (
                    f"write space {base}-{height}, or make the images anew with --size."
                    if self.at_size
                    else f"make the images anew with --size {self.input_size}."
                )
            )

    @property
    def n_layers(self) -> int:
        """Number of searchable layers."""
        return len(self.layers)

    @cached_property
    def hash(self) -> str:
        """SHA-256 over everything that decides what an id means."""
        text = repr((self.name, self.choices, self.layers, self.stem, self.head, self.n_features))
        text += repr(self.between) if self.between else ""
        built = [[self.build_layer(ly, c) for c in range(len(self.choices))] for ly in self.layers]
        return hashlib.sha256((text + repr(built)).encode()).hexdigest()

    # ---- exits ------------------------------------------------------------------------------
    @cached_property
    def _exit_numbers(self) -> dict[str, int]:
        return {"": 0} | {cut.name: number for number, cut in enumerate(self.exits, 1)}

    def exit_numbers(self, names: Sequence[str]) -> Exits:
        """Numbers of exits by name, shape (n,): 0 for "", a whole network.

        Raises:
            ArchitectureError: an exit that the space does not have.
        """
        numbers = self._exit_numbers
        unknown = next((name for name in names if name not in numbers), None)
        if unknown is not None:
            listed = ", ".join(cut.name for cut in self.exits)
            raise ArchitectureError(
                f"space {self.name!r} has no exit {str(unknown)[:40]!r}; expected "
                + (
                    f"one of {listed}, as in ARCHITECTURE@{self.exits[-1].name}, or "
                    if listed
                    else ""
                )
                + "the name of a whole network, without an @."
            )
        return np.array([numbers[name] for name in names], np.uint8)

    def get_exit(self, name: str) -> Exit | None:
        """The exit of that name; None for "", a whole network.

        Raises:
            ArchitectureError: an exit that the space does not have.
        """
        number = int(self.exit_numbers([name])[0])
        return self.exits[number - 1] if number else None

    def exit_names(self, exits: Exits) -> list[str]:
        """Names of exits by number, "" for a whole network; the inverse of ``exit_numbers``."""
        names = ("", *(cut.name for cut in self.exits))
        return [names[number] for number in exits]

    @cached_property
    def exit_after(self) -> NDArray[np.int64]:
        """The last layer that is run, by number of the exit; of a whole network all layers."""
        return np.array([self.n_layers, *(cut.after for cut in self.exits)], np.int64)

    # ---- ids and genomes -------------------------------------------------------------------
    def parse(self, architectures: str | Sequence[str]) -> Genomes:
        """Genomes, shape (n, n_layers) uint8, of one id or a sequence of ids.

        Raises:
            ArchitectureError: wrong length or a character that is not a choice of this space.
        """
        ids = [architectures] if isinstance(architectures, str) else list(architectures)
        out = np.empty((len(ids), self.n_layers), np.uint8)
        legal = self.digits[: len(self.choices)]
        for row, given in zip(out, ids, strict=True):
            arch = given
            if self.read_name is not None and isinstance(arch, str):
                if len(arch) != self.n_layers or not set(arch) <= set(legal):
                    arch = self.read_name(arch) or given
            if not isinstance(arch, str) or len(arch) != self.n_layers:
                got = type(arch).__name__
                if isinstance(arch, str):
                    got = f"{len(arch)} character{'' if len(arch) == 1 else 's'}"
                raise ArchitectureError(
                    f"architecture {str(arch)[:40]!r} has {got}; space {self.name!r} expects "
                    f"{self.n_layers} digits from {legal[0]} to {legal[-1]}."
                    f"{spreadsheet_hint(arch, self.n_layers) if isinstance(arch, str) else ''}"
                )
            bad = next((c for c in arch if c not in legal), None)
            if bad is not None:
                raise ArchitectureError(
                    f"architecture {arch!r} contains {bad!r}; space {self.name!r} expects only "
                    f"digits from {legal[0]} ({self.choices[0]}) to {legal[-1]} "
                    f"({self.choices[-1]})."
                )
            row[:] = [legal.index(c) for c in arch]
        return out

    def genomes(self, architectures: Architectures) -> Genomes:
        """Genomes, shape (n, n_layers) uint8, of ids or of genomes, one or many.

        Raises:
            ArchitectureError: ids or genomes that are not of this space.
        """
        given = np.asarray(architectures)
        if given.dtype.kind in "UO":
            return self.parse(architectures if isinstance(architectures, str) else list(given))
        rows = np.atleast_2d(given)
        n_choices = len(self.choices)
        if rows.dtype.kind not in "iu" or rows.ndim != 2 or rows.shape[1] != self.n_layers:
            raise ArchitectureError(
                f"got an array of {given.dtype} of shape {given.shape}; space {self.name!r} "
                f"expects ids of {self.n_layers} digits, or genomes of integers of shape "
                f"({self.n_layers},) or (n, {self.n_layers})."
            )
        if rows.size and not (rows.min() >= 0 and rows.max() < n_choices):
            bad = int(rows.min() if rows.min() < 0 else rows.max())
            raise ArchitectureError(
                f"a genome contains {bad}; space {self.name!r} has the choices 0 "
                f"({self.choices[0]}) to {n_choices - 1} ({self.choices[-1]})."
            )
        return rows.astype(np.uint8, copy=False)

    def format(self, genomes: ArrayLike) -> list[str]:
        """Ids of genomes of shape (n, n_layers); the inverse of ``parse``."""
        return ["".join(self.digits[g] for g in row) for row in np.atleast_2d(np.asarray(genomes))]

    def names(self, genomes: ArrayLike) -> list[str]:
        """Names of genomes as the space's authors write them; ids where they wrote none."""
        ids = self.format(genomes)
        return ids if self.write_name is None else [self.write_name(i) for i in ids]

    def allowed(self, choices: Sequence[str] | None) -> Genomes:
        """Indices of the named choices (all of them for None), sorted, shape (k,).

        Raises:
            ArchitectureError: a name that is not a choice of this space.
        """
        if choices is None:
            return np.arange(len(self.choices), dtype=np.uint8)
        unknown = [c for c in choices if c not in self.choices]
        if unknown or not choices:
            raise ArchitectureError(
                f"choices {unknown or list(choices)} are not in space {self.name!r}; "
                f"expected some of {', '.join(self.choices)}."
            )
        return np.array(sorted(self.choices.index(c) for c in choices), dtype=np.uint8)

    def split_name(self, name: str) -> tuple[str, str]:
        """Architecture and exit of a network's name, ``ARCHITECTURE[@EXIT]``; "" for no exit."""
        architecture, at, cut = name.partition("@")
        return architecture, at if at and not cut else cut  # "A@" names no exit, nor the whole

    # ---- moving about ----------------------------------------------------------------------
    def sample(
        self, rng: np.random.Generator, n: int, choices: Sequence[str] | None = None
    ) -> Genomes:
        """``n`` genomes drawn uniformly, shape (n, n_layers)."""
        return rng.choice(self.allowed(choices), size=(n, self.n_layers))

    def mutate(
        self,
        rng: np.random.Generator,
        genomes: Architectures,
        probability: float | None = None,
        choices: Sequence[str] | None = None,
    ) -> Genomes:
        """A copy in which each gene is replaced by another choice with ``probability``.

        The default probability is 1 / n_layers; at least one gene of every genome changes.
        """
        allowed = self.allowed(choices)
        genomes = self.genomes(genomes).copy()
        if len(allowed) < 2:
            return genomes
        rate = 1.0 / self.n_layers if probability is None else probability
        hit = rng.random(genomes.shape) < rate
        hit[np.arange(len(hit)), rng.integers(0, self.n_layers, len(hit))] |= ~hit.any(axis=1)
        fresh = rng.choice(allowed, size=genomes.shape)
        while (same := hit & (fresh == genomes)).any():
            fresh[same] = rng.choice(allowed, size=int(same.sum()))
        return np.where(hit, fresh, genomes)

    def crossover(self, rng: np.random.Generator, a: Architectures, b: Architectures) -> Genomes:
        """Uniform crossover of as many parents a as b, shape (n, n_layers); one child each."""
        first, second = self.genomes(a), self.genomes(b)
        return np.where(rng.random(first.shape) < 0.5, first, second)

    def neighbours(self, genome: Architectures, choices: Sequence[str] | None = None) -> Genomes:
        """Every genome that differs in exactly one layer, shape (n_layers * (k - 1), n_layers)."""
        allowed, out = self.allowed(choices), []
        base = self.genomes(genome)[0]
        for layer in range(self.n_layers):
            for choice in allowed[allowed != base[layer]]:
                child = base.copy()
                child[layer] = choice
                out.append(child)
        return np.array(out, np.uint8).reshape(-1, self.n_layers)

    def encode(self, genomes: Architectures) -> NDArray[np.float32]:
        """One-hot encoding, shape (n, n_layers * n_choices), float32."""
        eye = np.eye(len(self.choices), dtype=np.float32)
        rows = self.genomes(genomes)
        return eye[rows].reshape(len(rows), -1)

    def decode(self, encoded: NDArray[np.float32]) -> Genomes:
        """Genomes of a one-hot encoding; the inverse of ``encode``."""
        shape = (len(encoded), self.n_layers, len(self.choices))
        return np.asarray(np.asarray(encoded).reshape(shape).argmax(-1), np.uint8)

    # ---- what a network costs before anything is measured ----------------------------------
    def graph(self, genome: Architectures, n_classes: int, cut: str = "") -> Graph:
        """One network as operators and what feeds them, in order of execution.

        Args:
            genome: choices of the network, one id or genome.
            n_classes: number of classes of the classifier.
            cut: name of the exit where the network ends; "" for a whole one.

        Raises:
            ArchitectureError: not of this space, or an exit that it does not have.
        """
        place, row = self.get_exit(cut), self.genomes(genome)[0]
        builder = GraphBuilder()
        at = self.trunk(builder, row, place)
        *head, classifier = self.head_of(row, n_classes, place)
        builder.node(classifier, builder.chain(head, at))
        return builder.graph()

    def trunk(self, builder: GraphBuilder, row: Genomes, place: Exit | None) -> int:
        """Adds stem and layers, up to an exit, to a graph; the index of the last node.

        Args:
            builder: graph to which the nodes are added.
            row: choices of the network, shape (n_layers,).
            place: exit where the trunk ends; None: it has all layers.
        """
        at = builder.chain(self.stem_of(row), IMAGE)
        if self.build_body is not None:
            return self.build_body(builder, at, row, None if place is None else place.after)
        for ly in self.layers if place is None else self.layers[: place.after + 1]:
            at = builder.chain(self.build_layer(ly, int(row[ly.index])), at)
        return at

    def stem_of(self, row: Genomes) -> tuple[Operator, ...]:
        """The operators before the first layer of a network, choices of shape (n_layers,)."""
        return self.stem if self.context is None else self.context.ends(row)[0]

    def head_of(
        self, row: Genomes, n_classes: int, place: Exit | None = None
    ) -> tuple[Operator, ...]:
        """The operators behind the last layer of a network, its classifier last.

        Args:
            row: choices of the network, shape (n_layers,).
            n_classes: number of classes of the classifier.
            place: exit where the network is cut; None: it is whole.
        """
        if place is not None:
            return (*place.operators, place.classifier(n_classes))
        if self.context is None:
            return (*self.head, self.classifier(n_classes))
        _, head, n_features = self.context.ends(row)
        return (*head, Operator("linear", n_features, n_classes, 1, 1))

    def layer_of(self, layer: Layer, row: Genomes) -> tuple[Operator, ...]:
        """The operators of a layer of a network, choices of shape (n_layers,)."""
        if self.context is None:
            return self.build_layer(layer, int(row[layer.index]))
        return self.context.layer(row, layer.index)

    def classifier(self, n_classes: int, place: Exit | None = None) -> Operator:
        """The linear layer at the end of a whole network, or of one that is cut at an exit."""
        if place is not None:
            return place.classifier(n_classes)
        return Operator("linear", self.n_features, n_classes, 1, 1)

    def operators(
        self, genome: Architectures, n_classes: int, cut: str = ""
    ) -> tuple[Operator, ...]:
        """The primitive operators of one network, in order of execution; as `graph`."""
        return tuple(node.operator for node in self.graph(genome, n_classes, cut))

    @cached_property
    def _counting(self) -> Counting:
        return Counting(self)

    def macs(
        self, genomes: Architectures, n_classes: int, exits: Exits | None = None
    ) -> NDArray[np.int64]:
        """Multiply-accumulates of convolutions and classifier for one input, shape (n,).

        Args:
            genomes: choices of the networks, one or n of them.
            n_classes: number of classes of the classifier.
            exits: numbers of the exits at which they are cut, shape (n,); None: they are whole.
        """
        return self._counting.whole("macs", self.genomes(genomes), n_classes, exits)

    def sizes(self, genomes: Architectures, exits: Exits | None = None) -> NDArray[np.int64]:
        """What orders networks by size, shape (n,): their MACs, whatever they classify."""
        return self.macs(genomes, 1, exits)

    def params(
        self, genomes: Architectures, n_classes: int, exits: Exits | None = None
    ) -> NDArray[np.int64]:
        """Trainable parameters, shape (n,); arguments as of `macs`."""
        return self._counting.whole("params", self.genomes(genomes), n_classes, exits)

    def trunk_macs(self, genomes: Architectures, exits: Exits) -> NDArray[np.int64]:
        """Multiply-accumulates of stem and layers before each exit, shape (n,)."""
        return self._counting.trunk("macs", self.genomes(genomes), exits)

    def trunk_params(self, genomes: Architectures, exits: Exits) -> NDArray[np.int64]:
        """Trainable parameters of stem and layers before each exit, shape (n,)."""
        return self._counting.trunk("params", self.genomes(genomes), exits)

    def trunk_features(self, exits: Exits) -> NDArray[np.int64]:
        """Elements of the features at each exit, shape (n,); 0 for a whole network."""
        return np.array([0, *(cut.features for cut in self.exits)], np.int64)[exits]

    def peak_activation(
        self, genomes: Architectures, exits: Exits | None = None
    ) -> NDArray[np.int64]:
        """Largest number of activation elements alive at once, shape (n,).

        A convolution keeps its input and its output alive, a residual block its input as well;
        batch norm and ReLU work in place. In a space that is not a chain, whatever a later operator
        needs is alive. An analytic model, not a measurement.
        """
        return self._counting.peak_activation(self.genomes(genomes), exits)

    def arena(
        self, genomes: Architectures, n_classes: int, exits: Exits | None = None
    ) -> NDArray[np.int64]:
        """Elements that are alive at once by the schedule of `biglittle.bench.arena`, shape (n, 4).

        Columns: the image; the most up to its last reader, the image included; the most at any
        time, the image left out; and the most while the head of an exit runs where the features at
        that exit are kept, 0 for a whole network. An analytic model, not a measurement.

        Args:
            genomes: choices of the networks, one or n of them.
            n_classes: number of classes of the classifier.
            exits: numbers of the exits at which they are cut, shape (n,); None: they are whole.
        """
        return self._counting.arena(self.genomes(genomes), n_classes, exits)

    def int8_bytes(
        self, genomes: Architectures, n_classes: int, exits: Exits | None = None
    ) -> NDArray[np.int64]:
        """Bytes of what is stored of networks in int8, shape (n,); arguments as of `macs`.

        Weights in signed bytes, and for each output channel a bias and a scale of four bytes; batch
        norms are folded into these.
        """
        return self._counting.whole("int8_bytes", self.genomes(genomes), n_classes, exits)

    def trunk_int8_bytes(self, genomes: Architectures, exits: Exits) -> NDArray[np.int64]:
        """The same of stem and layers before each exit, shape (n,)."""
        return self._counting.trunk("int8_bytes", self.genomes(genomes), exits)

    # ---- nested networks -------------------------------------------------------------------
    def nested(self, little: Genomes, big: Genomes) -> NDArray[np.bool_]:
        """Whether each little's weights are a slice of big's in one supernet; shapes broadcast.

        Args:
            little: choices of the little networks, shape (..., n_layers).
            big: choices of the big networks, shape (..., n_layers).
        """
        return self._counting.nested(little, big)

    def nested_params(self, little: Genomes, big: Genomes, n_classes: int) -> NDArray[np.int64]:
        """Parameters that nested networks share, of stem, layers, head and classifier.

        Only of meaning where `nested` says so; arguments and shapes as there.
        """
        return self._counting.nested_params(little, big, n_classes)

    def shared_params(self, little: bytes, big: bytes, n_classes: int) -> int:
        """What one pair of nested networks shares, as `nested_params`; -1 where they are not.

        For a single question, which numpy takes twenty times as long for.

        Args:
            little: choices of the little network, one byte a layer.
            big: choices of the big network, one byte a layer.
            n_classes: number of classes of the classifier.
        """
        return self._counting.shared_params(little, big, n_classes)
