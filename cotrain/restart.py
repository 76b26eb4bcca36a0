"""Lays the checkpoint of a supernet run that goes on from kept weights."""

from __future__ import annotations

from pathlib import Path

from ..bench.errors import CheckpointError
from .checkpoint import save_checkpoint
from .exit_heads import load_exit_heads, trunk_hash
from .schedule import Schedule
from .weights import kept_facts, load_weights


def begin_from(schedule: Schedule, weights: Path, folder: Path, heads: Path | None = None) -> int:
    """Lays the checkpoint of a run that goes on from kept weights; returns its first epoch.

    For a run whose checkpoint is lost. Momentum starts empty and weights are rounded to float16,
    so that it takes other steps than the lost one would have.

    Args:
        schedule: schedule of the run; its first epochs are those the weights have seen.
        weights: a ``.safetensors`` file of a supernet that says how many epochs it has seen.
        folder: folder in which ``supernet.h5`` is written.
        heads: a ``.safetensors`` file of exit heads on those weights, for a schedule that trains
            exits; None starts them anew.

    Raises:
        CheckpointError: there is a checkpoint already, or the weights do not fit the schedule.
    """
    path, facts = folder / "supernet.h5", kept_facts(weights)
    epochs = facts.epochs
    if path.exists():
        raise CheckpointError(f"{path} is there already; go on from it, or move it away first.")
    net = load_weights(weights)
    if net.space.name != schedule.space or not 0 < epochs <= schedule.n_epochs:
        raise CheckpointError(
            f"{weights} is of space {net.space.name!r} after {epochs} epochs; expected "
            f"{schedule.space!r} after 1 to {schedule.n_epochs}."
        )
    identity = {"space_hash": net.space.hash, "schedule": schedule.as_dict()}
    progress = {"epoch": epochs, "step": 0, "elapsed_s": float(facts.seconds)}
    if heads is not None and schedule.trains_exits:
        net.exit_heads = load_exit_heads(heads, net.space, trunk_hash(net.state_dict()))
    save_checkpoint(path, identity, progress, weights=net.state_dict())
    return epochs
