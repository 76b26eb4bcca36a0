"""The dense teacher as a row of its table: the oracle that a cascade may escalate to.

It is no architecture of the space, so that it stands beside the networks of the space by its name,
with MACs and parameters counted here. Its latency is predicted on devices that ship and whose
measured networks have its operators, and unknown on the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from ...bench.datasets import Dataset
from ...bench.device import shipped_devices
from ...bench.errors import TableError
from ...bench.external_networks import names_of
from ...bench.files import file_hash
from ...bench.own.beside import external_network, write_beside
from ...bench.table import Table
from ...cotrain.evaluate import logits_of
from ...cotrain.teacher import Teacher, load_teacher
from ...cotrain.tensors import read_tensors
from ..devices.predict import predict_each
from ..devices.prediction import Prediction
from .onnx_teacher import teacher_model
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


def predictions(
    teacher: Teacher, dataset: Dataset, devices: Iterable[str]
) -> dict[str, Prediction]:
    """What a teacher takes on the devices that it can be predicted for, by name.

    Args:
        teacher: the teacher; its weights change nothing.
        dataset: facts of its images.
        devices: names of devices; those that do not ship are passed over.
    """
    told = {}
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{NAME}.onnx"
        file.write_bytes(teacher_model(teacher, dataset).SerializeToString())
        for device in (d for d in devices if d in shipped_devices()):
            (answer,) = predict_each(device, [file])
            if isinstance(answer, Prediction):
                told[device] = answer
    return told


def predicted_costs(told: Mapping[str, Prediction]) -> dict[str, dict[str, float]]:
    """Latency in ms and energy in mJ of one image, by figure and device."""
    energy = {device: p.energy_mj for device, p in told.items() if p.energy_mj is not None}
    return {"latency_ms": {d: p.latency_ms for d, p in told.items()}, "energy_mj": energy}


def known_costs(table: Table) -> dict[str, dict[str, float]]:
    """The same as a table has it of its teacher."""
    row = int(np.flatnonzero(table.networks["architecture"] == NAME)[0])
    columns = {device: table.device_columns(device) for device in table.devices}
    return {
        figure: {
            device: float(of[figure][row])
            for device, of in columns.items()
            if np.isfinite(of[figure][row])
        }
        for figure in ("latency_ms", "energy_mj")
    }


def add_teacher(plan: Plan, path: Path) -> str:
    """Adds what the teacher answers to a table, once; returns a line that says what was done.

    A row whose costs are others than what is predicted today is made again.

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
    images = plan.images()
    teacher = load_teacher(weights, images["train"], plan.dataset)
    costs = predicted_costs(predictions(teacher, plan.dataset, table.devices))
    if NAME in names_of(table.networks) and known_costs(table) == costs:
        return f"{path} has a row of the teacher already"
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
        **costs,
        costs_are={"latency_ms": "predicted", "energy_mj": "modelled"},
    )
    digest = write_beside(table, new, path, again=True)
    return f"the teacher is a row of {path}, SHA-256 {digest}"
