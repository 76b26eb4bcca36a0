"""What accuracy is turned into before a member learns it, and back again.

Members that are linear somewhere run on past what the weights of one supernet can do at all: the
more a network costs, the better they call it, without end. Under a logit link they learn

    z = log((a - floor) / (ceiling - a)),    a = floor + (ceiling - floor) / (1 + exp(-z)),

so that what they predict levels off. The floor is chance, one in the number of classes. The
ceiling is above the best network that was learnt from by a share of what that one has left to 1;
the share is the one under which a ridge regression, each network predicted without itself (leave
one out, in closed form), has the least squared error in accuracy. So both come from the training
rows alone, and choosing them costs no fit of the member.

A mean in z becomes the median in accuracy, a standard deviation half the distance between what lies
one deviation above and one below. Conformal intervals are calibrated after that, in accuracy.

Source: McCullagh and Nelder 1989, "Generalized Linear Models" (section 2.2.3, link functions), with
a ceiling below 1 as in item response models with four parameters (Barton and Lord 1981).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import SurrogateError, UnknownNameError
from .members.ridge import fit_ridge
from .networks import Networks

Array = NDArray[np.float64]

LINKS = ("identity", "logit")
#: Ceilings to choose from: how much of what the best network has left to 1.
SHARES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
#: Of the range: what is as poor as chance, or at the ceiling, counts as this far from it.
LEAST, MOST = 0.005, 0.999


@dataclass(frozen=True)
class Link:
    """Turns accuracy into what a member learns.

    Attributes:
        kind: name of the link, one of ``LINKS``.
        floor: accuracy that nothing falls below, a fraction; 0 for the identity.
        ceiling: accuracy that nothing exceeds; 1 for the identity.

    Raises:
        UnknownNameError: there is no link of that name.
        SurrogateError: the floor does not lie below the ceiling, or one is not a fraction.

    >>> link = Link("logit", 0.1, 0.9)
    >>> float(link.inverse(link.forward(np.array([0.7])))[0].round(6))
    0.7
    """

    kind: str = "identity"
    floor: float = 0.0
    ceiling: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in LINKS:
            raise UnknownNameError("link", self.kind, LINKS)
        if not 0 <= self.floor < self.ceiling <= 1:
            raise SurrogateError(
                f"a link from {self.floor:g} to {self.ceiling:g} is not usable; expected a floor "
                "below the ceiling, both fractions."
            )

    def forward(self, accuracy: Array) -> Array:
        """What a member learns, shape as ``accuracy``."""
        if self.kind == "identity":
            return np.asarray(accuracy, np.float64)
        share = (np.asarray(accuracy, np.float64) - self.floor) / (self.ceiling - self.floor)
        share = np.clip(share, LEAST, MOST)
        return np.asarray(np.log(share / (1 - share)))

    def inverse(self, values: Array) -> Array:
        """Accuracy in [0, 1], shape as ``values``."""
        if self.kind == "identity":
            return np.clip(values, 0.0, 1.0)
        share = 0.5 * (1 + np.tanh(0.5 * np.asarray(values, np.float64)))
        accuracy = self.floor + (self.ceiling - self.floor) * share
        return np.clip(accuracy, self.floor, self.ceiling)  # rounding passes them by a bit

    def slope(self, accuracy: Array) -> Array:
        """What a member learns, by accuracy: the derivative of ``forward``, shape as given."""
        if self.kind == "identity":
            return np.ones_like(np.asarray(accuracy, np.float64))
        span = self.ceiling - self.floor
        share = np.clip((np.asarray(accuracy, np.float64) - self.floor) / span, LEAST, MOST)
        return np.asarray(1 / (span * share * (1 - share)))

    def std(self, values: Array, std: Array) -> Array:
        """Standard deviation of accuracy, given that of what a member predicts."""
        if self.kind == "identity":
            return np.asarray(std)
        return np.asarray(0.5 * (self.inverse(values + std) - self.inverse(values - std)))

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Link:
        """The inverse of ``as_dict``."""
        return cls(str(raw["kind"]), float(raw["floor"]), float(raw["ceiling"]))


def fit_link(kind: str, networks: Networks, accuracy: Array) -> Link:
    """The link of a kind for networks that are learnt from.

    Args:
        kind: name of the link, one of ``LINKS``.
        networks: networks to learn from.
        accuracy: accuracy of each network, a fraction, shape (n,).

    Raises:
        UnknownNameError: there is no link of that name.
        SurrogateError: no network is better than chance.
    """
    if kind == "identity":
        return Link()
    chance, best = 1 / networks.n_classes, float(np.max(accuracy))
    if best <= chance:
        raise SurrogateError(
            f"no network is better than chance ({chance:g}), the best has {best:g}: there is "
            "nothing to learn. Train the networks, or fit with the link 'identity'."
        )
    if best >= 1:
        return Link(kind, chance, 1.0)
    features, links = networks.features.astype(np.float64), []
    for share in SHARES:
        link = Link(kind, chance, best + share * (1 - best))
        z = link.forward(accuracy)[:, None]
        without = z - fit_ridge(features, z)[3]
        off = link.inverse(without[:, 0]) - accuracy
        links.append((float((off**2).mean()), link))
    return min(links, key=lambda each: each[0])[1]
