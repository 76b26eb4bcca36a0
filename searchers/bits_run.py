"""Bits per stage of networks with a supernet's weights: sensitivities, a front, and what is asked.

Accuracy comes about in two ways, and every figure says in which: ``simulated`` is that of a network
that was run with its bits on images of val, ``predicted`` adds up what single stages lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bench import Benchmark
from ..bench.datasets import Dataset, Images
from ..bench.documents import read_json
from ..bench.errors import CheckpointError, ConstraintError
from ..bench.files import file_hash, replacing
from ..bench.mixed_network import MixedNetwork
from .bit_sensitivity import SPLIT, Sensitivity, measured_accuracy, measured_sensitivity
from .bits_search import PROVENANCE, BitsPoint, searched_front

if TYPE_CHECKING:
    from ..cotrain.fake_quantised import FakeQuantised
    from ..cotrain.supernet import Supernet

#: How the figures of a network that was run with its bits came about.
RUN_PROVENANCE = {**PROVENANCE, "accuracy": "simulated"}
WEIGHTS = "supernet.safetensors"


@dataclass(frozen=True)
class BitsSettings:
    """How networks are asked and bits are searched for.

    Attributes:
        images: number of val images that every run is asked about.
        budget: assignments of bits that are predicted.
        seed: seed of the search.
        check: points of the front, spread over it, that are run as well.
    """

    images: int = 1000
    budget: int = 10_000
    seed: int = 0
    check: int = 4

    def __post_init__(self) -> None:
        for name, least in (("images", 1), ("budget", 1), ("check", 0)):
            if getattr(self, name) < least:
                raise ConstraintError(
                    f"--{name} {getattr(self, name)} is not usable; expected at least {least}."
                )


@dataclass
class Lab:
    """A supernet's networks, simulated when they are asked for.

    Attributes:
        net: supernet whose weights networks inherit.
        digest: SHA-256 of the file of its weights.
        splits: images of train and val, by split.
        dataset: facts of the images.
        n_images: number of val images that are asked.
    """

    net: Supernet
    digest: str
    splits: dict[str, Images]
    dataset: Dataset
    n_images: int
    _made: dict[str, FakeQuantised] = field(default_factory=dict)

    @classmethod
    def of(cls, bench: Benchmark, start: str, data: Path | None, n_images: int) -> Lab:
        """The supernet of a table, or that of a file, with the table's images.

        Args:
            bench: table whose space and data set are those of the networks.
            start: ``inherited`` or a ``.safetensors`` file.
            data: folder of the images; None: where they were fetched to.
            n_images: number of val images to ask.

        Raises:
            CheckpointError: there are no such weights, or they are of another space.
        """
        from ..bench.datasets import get_dataset
        from ..cotrain.weights import HEADS, load_weights, take_exit_heads

        path = bench.table.path.parent / WEIGHTS if start == "inherited" else Path(start)
        if not path.is_file():
            raise CheckpointError(
                f"there are no weights {path}; expected inherited or a .safetensors file."
            )
        net = load_weights(path)
        if net.space.hash != bench.table.space.hash:
            raise CheckpointError(
                f"{path} is of space {net.space.name!r}, not {bench.table.space.name!r}."
            )
        take_exit_heads(net, path.with_name(HEADS))
        dataset = get_dataset(bench.table.dataset)
        return cls(net, file_hash(path), dataset.load(data), dataset, n_images)

    @property
    def images(self) -> Images:
        """The images of val that are asked, the first ones."""
        val = self.splits[SPLIT]
        return val.subset(np.arange(min(self.n_images, len(val))))

    def network(self, name: str) -> FakeQuantised:
        """A network with inherited weights and 8 bits everywhere, calibrated on training images.

        Raises:
            ArchitectureError: it is not in the space, or there are no weights for its exit.
        """
        from ..cotrain.calibration import calibration_images
        from ..cotrain.fake_quantised import fake_quantised
        from ..cotrain.recalibrate import calibrated

        if name not in self._made:
            plain = calibrated(self.net.inherit(name), self.splits["train"], self.dataset)
            shown = calibration_images(self.splits, self.dataset)
            self._made[name] = fake_quantised(plain, None, shown)
        return self._made[name]

    def accuracy(self, mixed: MixedNetwork) -> float:
        """Accuracy on val of a network that is run with its bits."""
        network = self.network(mixed.network)
        network.set_bits(mixed.bits)
        return measured_accuracy(network, self.images, self.dataset)

    def sensitivity(self, name: str, folder: Path | None) -> Sensitivity:
        """The sensitivity of a network, from a folder where the same was measured before.

        Args:
            name: name of the network, ``ARCHITECTURE[@EXIT]``.
            folder: folder in which it is kept; None: nowhere.
        """
        question = {"weights_sha256": self.digest, "images": len(self.images)}
        file = None if folder is None else folder / f"{name}.json"
        if file is not None and file.is_file():
            document = read_json(file, dict[str, Any])
            if document.get("question") == question:
                return Sensitivity.from_dict(document["sensitivity"])
        measured = measured_sensitivity(self.network(name), self.images, self.dataset)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            document = {"question": question, "sensitivity": measured.as_dict()}
            with replacing(file) as partial:
                partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        return measured


def parsed(names: Sequence[str], space: str) -> tuple[list[str], list[MixedNetwork]]:
    """Networks to search bits for, and networks that have bits already, each once.

    Raises:
        ConstraintError: there is no name.
        ArchitectureError: a name of neither kind.
    """
    if not names:
        raise ConstraintError("no network is named; expected ARCHITECTURE[@EXIT][:BITS], some.")
    free, mixed = [], []
    for name in names:
        if ":" in name:
            mixed.append(MixedNetwork.parse(name, space))
        else:
            free.append(MixedNetwork.of(name, "w8a8", space).network)
    return list(dict.fromkeys(free)), list(dict.fromkeys(mixed))


def spread_over(front: Sequence[BitsPoint], n: int) -> list[BitsPoint]:
    """Some points of a front, evenly from one end to the other."""
    places = np.linspace(0, len(front) - 1, min(n, len(front)))
    return [front[i] for i in sorted({round(float(place)) for place in places})]


def bits_report(
    bench: Benchmark,
    names: Sequence[str],
    settings: BitsSettings,
    start: str = "inherited",
    data: Path | None = None,
    folder: Path | None = None,
    tell: Callable[[str], object] = lambda line: None,
) -> dict[str, Any]:
    """What bits per stage do to networks, as plain JSON.

    Args:
        bench: table whose space, data set and weights are meant.
        names: networks, ``ARCHITECTURE[@EXIT]`` to search bits for, or with ``:BITS`` to be run.
        settings: number of images, budget, seed, and points to run.
        start: ``inherited`` or a ``.safetensors`` file.
        data: folder of the images; None: where they were fetched to.
        folder: folder in which sensitivities are kept; None: nowhere.
        tell: called with a line about what is done next.

    Raises:
        ArchitectureError: a network or bits that there are not.
        CheckpointError: there are no such weights, or they are of another space.
        ConstraintError: no network is named.
    """
    free, mixed = parsed(names, bench.table.space.name)
    lab = Lab.of(bench, start, data, settings.images)
    n_classes = lab.dataset.n_classes
    rows: list[dict[str, Any]] = []
    for one in mixed:
        tell(f"asking {one.name} about {len(lab.images):,} images of {SPLIT}")
        costs = one.costs(n_classes)
        point = BitsPoint(
            one, lab.accuracy(one), int(costs.bitops(one.bits)), float(costs.weights_mib(one.bits))
        )
        rows.append({**point.as_dict(), "provenance": dict(RUN_PROVENANCE)})
    sensitivities = []
    for name in free:
        tell(f"stage by stage: {name}, {len(lab.images):,} images of {SPLIT}")
        sensitivities.append(lab.sensitivity(name, folder))
    front = []
    if sensitivities:
        front = searched_front(sensitivities, settings.budget, settings.seed)
    checked = []
    for point in spread_over(front, settings.check) if settings.check else []:
        tell(f"asking {point.network.name}")
        checked.append(
            {
                "network": point.network.name,
                "predicted": round(point.accuracy, 6),
                "simulated": round(lab.accuracy(point.network), 6),
            }
        )
    return {
        "config": {
            "networks": list(names),
            "start": start,
            "weights_sha256": lab.digest,
            "split": SPLIT,
            "images": len(lab.images),
            "budget": settings.budget,
            "seed": settings.seed,
        },
        "run": rows,
        "sensitivity": [one.as_dict() for one in sensitivities],
        "front": [point.as_dict() for point in front],
        "checked": checked,
    }
