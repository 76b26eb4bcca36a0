"""Which pairs of a searched front are co-trained, on which devices and table, and as what job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bench import Benchmark, DeviceProfile, OperatingPoint
from ..bench.datasets import get_dataset
from ..bench.errors import ArchitectureError, BigLittleError, UnknownNameError
from ..bench.files import file_hash
from ..bench.gate import Gate
from ..bench.measured_pairs import MeasuredPairs
from ..bench.pair import Pair
from ..bench.precision import FP32, split_precision
from ..cotrain.front import FrontJob
from ..cotrain.methods import METHODS, get_method
from ..cotrain.recipe import FINE_TUNE, SCRATCH, Recipe, load_recipe
from ..cotrain.selection import Selection, select
from ..cotrain.weights import HEADS, load_weights
from ..edge_profiler.deploy import deploy_pair
from .front_files import read_front
from .front_question import question_sources
from .training_start import costs_on, inheriting

STARTS = ("inherited", "scratch")


@dataclass(frozen=True)
class FrontTraining:
    """The pairs of a front that are worth training, and what the front was searched for.

    Attributes:
        bench: the table that the front was searched with.
        table: its name or file.
        devices: names or profile files of the front's devices.
        profiles: their profiles, in the same order.
        selection: which rows of the front were chosen, and of how many.
        points: the operating points to train, recommended pairs of the table first.
        notes: sentences for the reader, before the training begins.
    """

    bench: Benchmark
    table: str
    devices: tuple[str, ...]
    profiles: tuple[DeviceProfile, ...]
    selection: Selection
    points: tuple[OperatingPoint, ...]
    notes: tuple[str, ...]

    def job(
        self,
        methods: tuple[str, ...],
        recipe: Recipe,
        start: str,
        seed: int,
        out: Path,
        train_device: str = "cpu",
        threads: int | None = None,
    ) -> FrontJob:
        """What ``cotrain_front`` is to do with the points.

        Args:
            methods: names of co-training methods, each of which trains every pair.
            recipe: how long and how a pair is trained.
            start: one of `STARTS`: from the supernet's weights or from random ones.
            seed: of weights, order and augmentation.
            out: folder of the pairs' folders.
            train_device: torch device of the training.
            threads: torch threads; None leaves them as they are.

        Raises:
            BigLittleError: the table has no supernet beside it.
        """
        bench = self.bench
        sources: dict[str, Any] = question_sources(self.devices, bench, self.table)
        inherit, fresh = None, False
        if start == "inherited":
            weights = bench.beside("supernet.safetensors")
            sources["supernet_sha256"] = file_hash(weights)
            inherit, fresh = inheriting(load_weights(weights), weights.with_name(HEADS), seed)
        networks = set(map(str, bench.table.names[bench.table.rows(exits=True)]))

        def table_point(pair: Pair, gate: Gate) -> OperatingPoint | None:
            there = {pair.little, pair.big} <= networks
            return bench.query(pair, gate, self.devices[0]) if there else None

        return FrontJob(
            methods=methods,
            recipe=recipe,
            seed=seed,
            out=out,
            start=inherit,
            costs_of=costs_on(self.profiles, bench.table.n_classes, bench.table.space),
            table_point=table_point,
            deploy=deploy_pair,
            sources=sources,
            device=train_device,
            threads=threads,
            measured=MeasuredPairs(self.profiles[0].pairs if len(self.profiles) == 1 else ()),
            fresh_heads=fresh,
        )


def check_trainable(names: Iterable[str]) -> None:
    """Refuses networks in another precision than fp32, in which pairs are trained.

    Raises:
        ArchitectureError: one of the networks is in another precision.
    """
    for name in names:
        if ":" in str(name) and (precision := split_precision(str(name))[1]) != FP32:
            raise ArchitectureError(
                f"{name} cannot be trained in {precision}: pairs are trained in {FP32}. Name "
                "networks without the precision, or search without --precision."
            )


def methods_called(name: str) -> tuple[str, ...]:
    """The co-training methods that a name stands for; ``all`` are all of them.

    Raises:
        UnknownNameError: no method has this name.
    """
    return METHODS.names() if name == "all" else (get_method(name).name,)


def pair_recipe(path: Path | None, start: str, bench: Benchmark) -> Recipe:
    """The recipe that pairs of a table are trained by, on its images.

    Args:
        path: file of a recipe; None: the usual one of the start.
        start: where a training begins, one of `STARTS`.
        bench: the table that the pairs are of.

    Raises:
        BigLittleError: no such start or data set, or a recipe that is not usable or of other
            images.
    """
    if start not in STARTS:
        raise UnknownNameError("start", start, STARTS)
    table = bench.table
    if path is None:
        usual = load_recipe(SCRATCH if start == "scratch" else FINE_TUNE)
        return usual.for_images(get_dataset(table.dataset), table.space.name)
    recipe = load_recipe(path)
    if recipe.dataset != table.dataset:
        raise BigLittleError(
            f"{path} is of the images {recipe.dataset}, the table {table.name} of {table.dataset}; "
            f'write dataset = "{table.dataset}" into it, or leave --recipe out.'
        )
    return recipe


def training_of(
    front_file: Path, top: int, table: str | None, device: str | None, default_table: str
) -> FrontTraining:
    """The pairs of a front to train.

    Args:
        front_file: a searched front, ``front.csv`` or ``front.json``.
        top: how many pairs at most.
        table: what a user gave; None: what the front says.
        device: what a user gave; None: what the front says.
        default_table: for a front that does not say.

    Raises:
        BigLittleError: no front, another device or table than the front's, networks in another
            precision than fp32, or nothing to train.
    """
    front = read_front(front_file)
    check_trainable([*front.points.little, *front.points.big])
    question = front.question
    bench = question.bench(table, default_table)
    bench.table.check_built([*front.points.little, *front.points.big])
    elsewhere: Sequence[OperatingPoint] = front.recommended_elsewhere[:top]
    selection = select(front.points, top - len(elsewhere), front.recommended_rows)
    if not elsewhere and not selection.rows:
        raise BigLittleError(
            f"{front_file}: {selection.text()} A single network is measured as it is: biglittle "
            "profile --networks ID."
        )
    notes = (question.changed(bench), selection.text(len(elsewhere)))
    return FrontTraining(
        bench=bench,
        table=table or question.table or default_table,
        devices=question.device_names(device),
        profiles=question.profiles(device),
        selection=selection,
        points=(*elsewhere, *(front.points[i] for i in selection.rows)),
        notes=tuple(note for note in notes if note),
    )
