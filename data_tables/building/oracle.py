"""The dense teacher as a row of its table: the oracle that a cascade may escalate to.

It is no architecture of the space, so that it stands beside the networks of the space by its name,
with MACs and parameters counted here and no latency on any device.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from ...bench.datasets import Dataset
from ...bench.errors import TableError
from ...bench.external_networks import names_of
from ...bench.files import file_hash
from ...bench.own.beside import external_network, write_beside
from ...bench.table import Table
from ...cotrain.evaluate import logits_of
from ...cotrain.teacher import Teacher, load_teacher
from ...cotrain.tensors import read_tensors
from .plan import Plan
from .recipe import TEACHER_NAME

#: What the network is called in its table.
NAME = "teacher"


def macs_of(teacher: Teacher, dataset: Dataset) -> int:
    """Multiply-accumulates of a teacher for one image."""
    shape = (1, len(dataset.mean), dataset.height, dataset.height)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        teacher(torch.zeros(shape))
    return int(counter.get_total_flops()) // 2  # a multiplication and an addition each


def add_teacher(plan: Plan, path: Path) -> str:
    """Adds what the teacher answers to a table, once; returns a line that says what was done.

    Args:
        plan: build of the table, whose working folder or recipe has the teacher's weights.
        path: file of the table, which gets one row more.

    Raises:
        TableError: there is no teacher, or no table.
        CheckpointError: the weights are not those of a teacher of these images.
    """
    places = (plan.working / TEACHER_NAME, plan.recipe.teacher)
    weights = next((place for place in places if place.exists()), None)
    if weights is None:
        raise TableError(
            f"there is no teacher to ask: neither {places[0]} nor {places[1]} exists; train one: "
            "biglittle table build --stage teacher."
        )
    table = Table(path)
    if NAME in names_of(table.networks):
        return f"{path} has a row of the teacher already"
    images = plan.images()
    teacher = load_teacher(weights, images["train"], plan.dataset)
    facts, tensors = read_tensors(weights)
    seen = int(json.loads(facts.get("recipe", "{}")).get("images", 0))
    new = external_network(
        table,
        NAME,
        {s: logits_of(teacher, images[s], plan.dataset) for s in ("val", "test")},
        kind="logits",
        macs=macs_of(teacher, plan.dataset),
        params=sum(tensor.numel() for tensor in tensors.values()),
        weights_sha256=file_hash(weights),
        epochs=round(seen / len(images["train"])),
        images=seen,
    )
    digest = write_beside(table, new, path)
    return f"the teacher is a row of {path}, SHA-256 {digest}"
