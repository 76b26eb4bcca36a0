"""How a differentiable search is run; apart, so that a command's help needs no PyTorch."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ..bench.errors import ConstraintError, UnknownNameError

PATHS = ("two", "all")


@dataclass(frozen=True)
class DartsSettings:
    """How a differentiable search is run.

    Attributes:
        choices: names of the choices of every layer; None: all of the space's.
        paths: ``two``: a step computes two choices of each layer; ``all``: it computes every one.
        steps: steps of the architecture weights; the supernet's weights take as many.
        batch: number of images of each step.
        resolution: rows of the images; a lower one is cheaper and rougher.
        latency_weight: weight of the expected latency in the loss, in units of the scale.
        latency_ms: mean latency that the pair is to have; None: the less the better.
        entropy_weight: weight of the entropy bonus in the first step; it fades linearly to 0.
        sharpness: factor of the architecture weights before their softmax in the last step; it
            rises from 1, so that what is searched becomes what is derived.
        temperature: width of the relaxed gate, in units of max_prob.
        threshold: value of max_prob with which the search begins; it is learned with the rest.
        architecture_rate: learning rate of Adam, for architecture weights and threshold.
        weights_rate: learning rate of SGD, for the supernet; small, because it is trained already.
            0: the weights stay, and no time is spent on them.
        bits: whether bits of every stage are searched for, too (4, 6 or 8).
        bitops_weight: weight of the expected mean BitOps in the loss, in units of the most they
            could be.
        gbitops: mean BitOps in billions that the pair is to have; None: the fewer the better.
        seed: seed of images, augmentation and where the architecture weights begin.

    Raises:
        ConstraintError: a number that cannot be searched with.
        UnknownNameError: the kind of paths is neither ``two`` nor ``all``.
    """

    choices: tuple[str, ...] | None = None
    paths: str = "two"
    steps: int = 400
    batch: int = 64
    resolution: int = 32
    latency_weight: float = 0.3
    latency_ms: float | None = None
    entropy_weight: float = 0.05
    sharpness: float = 10.0
    temperature: float = 0.1
    threshold: float = 0.7
    architecture_rate: float = 0.03
    weights_rate: float = 0.005
    bits: bool = False
    bitops_weight: float = 1.0
    gbitops: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        whole = {"steps": self.steps, "batch": self.batch, "resolution": self.resolution}
        target = 1.0 if self.latency_ms is None else self.latency_ms
        aim = 1.0 if self.gbitops is None else self.gbitops
        rates = (self.temperature, self.architecture_rate, self.sharpness, target, aim)
        signless = (
            *(self.latency_weight, self.entropy_weight, self.weights_rate),
            self.bitops_weight,
        )
        if self.paths not in PATHS:
            raise UnknownNameError("kind of paths", self.paths, PATHS)
        if (
            min(whole.values()) < 1
            or self.batch < 2
            or min(rates) <= 0
            or min(signless) < 0
            or not 0 < self.threshold < 1
        ):
            raise ConstraintError(
                f"settings {asdict(self)} cannot be searched with; expected at least 1 step, 2 "
                "images a batch, a positive temperature, sharpness, latency, BitOps and rate of "
                "the architecture, weights of at least 0 and a threshold between 0 and 1."
            )
        if self.gbitops is not None and not self.bits:
            raise ConstraintError(
                f"{self.gbitops:g} billion BitOps are aimed at, but no bits are searched for; add "
                "--bits, or leave --gbitops out."
            )


#: For a trained supernet and a latency to aim at. Of the weights nothing changes, as they are what
#: is searched; 24 pixels cost half of 32.
WARM = DartsSettings(
    steps=120, resolution=24, latency_weight=1.0, architecture_rate=0.05, weights_rate=0.0
)
