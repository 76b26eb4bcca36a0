"""Progressive shrinking: a supernet whose small networks are carved out of its largest one.

The largest network is trained alone. Then each phase of the schedule lets paths be smaller in one
more respect (kernel, depth, expansion), while everything allowed before stays allowed. Each step
takes the largest path and a smaller one, which learns from the labels and from the largest one's
answers. Before the first phase that narrows layers, the channels inside each layer are sorted, so
that what a narrow layer keeps are the channels that matter most.

Phases are those of a supernet's schedule and are trained by `SupernetRun`, one after the other;
a run that was killed goes on. ``progressive_shrinking.toml`` starts from random weights,
``progressive_warm.toml`` from a supernet that is trained.

Where it departs from the source: the teacher is the largest path as it is at that step, not a copy
kept from the first phase, as in Yu et al. 2020, BigNAS (section 3.1, in-place distillation), which
has one phase only; one smaller path a step; kernels are cropped without transformation matrices,
and batch norms belong to one choice each (``supernet.py``).

Source: Cai et al. 2020, Once-for-All (section 3.3, progressive shrinking; sorting by L1 norm).
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch
from torch import nn

from ..bench.datasets import Images
from ..bench.documents import Line, read_json
from ..bench.errors import BigLittleError, CheckpointError
from ..bench.files import replacing, why_unreadable
from ..bench.locks import holding
from ..bench.networks import weights_hash
from ..bench.spaces import get_space
from .checkpoint import load_checkpoint, restoring, save_checkpoint
from .schedule import Phase, Schedule
from .supernet import ElasticLayer, Supernet
from .train_supernet import Progress, SupernetRun
from .weights import kept_facts, load_weights, save_weights

log = logging.getLogger(__name__)

FROM_SCRATCH = Path(__file__).with_name("progressive_shrinking.toml")
FROM_TRAINED = Path(__file__).with_name("progressive_warm.toml")
WEIGHTS, START = "supernet.safetensors", "start.json"


def hidden_channels(space_name: str, choices: set[str]) -> dict[str, int]:
    """Channels inside a block of each choice, in the first layer; 0 for what has none."""
    space = get_space(space_name)
    channels = {}
    for name in choices:
        operators = space.build_layer(space.layers[0], space.choices.index(name))
        convs = [op for op in operators if op.kind == "conv"]
        channels[name] = convs[0].out_channels if len(convs) == 3 else 0
    return channels


def opened(phase: Phase, anchor: str) -> set[str]:
    """Choices that paths of a phase can make."""
    choices = {anchor}
    for rule in (phase.large, phase.small):
        if rule is not None:
            choices |= {c for c, weight in rule.weights.items() if weight > 0}
            choices |= {"skip"} if rule.skip_high > 0 or rule.all_skip > 0 else set()
    return choices


def first_narrow(schedule: Schedule) -> int | None:
    """Index of the first phase in which some path is narrower than the anchor; None: none is."""
    for index, phase in enumerate(schedule.phases):
        width = hidden_channels(schedule.space, opened(phase, schedule.anchor) - {"skip"})
        if any(n < width[schedule.anchor] for n in width.values()):
            return index
    return None


def check_shrinking(schedule: Schedule) -> None:
    """Refuses a schedule that is not one of progressive shrinking.

    Raises:
        BigLittleError: the anchor is not the widest choice, a later phase forbids what an earlier
            one allowed, or the first phase trains more than the largest network.
    """
    before: set[str] = set()
    width = hidden_channels(schedule.space, set(schedule.trained_choices) - {"skip"})
    if width[schedule.anchor] < max(width.values()):
        widest = max(width, key=lambda name: width[name])
        raise BigLittleError(
            f"the anchor {schedule.anchor} is narrower than {widest}; expected the largest "
            "network, from which all others are carved."
        )
    if schedule.phases[0].large is not None or schedule.phases[0].small is not None:
        raise BigLittleError(
            f"the first phase {schedule.phases[0].name!r} draws paths; expected one that trains "
            "the largest network alone."
        )
    for phase in schedule.phases:
        now = opened(phase, schedule.anchor)
        if phase.large is not None:
            raise BigLittleError(
                f"phase {phase.name!r} draws its large path; expected none, so that the largest "
                "network teaches."
            )
        if before - now:
            raise BigLittleError(
                f"phase {phase.name!r} no longer allows {', '.join(sorted(before - now))}; "
                "expected phases that only allow more."
            )
        before = now


@torch.no_grad()
def sort_channels(net: Supernet, choice: str) -> None:
    """Orders the channels inside every layer by what the layer makes of them, largest first.

    What ``choice`` and all choices at least as wide compute stays the same. Narrower ones, which
    keep the first channels, compute something else than before. Sorting twice is sorting once.

    Args:
        net: the supernet, which is changed in place.
        choice: choice whose channels are sorted; importance is the L1 norm of their outgoing
            weights.
    """
    index = net.space.choices.index(choice)
    for module in net.layers:
        layer = cast(ElasticLayer, module)
        norms = [cast(nn.ModuleList, choices) for choices in layer.norms]
        n = cast(nn.BatchNorm2d, norms[index][0]).num_features
        expand, depthwise, project = layer.shared
        order = project[:, :n].abs().sum(dim=(0, 2, 3)).argsort(descending=True, stable=True)
        for weight in (expand, depthwise):
            weight[:n] = weight[:n][order]
        project[:, :n] = project[:, :n][:, order]
        for three in norms:
            if len(three) < 3 or cast(nn.BatchNorm2d, three[0]).num_features < n:
                continue  # a skip, or narrower
            for norm in three[:2]:
                for key in ("weight", "bias", "running_mean", "running_var"):
                    values = getattr(norm, key)
                    values[:n] = values[:n][order]


def shrink(
    schedule: Schedule,
    folder: Path,
    splits: dict[str, Images],
    start: Path | None = None,
    device: str = "cpu",
    threads: int | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    validate: int = 1000,
) -> Path:
    """The weights of a supernet trained by progressive shrinking, a ``.safetensors`` file.

    Args:
        schedule: schedule that `check_shrinking` accepts.
        folder: folder of the checkpoint and the weights; a run in it goes on, a finished one is
            read.
        splits: images and labels by split, from ``Dataset.load``.
        start: weights of a trained supernet to begin with; None: random ones. Channels are sorted
            only in the second case: in a trained supernet narrow choices already use the first.
        device: torch device that the supernet trains on.
        threads: torch threads; None leaves them as they are.
        on_progress: called every few steps.
        validate: validation images looked at after each epoch; 0: none.

    Raises:
        BigLittleError: a schedule that is not one of progressive shrinking.
        CheckpointError: the folder holds another run, or the start is of another space.
        TrainingError: the loss is not finite.
    """
    check_shrinking(schedule)
    folder.mkdir(parents=True, exist_ok=True)
    with holding(folder):
        _begin(schedule, folder, start)
        narrow = first_narrow(schedule)
        for index in range(len(schedule.phases)):
            stage = dataclasses.replace(schedule, phases=schedule.phases[: index + 1])
            begins = stage.n_epochs - len(stage.phases[-1].resolutions)
            if _finished_epochs(folder) >= stage.n_epochs and index + 1 < len(schedule.phases):
                continue
            run = SupernetRun(stage, folder, splits, device, threads)
            if start is None and index == narrow and (run.epoch, run.step) == (begins, 0):
                log.info("phase %r: channels are sorted", stage.phases[-1].name)
                sort_channels(run.net, schedule.anchor)
                run.optimizer.forget()  # the momentum is of channels in another order
            net = run.train(on_progress, validate=validate)
        path = folder / WEIGHTS
        facts = {
            "dataset": schedule.dataset,
            "epochs": str(schedule.n_epochs),
            "choices": json.dumps(schedule.trained_choices),
            "training": "progressive shrinking",
            "schedule": json.dumps(schedule.as_dict()),
            "start_sha256": _start_hash(start),
        }
        save_weights(path, net.cpu(), facts)
        return path


def _finished_epochs(folder: Path) -> int:
    path = folder / "supernet.h5"
    if not path.exists():
        return 0
    progress, _ = load_checkpoint(path)
    with restoring(path):
        return int(progress["epoch"])


def _start_hash(start: Path | None) -> str:
    return "random" if start is None else weights_hash(load_weights(start))


def _begin(schedule: Schedule, folder: Path, start: Path | None) -> None:
    """Notes what a run begins with; lays its first checkpoint where that is trained weights."""
    noted, checkpoint = folder / START, folder / "supernet.h5"
    digest = _start_hash(start)
    if noted.exists():
        try:
            stored = read_json(noted, dict[str, Line])["start_sha256"]
        except (OSError, ValueError, KeyError) as error:
            damaged = f"it is damaged ({error}). Delete the folder, or name another."
            raise CheckpointError(
                f"{noted} cannot be read: {why_unreadable(error, damaged)}"
            ) from error
        if stored != digest:
            raise CheckpointError(
                f"the run in {folder} began with other weights ({stored[:12]}, asked for: "
                f"{digest[:12]}). Name another folder, or delete it."
            )
    elif checkpoint.exists():
        raise CheckpointError(
            f"{checkpoint} is of a run that is not progressive shrinking; name another folder."
        )
    if start is not None and not checkpoint.exists():
        net = load_weights(start)
        if net.space.name != schedule.space:
            raise CheckpointError(
                f"{start} is of space {net.space.name!r}, the schedule of {schedule.space!r}."
            )
        first = dataclasses.replace(schedule, phases=schedule.phases[:1])
        identity = {"space_hash": net.space.hash, "schedule": first.as_dict()}
        progress = {"epoch": 0, "step": 0, "elapsed_s": 0.0}
        save_checkpoint(checkpoint, identity, progress, weights=net.state_dict())
    with replacing(noted) as partial:
        partial.write_text(json.dumps({"start_sha256": digest}) + "\n", encoding="utf-8")


def trained_choices(weights: Path, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """Choices that the weights of a supernet were trained for, as the file says.

    Args:
        weights: weights of a supernet, as from `shrink`.
        default: choices of a file that does not name its own.

    Raises:
        CheckpointError: it says nothing, and there is no ``default``.
    """
    choices = kept_facts(weights).choices
    if choices is not None:
        return tuple(choices)
    if default is None:
        raise CheckpointError(f"{weights} does not say for which choices it was trained.")
    return default


def shorter(schedule: Schedule, epochs: int) -> Schedule:
    """The schedule with at most ``epochs`` epochs in each phase: the last ones, at full size.

    Raises:
        BigLittleError: fewer than one epoch a phase.
    """
    if epochs < 1:
        raise BigLittleError(f"{epochs} epochs a phase; expected at least 1.")
    phases = tuple(
        dataclasses.replace(p, resolutions=p.resolutions[-epochs:]) for p in schedule.phases
    )
    return dataclasses.replace(schedule, phases=phases)


def log_progress(told: Progress) -> None:
    """A line in the log: where a run stands."""
    log.info(
        "epoch %d/%d step %d/%d loss %.3f accuracy %.3f, %.0f min left in this phase",
        told.epoch + 1,
        told.n_epochs,
        told.step,
        told.steps_per_epoch,
        told.loss,
        told.accuracy,
        told.eta_s / 60,
    )
