"""What single stages of a network lose with fewer bits, measured, and what follows for all of them.

A network has 8 bits everywhere, but one stage, whose weights alone, or what its layers read alone,
have 4 or 6: what it then loses on val is the sensitivity of that stage. Losses are added up to
predict the accuracy of any bits: one network with s entries has 9^s of them, and 4 s + 1 runs, each
of the stages from the one that changed on, measure its sensitivity. Losses below 0 are chance and
count as 0, and fewer bits lose at least as much as more do.

Beside accuracy, the divergence of the answers from those at 8 bits is kept: it is steadier where
few images are asked.

Source: Dong et al. 2019, "HAWQ", and Cai et al. 2020, "ZeroQ" (equation 5: sensitivities of single
layers, by divergence, added up). We differ: stages instead of layers, weights and activations
apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..bench.bits import BITS, StageBits
from ..bench.datasets import Dataset, Images
from ..bench.errors import DatasetError
from ..bench.mixed_network import BitCosts, bit_costs

if TYPE_CHECKING:
    from ..cotrain.fake_quantised import FakeQuantised

BATCH = 64  # images a pass: activations still fit the cache
MOST = BITS[-1]
SPLIT = "val"


@dataclass(frozen=True)
class Sensitivity:
    """What the stages of one network lose, measured on images of val.

    Attributes:
        space: name of the search space.
        network: name of the network, ``ARCHITECTURE[@EXIT]``.
        n_classes: number of classes of its classifier.
        n_images: number of val images that were asked.
        accuracy: accuracy with 8 bits everywhere, a fraction.
        losses: accuracy lost where one stage alone has fewer bits, by stage (the head last),
            weights or what is read, and `BITS`, shape (n_entries, 2, 3); 0 at 8 bits.
        divergences: mean Kullback-Leibler divergence of the answers from those at 8 bits, in nats,
            of the same shape.
    """

    space: str
    network: str
    n_classes: int
    n_images: int
    accuracy: float
    losses: NDArray[np.float64]
    divergences: NDArray[np.float64]

    @property
    def n_entries(self) -> int:
        """Number of stages and the head."""
        return len(self.losses)

    @cached_property
    def costs(self) -> BitCosts:
        """What the stages cost at any bits."""
        return bit_costs(self.space, self.network, self.n_classes)

    @cached_property
    def expected_losses(self) -> NDArray[np.float64]:
        """The losses that are added up, (n_entries, 2, 3): never below 0, nor rising with bits."""
        rising = np.maximum.accumulate(self.losses.clip(0.0)[..., ::-1], axis=-1)
        return np.asarray(rising[..., ::-1])

    def _sums(self, parts: NDArray[np.float64], bits: ArrayLike) -> NDArray[np.float64]:
        index = np.searchsorted(BITS, np.asarray(bits, np.int64))
        entries = np.arange(self.n_entries)[:, None]
        return np.asarray(parts[entries, np.arange(2), index].sum(axis=(-1, -2)))

    def predicted_accuracy(self, bits: ArrayLike) -> NDArray[np.float64]:
        """Predicted accuracy on val, shape (n,), never measured; chance at the least.

        Args:
            bits: bits of weights and of what is read, shape (n, n_entries, 2).
        """
        left = self.accuracy - self._sums(self.expected_losses, bits)
        return np.asarray(left.clip(min(1 / self.n_classes, self.accuracy)))

    def summed_divergence(self, bits: ArrayLike) -> NDArray[np.float64]:
        """Divergences of the single stages added up, in nats, shape (n,); arguments as above."""
        return self._sums(self.divergences, bits)

    def as_dict(self) -> dict[str, Any]:
        """The sensitivity as plain JSON."""
        return {
            **{name: getattr(self, name) for name in ("space", "network", "n_classes")},
            "n_images": self.n_images,
            "accuracy": self.accuracy,
            "losses": self.losses.round(6).tolist(),
            "divergences": self.divergences.round(6).tolist(),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Sensitivity:
        """The sensitivity that `as_dict` wrote."""
        arrays = {name: np.array(plain[name], np.float64) for name in ("losses", "divergences")}
        return cls(**{**plain, **arrays})


def uniform(n_entries: int, bits: int = MOST) -> StageBits:
    """The same bits for all stages, weights and what is read alike."""
    return ((bits, bits),) * n_entries


def _batches(images: Images, dataset: Dataset) -> Any:
    import torch

    from ..cotrain.images import normalised

    if not len(images):
        raise DatasetError(f"0 images of {SPLIT}; expected at least 1.")
    for start in range(0, len(images), BATCH):
        part = images.subset(np.arange(start, min(start + BATCH, len(images))))
        shown = normalised(part, dataset).contiguous(memory_format=torch.channels_last)
        yield shown, torch.from_numpy(part.labels.astype(np.int64))


def measured_sensitivity(
    network: FakeQuantised,
    images: Images,
    dataset: Dataset,
    on_batch: Callable[[int], None] | None = None,
) -> Sensitivity:
    """What each stage of a network loses alone, on images of val.

    Args:
        network: the network, calibrated; it has 8 bits everywhere afterwards.
        images: images of val with their labels.
        dataset: facts of the images, such as their mean.
        on_batch: called with the number of images that are done.

    Raises:
        DatasetError: there is no image.
    """
    import torch

    n, starts = network.n_entries, network.starts()
    base = uniform(n)
    hits = np.zeros((n, 2, len(BITS)), np.int64)
    apart = np.zeros(hits.shape)
    right, done = 0, 0
    idle = bit_costs(network.space, network.name, dataset.n_classes).idle
    with torch.no_grad():
        for shown, labels in _batches(images, dataset):
            network.set_bits(base)
            features, at, x = {}, 0, shown
            for start in starts:
                x = network.run(x, at, start)
                features[start], at = x, start
            log = network.run(x, at).log_softmax(dim=1)
            alike = (log.argmax(dim=1) == labels).sum().item()
            right, done = right + alike, done + len(labels)
            hits[..., -1] += alike
            for k, start in enumerate(starts):
                for side in range(2):
                    for b, bits in enumerate(BITS[:-1]):
                        if idle[k]:
                            hits[k, side, b] += alike
                            continue
                        pair = (bits, MOST) if side == 0 else (MOST, bits)
                        network.set_bits((*base[:k], pair, *base[k + 1 :]))
                        other = network.run(features[start], start).log_softmax(dim=1)
                        hits[k, side, b] += (other.argmax(dim=1) == labels).sum().item()
                        apart[k, side, b] += (log.exp() * (log - other)).sum().item()
            if on_batch is not None:
                on_batch(done)
    network.set_bits(base)
    return Sensitivity(
        space=network.space,
        network=network.name,
        n_classes=dataset.n_classes,
        n_images=done,
        accuracy=right / done,
        losses=(right - hits) / done,
        divergences=apart / done,
    )


def measured_probabilities(
    network: FakeQuantised, images: Images, dataset: Dataset
) -> NDArray[np.float64]:
    """What a network with the bits it has says about images, shape (n_images, n_classes).

    Args:
        network: the network, calibrated and in evaluation mode.
        images: images to ask about.
        dataset: facts of the images, such as their mean.

    Raises:
        DatasetError: there is no image.
    """
    import torch

    with torch.no_grad():
        parts = [
            network(shown).double().softmax(dim=1).numpy() for shown, _ in _batches(images, dataset)
        ]
    return np.concatenate(parts)


def measured_accuracy(network: FakeQuantised, images: Images, dataset: Dataset) -> float:
    """Accuracy of a network with the bits it has, a fraction of some images.

    Args:
        network: the network, calibrated and in evaluation mode.
        images: images with their labels.
        dataset: facts of the images, such as their mean.

    Raises:
        DatasetError: there is no image.
    """
    answers = measured_probabilities(network, images, dataset).argmax(axis=1)
    return float((answers == images.labels).mean())


def random_bits(
    rng: np.random.Generator, n_entries: int, n: int, low: Sequence[float] = (0.15, 0.3, 0.55)
) -> list[StageBits]:
    """Random bits of every stage, each network with a leaning of its own.

    Args:
        rng: source of the random draws.
        n_entries: number of stages and the head.
        n: number of assignments to draw.
        low: chances of 4, 6 and 8 bits at one end; at the other they are turned around.
    """
    out: list[StageBits] = []
    for share in np.linspace(0, 1, n):
        chances = (1 - share) * np.array(low) + share * np.array(low)[::-1]
        drawn = rng.choice(BITS, (n_entries, 2), p=chances)
        out.append(tuple((int(w), int(a)) for w, a in drawn))
    return out
