"""Fits a surrogate on a benchmark table and writes it as ONNX and JSON.

Two models: a member predicts the accuracy of single networks, a pair model what a gate makes of two
of them. Both are fitted on ``val``, where thresholds are chosen; ``test`` is only reported. What is
shipped is fitted on the networks that the table does not hold out, and its intervals are calibrated
on those that it does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.errors import SurrogateError, UnknownNameError
from ..bench.network_names import network_names
from .answer_noise import accuracy_variance, luck_share
from .curve import GRID
from .data import MIN_NETWORKS, FitData
from .link import LINKS, fit_link
from .members import get_member
from .pairs import get_pair_model
from .support import Support
from .surrogate import FORMAT


@dataclass(frozen=True)
class Recipe:
    """Which models a surrogate is made of.

    Attributes:
        accuracy: name of the member that predicts single networks.
        pairs: name of the pair model.
        points: name of the member that the pair model uses for what it keeps of single networks.
        link: name of what accuracy is turned into before the first member learns it, see
            ``link.py``.
    """

    accuracy: str = "gaussian_process_ard"
    pairs: str = "item_response"
    points: str = "gaussian_process_ard"
    link: str = "logit"

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """A recipe such as ``ridge``, ``ridge:identity`` or ``ridge:logit/item_response/ridge``.

        A member alone goes with the default link and the default pair model, whose points it
        predicts as well; the ensemble, which would be slow there, leaves them to the Gaussian
        process.

        Raises:
            SurrogateError: the text has more than three parts.
            UnknownNameError: a name that no member, link or pair model has.
        """
        parts = text.split("/")
        if not 1 <= len(parts) <= 3:
            raise SurrogateError(f"recipe {text!r} has {len(parts)} parts; expected 1 to 3.")
        accuracy, _, link = parts[0].partition(":")
        pairs = parts[1] if len(parts) > 1 else cls.pairs
        own = cls.points if accuracy == "ensemble" else accuracy
        points = parts[2] if len(parts) > 2 else own
        recipe = cls(accuracy, pairs, points, link or cls.link)
        get_member(recipe.accuracy), get_member(recipe.points), get_pair_model(recipe.pairs)
        if recipe.link not in LINKS:
            raise UnknownNameError("link", recipe.link, LINKS)
        return recipe

    @property
    def knows_no_exits(self) -> bool:
        """Whether a part of it describes a network by its architecture alone."""
        return "gnn" in (self.accuracy, self.points, self.pairs) or self.pairs == "direct"

    def __str__(self) -> str:
        """The text that ``parse`` reads."""
        return f"{self.accuracy}:{self.link}/{self.pairs}/{self.points}"


@dataclass(frozen=True)
class FitSettings:
    """How a surrogate is fitted.

    Attributes:
        recipe: names of the models that it is made of.
    """

    recipe: Recipe = field(default_factory=Recipe)


def held_out(n_networks: int, seed: int = 0, share: float = 0.2) -> NDArray[np.intp]:
    """Rows of the networks that are held out of a fit, sorted; the same for the same arguments.

    Raises:
        SurrogateError: the share leaves fewer than two networks on a side.
    """
    count = round(n_networks * share)
    if not 2 <= count <= n_networks - 2:
        raise SurrogateError(
            f"holding out {share:g} of {n_networks} networks leaves fewer than two on a side; give "
            "another share or a larger table."
        )
    return np.sort(np.random.default_rng(seed).permutation(n_networks)[:count])


def fit_models(
    data: FitData, seed: int = 0, settings: FitSettings | None = None
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Document and ONNX models of a surrogate fitted on all networks of ``data``, on ``val``.

    Raises:
        MissingExtraError: something that fitting needs is not installed.
        SurrogateError: there are too few networks to fit on.
        UnknownNameError: the recipe names a model that does not exist.
    """
    if len(data) < MIN_NETWORKS // 2:
        raise SurrogateError(f"{len(data)} networks are too few to fit a surrogate on.")
    recipe, space = (settings or FitSettings()).recipe, data.space
    if data.exits is not None and recipe.knows_no_exits:
        raise SurrogateError(
            f"recipe {recipe} describes whole networks alone; with networks that are cut at exits "
            "take another, such as the default one, or fit on whole networks."
        )
    networks = data.networks
    link = fit_link(recipe.link, networks, data.accuracy())
    target, correct = link.forward(data.accuracy())[:, None], data.predictions["val"].correct
    share, n_images = luck_share(correct), correct.shape[1]
    luck = link.slope(data.accuracy()) ** 2 * accuracy_variance(data.accuracy(), share, n_images)
    member = get_member(recipe.accuracy).fit(networks, target, seed, luck[:, None])
    pairs = get_pair_model(recipe.pairs).fit(data, get_member(recipe.points), seed)
    models = {f"accuracy.{name}": content for name, content in member.files.items()}
    models |= {f"pairs.{name}": content for name, content in pairs.files.items()}
    document: dict[str, Any] = {
        "format": FORMAT,
        "recipe": str(recipe),
        "space": space.name,
        "space_hash": space.hash,
        "choices": list(data.choices),
        "n_classes": data.n_classes,
        "gates": list(data.gates),
        "split": "val",
        "n_networks": len(data),
        "seed": seed,
        "features": {"network": networks.feature_names},
        **({} if data.exits is None else {"exits": _exit_names(data)}),
        "grid": GRID.tolist(),
        "luck": {"share": share, "n_images": n_images},
        "intervals": {},
        "support": {
            "architectures": network_names(space, data.genomes, data.exits).tolist(),
            "threshold": Support(networks).threshold,
        },
        "accuracy": {"member": recipe.accuracy, "link": link.as_dict(), **member.document},
        "pairs": {"model": recipe.pairs, **pairs.document},
    }
    return document, models


def _exit_names(data: FitData) -> list[str]:
    """Names of the exits that a fit has seen."""
    assert data.exits is not None
    return data.space.exit_names(np.unique(data.exits[data.exits > 0]))
