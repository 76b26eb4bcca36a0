"""A supernet's networks with bits per stage, simulated when they are asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..bench import Benchmark
from ..bench.datasets import Dataset, Images
from ..bench.documents import read_json
from ..bench.errors import CheckpointError
from ..bench.files import file_hash, replacing
from ..bench.mixed_network import MixedNetwork
from .bit_sensitivity import SPLIT, Sensitivity, measured_accuracy, measured_sensitivity

if TYPE_CHECKING:
    from ..cotrain.fake_quantised import FakeQuantised
    from ..cotrain.supernet import Supernet

WEIGHTS = "supernet.safetensors"


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

        path = bench.beside(WEIGHTS) if start == "inherited" else Path(start)
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
