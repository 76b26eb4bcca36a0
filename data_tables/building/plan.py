"""What the table is built from and where: the schedule, the images, the working folder.

working/supernet.h5              checkpoint of the supernet (``cotrain.train_supernet``)
working/networks/NETWORK.npz     what one network said about every image (``evaluate``)
working/runs/NETWORK/            checkpoint of a network or pair in training (``jobs``)
working/pairs.json               which pairs are co-trained (``jobs``)
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ...bench.datasets import Dataset, Images, get_dataset
from ...bench.errors import CheckpointError
from ...bench.spaces import SearchSpace, get_space
from ...cotrain.checkpoint import load_checkpoint, restoring
from ...cotrain.exit_heads import ExitHeads
from ...cotrain.rounding import rounded
from ...cotrain.schedule import Schedule, load_schedule, schedule_from
from ...cotrain.supernet import Supernet
from ...cotrain.tensors import STATISTICS
from ...cotrain.weights import EXIT_HEADS, kept_facts, load_weights, take_exit_heads
from .recipe import EXITS_NAME, TableRecipe

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """A build: everything its stages share.

    Attributes:
        recipe: what is true of the table alone.
        working: folder of checkpoints and evaluations.
        schedule: how the supernet is trained.
        dataset: facts of the images, such as their mean.
        data: folder of the images; None for the usual place.
    """

    recipe: TableRecipe
    working: Path
    schedule: Schedule
    dataset: Dataset
    data: Path | None = None

    @classmethod
    def load(cls, recipe: TableRecipe, working: Path, data: Path | None = None) -> Plan:
        """The build of a table in a folder.

        Raises:
            BigLittleError: the schedule cannot be read, or its images do not fit its space.
        """
        schedule = load_schedule(recipe.schedule)
        dataset = get_dataset(schedule.dataset)
        get_space(schedule.space).check_images(dataset.name, dataset.height)
        return cls(recipe, working, schedule, dataset, data)

    @property
    def space(self) -> SearchSpace:
        """The search space."""
        return get_space(self.schedule.space)

    @property
    def networks(self) -> Path:
        """Folder of the evaluations."""
        return self.working / "networks"

    def images(self) -> dict[str, Images]:
        """Train, val and test.

        Raises:
            DatasetError: there are no images, or not the ones expected.
        """
        return self.dataset.load(self.data)

    def supernet(self) -> TrainedSupernet:
        """The supernet in ``working/supernet.h5``, its weights rounded as the recipe keeps them.

        Rounded, because that is how they are kept: whoever has the kept weights gets the very
        networks that the table's answers come from. Without a checkpoint it is the one that ships
        with the table, if that was trained as long.

        Raises:
            CheckpointError: there is none, or one of another schedule.
        """
        identity = {"space_hash": self.space.hash, "schedule": self.schedule.as_dict()}
        path = self.working / "supernet.h5"
        if not path.exists() and self.recipe.weights.exists():
            trained = TrainedSupernet.kept(self.recipe.weights)
            if trained.epochs == self.schedule.n_epochs:
                log.info("no supernet.h5 in %s: taking %s", self.working, self.recipe.weights)
                return trained
        if not path.exists():
            raise CheckpointError(
                f"no trained supernet in {self.working} (expected supernet.h5): train one with "
                f"--stage train --working {self.working}, or name the folder of another build."
            )
        progress, states = load_checkpoint(path, identity, self._accepts)
        with restoring(path):
            if progress["epoch"] < self.schedule.n_epochs:
                log.warning(
                    "the supernet has trained %d of %d epochs; go on with --stage train",
                    progress["epoch"],
                    self.schedule.n_epochs,
                )
            net = Supernet(self.space, self.dataset.n_classes)
            weights = states["weights"] | states.get("average", {})
            own = {k: v for k, v in weights.items() if not k.startswith(EXIT_HEADS)}
            net.load_state_dict(rounded(own, self.recipe.storage))
            if self.schedule.phases[-1].exits > 0:  # else heads are trained on the finished trunk
                net.exit_heads = self._heads(weights)
            return TrainedSupernet(net, progress["epoch"], progress["elapsed_s"])

    def _heads(self, weights: Mapping[str, torch.Tensor]) -> ExitHeads:
        """The heads of the table's exits in a supernet's weights, rounded as they are."""
        heads = ExitHeads(self.space, self.dataset.n_classes, self.recipe.exits.names or None)
        trained = rounded(
            {k.removeprefix(EXIT_HEADS): v for k, v in weights.items() if k.startswith(EXIT_HEADS)},
            self.recipe.storage,
        )
        heads.load_state_dict({name: trained[name] for name in heads.state_dict()})
        return heads

    def _accepts(self, key: str, stored: Any, wanted: Any) -> bool:
        """The same schedule, whether or not a checkpoint spells out what was not yet there then."""
        if key == "schedule":
            return schedule_from(stored, "the checkpoint's schedule") == self.schedule
        return bool(stored == wanted)


@dataclass(frozen=True)
class TrainedSupernet:
    """A supernet with its weights.

    Attributes:
        net: the network of all choices, with its weights.
        epochs: how far its training went; 0 where that is not known.
        elapsed_s: seconds that its training took.
    """

    net: Supernet
    epochs: int = 0
    elapsed_s: float = 0.0

    @classmethod
    def kept(cls, path: Path) -> TrainedSupernet:
        """The supernet that ships with a table, with its exit heads where they lie beside it.

        Raises:
            CheckpointError: a file is unreadable, of another space, or the heads are of another
                trunk.
        """
        net = load_weights(path)
        take_exit_heads(net, path.with_name(EXITS_NAME))
        facts = kept_facts(path)
        return cls(net, facts.epochs, float(facts.seconds))

    @property
    def sha256(self) -> str:
        """SHA-256 of its weights in float16, the same for a checkpoint and for what ships of it."""
        return supernet_hash(self.net)


def supernet_hash(net: Supernet) -> str:
    """SHA-256 of a supernet's weights as they are kept: float16, without statistics."""
    digest = hashlib.sha256()
    state: dict[str, Any] = net.state_dict()
    for name, tensor in sorted(state.items()):
        if not name.endswith(STATISTICS) and not name.startswith(EXIT_HEADS):
            array = tensor.detach().cpu().half().contiguous().numpy()
            digest.update(f"{name}{array.shape}".encode())
            digest.update(array.tobytes())
    return digest.hexdigest()


def of_another_supernet(what: str) -> CheckpointError:
    """The error for things made with other weights than those at hand."""
    return CheckpointError(
        f"{what} come from other supernet weights than those at hand. Give the folder of the "
        "build they come from with --working, or build the table anew: biglittle table build."
    )
