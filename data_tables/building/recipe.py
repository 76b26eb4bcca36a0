"""What is true of one table alone: the types that its ``recipe.py`` fills in.

A further table is a folder in ``data_tables/`` with a schedule and a ``recipe.py`` that ends in one
public object, ``RECIPE``. Nothing else of the package names a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...cotrain.rounding import Storage


@dataclass(frozen=True)
class EvaluationTime:
    """What it takes to evaluate a network on one core, linear in its MACs.

    Attributes:
        images: images to recalibrate on and to answer, of all splits together.
        seconds_per_image: the time of an image that does not depend on the network.
        seconds_per_mac: the time of one multiply-accumulate.
    """

    images: int
    seconds_per_image: float
    seconds_per_mac: float


@dataclass(frozen=True)
class Design:
    """Which networks of a space belong to a table, as ``building.design`` draws them.

    Attributes:
        device: name of the profile whose latency the networks are to cover.
        n_classes: classes of the data set, which MACs depend on.
        quotas: networks per band of latency, from the cheapest up.
        macs_cells: cells of equal width in MACs within a band.
        front_seed: file of the fronts whose neighbourhoods belong to the design; it need not exist.
        evaluation: what evaluating a network takes, for estimates of the time.
        first_quotas: quotas in equal bands of an earlier design, whose networks all stay; empty
            where there was none.
        pool: networks that are drawn to choose from.
        seed: seed of every random choice.
        front_points: points taken of a front that is added, spread over its latency.
        front_singles: single networks taken beside them.
        front_networks: networks of a front's neighbourhood, the front's own included.
        front_latency_ms_max: limit of the search for such a front.
        least_escalation: rate below which a pair is in effect its little network.
    """

    device: str
    n_classes: int
    quotas: tuple[int, ...]
    macs_cells: int
    front_seed: Path
    evaluation: EvaluationTime
    first_quotas: tuple[int, ...] = ()
    pool: int = 200_000
    seed: int = 0
    front_points: int = 16
    front_singles: int = 8
    front_networks: int = 130
    front_latency_ms_max: float = 35.0
    least_escalation: float = 0.01


@dataclass(frozen=True)
class Selection:
    """Which networks are trained by themselves, and which pairs together.

    Attributes:
        finetuned: networks that are trained on from inherited weights.
        standalone: networks of these that are trained from scratch as well.
        standalone_exits: exits that are trained from scratch, each as a network by itself.
        evaluated_first: networks of the design's beginning that both are taken from.
        front_pairs: pairs of the front of inherited pairs.
        other_pairs: random pairs beside them.
        seeds: seeds that one pair is trained under, which say what a seed is worth.
        escalating: lowest and highest escalation rate of a pair of which both networks matter.
    """

    finetuned: int = 24
    standalone: int = 4
    standalone_exits: int = 0
    evaluated_first: int = 100
    front_pairs: int = 5
    other_pairs: int = 3
    seeds: int = 3
    escalating: tuple[float, float] = (0.05, 0.6)


@dataclass(frozen=True)
class ExitRows:
    """Which networks of a table are cut at exits.

    Attributes:
        latency_ms_max: architectures of at most this latency on the design's device.
        names: exits whose answers are evaluated, by name.
        rows_max: exits that a table holds at the most, so that its file stays small.
    """

    latency_ms_max: float = 26.0
    names: tuple[str, ...] = ()
    rows_max: int = 200


@dataclass(frozen=True)
class TableRecipe:
    """How one table is built; space and data set are those of its schedule.

    Attributes:
        name: name of the table, as users call it.
        folder: where the table, its weights and its settings lie.
        design: which networks it has.
        selection: which of them are trained further, and which pairs.
        schedule_name: file of the supernet's schedule.
        trust_names: file of the recipe of each training of single networks.
        pairs_name: file of the recipe of co-trained pairs.
        ways: ways to train a pair; those that stand together share their big network.
        exits: which networks are cut at exits.
        int8_max: networks that are there in int8 too, at the most, so that the file stays small:
            those that are in the best answer to the most budgets of its devices; None: all.
        storage: precision that the weights are kept in, and its networks rounded to.
        metrics: confidence metrics that are stored, by which its gates decide, ``max_prob`` among
            them; empty: all.
    """

    name: str
    folder: Path
    design: Design
    selection: Selection = field(default_factory=Selection)
    schedule_name: str = "supernet.toml"
    trust_names: Mapping[str, str] = field(
        default_factory=lambda: {"finetuned": "finetune.toml", "standalone": "standalone.toml"}
    )
    pairs_name: str = "pairs.toml"
    ways: tuple[tuple[str, ...], ...] = (("independent", "distilled"), ("gated",))
    exits: ExitRows = field(default_factory=ExitRows)
    int8_max: int | None = None
    storage: Storage = "float16"
    metrics: tuple[str, ...] = ()

    @property
    def table(self) -> Path:
        """The file of the table."""
        return self.folder / "table.h5"

    @property
    def weights(self) -> Path:
        """The file of the weights that its networks inherit."""
        return self.folder / WEIGHTS_NAME

    @property
    def exit_weights(self) -> Path:
        """The file of the heads of its exits."""
        return self.folder / EXITS_NAME

    @property
    def teacher(self) -> Path:
        """The file of the dense teacher's weights, where they are kept."""
        return self.folder / TEACHER_NAME

    @property
    def schedule(self) -> Path:
        """The file of the supernet's schedule."""
        return self.folder / self.schedule_name

    @property
    def trust(self) -> Mapping[str, Path]:
        """The file of the recipe of each training of single networks."""
        return MappingProxyType({t: self.folder / n for t, n in self.trust_names.items()})

    @property
    def pairs(self) -> Path:
        """The file of the recipe of co-trained pairs."""
        return self.folder / self.pairs_name


#: What the weights that networks inherit are called, beside whichever table.
WEIGHTS_NAME = "supernet.safetensors"
#: What the heads of their exits are called, beside the weights.
EXITS_NAME = "exits.safetensors"
#: What the weights of the dense teacher are called, beside them.
TEACHER_NAME = "teacher.safetensors"
