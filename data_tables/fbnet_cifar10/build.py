"""Builds the ``fbnet-cifar10`` table: train the supernet, evaluate networks, measure, assemble.

Every stage leaves files in a working folder and goes on from them, so the build can be killed at
any moment and started again. The table that ships is replaced only by a whole new one.

    working/supernet.h5            checkpoint of the supernet (``cotrain.train_supernet``)
    working/networks/ARCH.npz      what one network said about every image
    working/profile.json           this machine, measured (``edge_profiler``)
"""

from __future__ import annotations

import concurrent.futures
import datetime
import logging
import multiprocessing
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from ... import __version__
from ...bench.datasets import Images, get_dataset
from ...bench.device import load_device, shipped_devices
from ...bench.errors import TableError
from ...bench.files import replacing
from ...bench.networks import weights_hash
from ...bench.spaces import SearchSpace, get_space
from ...bench.table import (
    Predictions,
    TableContents,
    device_columns,
    encode_predictions,
    write_table,
)
from ...cotrain.checkpoint import load_checkpoint
from ...cotrain.images import normalised
from ...cotrain.recalibrate import recalibrated
from ...cotrain.schedule import Schedule, load_schedule
from ...cotrain.supernet import Supernet
from ...cotrain.train_supernet import Progress, SupernetRun
from ...cotrain.weights import save_weights
from ...edge_profiler.onnx_network import onnx_model
from .design import chosen_architectures

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent
SCHEDULE = FOLDER / "supernet.toml"
TABLE = FOLDER / "table.h5"
WEIGHTS = FOLDER / "supernet.safetensors"
NAME = "fbnet-cifar10"
RECALIBRATION_IMAGES = 1280  # ten batches of training size
RECALIBRATION_BATCH = 128  # that of training
INFERENCE_BATCH = 32  # activations of the widest network still fit the cache


@dataclass(frozen=True)
class TrainedSupernet:
    """A supernet with its weights, and how far its training went."""

    net: Supernet
    schedule: Schedule
    epochs: int
    elapsed_s: float


def _rounded(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.half().float() if tensor.is_floating_point() else tensor


def load_supernet(working: Path) -> TrainedSupernet:
    """The supernet in ``working/supernet.h5``, its weights rounded to float16.

    Rounded, because that is how they are kept: whoever has the kept weights gets the very networks
    that the table's answers come from.

    Raises:
        CheckpointError: none there, or one of another schedule.
    """
    schedule = load_schedule(SCHEDULE)
    space, dataset = get_space(schedule.space), get_dataset(schedule.dataset)
    identity = {"space_hash": space.hash, "schedule": schedule.as_dict()}
    progress, states = load_checkpoint(working / "supernet.h5", identity)
    net = Supernet(space, dataset.n_classes)
    net.load_state_dict({k: _rounded(v) for k, v in states["weights"].items()})
    return TrainedSupernet(net, schedule, progress["epoch"], progress["elapsed_s"])


def deployed(
    space: SearchSpace, architecture: str, n_classes: int, weights: dict[str, NDArray[Any]]
) -> bytes:
    """A network as it is deployed, serialised ONNX, but with a free batch axis."""
    model = onnx_model(space, architecture, n_classes, weights=weights)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    serialised: bytes = model.SerializeToString()
    return serialised


def probabilities(
    model: bytes, images: NDArray[np.float32], threads: int = 1
) -> NDArray[np.float64]:
    """Class probabilities (n, n_classes) that a deployed network gives in ONNX Runtime.

    Args:
        model: serialised ONNX with a free batch axis.
        images: normalised, (n, channels, height, width).
        threads: of ONNX Runtime.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    logits = np.concatenate(
        [
            session.run(["logits"], {name: images[i : i + INFERENCE_BATCH]})[0]
            for i in range(0, len(images), INFERENCE_BATCH)
        ]
    ).astype(np.float64)
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=1, keepdims=True))


def train(working: Path, data: Path | None, device: str = "cpu", threads: int = 1) -> None:
    """Trains the supernet, or goes on from its checkpoint, with a line in the log every minute."""
    schedule = load_schedule(SCHEDULE)
    splits = get_dataset(schedule.dataset).load(data)
    run = SupernetRun(schedule, working, splits, device, threads)

    def report(p: Progress) -> None:
        log.info(
            "epoch %d/%d step %d/%d loss %.3f accuracy %.3f, %.0f min left",
            p.epoch + 1,
            p.n_epochs,
            p.step,
            p.steps_per_epoch,
            p.loss,
            p.accuracy,
            p.eta_s / 60,
        )

    run.train(report)


class NetworkEvaluator:
    """Evaluates inherited networks, one file each.

    Args:
        net: the supernet they inherit from.
        folder: of the files.
        data: folder of the images; None for the usual place.
        threads: of torch and of ONNX Runtime.
        splits: whose images to answer.
    """

    def __init__(
        self,
        net: Supernet,
        folder: Path,
        data: Path | None,
        threads: int = 1,
        splits: tuple[str, ...] = ("val", "test"),
    ) -> None:
        torch.set_num_threads(threads)
        self.net, self.threads, self.folder = net, threads, folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.dataset = get_dataset(load_schedule(SCHEDULE).dataset)
        loaded = self.dataset.load(data)
        first = loaded["train"].subset(np.arange(RECALIBRATION_IMAGES))
        self.calibration = normalised(first, self.dataset).contiguous(
            memory_format=torch.channels_last
        )
        self.images: dict[str, Images] = {s: loaded[s] for s in splits}
        self.inputs = {
            s: np.ascontiguousarray(normalised(im, self.dataset).numpy())
            for s, im in self.images.items()
        }

    def evaluate(self, architecture: str) -> float:
        """Writes what a network says about every image; returns its accuracy on val."""
        network = self.net.inherit(architecture).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        network = recalibrated(network, self.calibration, RECALIBRATION_BATCH)
        weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        model = deployed(self.net.space, architecture, self.dataset.n_classes, weights)
        arrays: dict[str, Any] = {}
        for split, images in self.images.items():
            said = probabilities(model, self.inputs[split], self.threads)
            top1, codes = encode_predictions(said, images.labels)
            arrays[f"{split}_top1"] = top1
            arrays.update({f"{split}_{name}": code for name, code in codes.items()})
        digest = np.frombuffer(bytes.fromhex(weights_hash(network)), np.uint8)
        target = self.folder / f"{architecture}.npz"
        with replacing(target) as partial, partial.open("wb") as file:
            np.savez_compressed(file, weights_sha256=digest, **arrays)
        return float((arrays["val_top1"] == self.images["val"].labels).mean())


_EVALUATOR: NetworkEvaluator | None = None


def _start_worker(working: Path, data: Path | None) -> None:
    global _EVALUATOR
    _EVALUATOR = NetworkEvaluator(load_supernet(working).net, working / "networks", data)


def _work(architecture: str) -> tuple[str, float]:
    assert _EVALUATOR is not None
    return architecture, _EVALUATOR.evaluate(architecture)


def evaluate_networks(
    working: Path,
    data: Path | None = None,
    workers: int = 1,
) -> None:
    """Evaluates every network of the design that has no file yet, the dearest first.

    Args:
        working: the build's folder, with a trained supernet.
        data: folder of the images; None for the usual place.
        workers: processes of one thread each.
    """
    schedule = load_schedule(SCHEDULE)
    space = get_space(schedule.space)
    wanted = chosen_architectures(space, schedule.trained_choices)
    todo = [a for a in wanted if not (working / "networks" / f"{a}.npz").exists()]
    cost = space.macs(space.parse(todo), get_dataset(schedule.dataset).n_classes)
    dearest_first = [todo[i] for i in np.argsort(cost)[::-1]]
    total, done, left, started = len(todo), 0, float(np.sum(cost)), time.monotonic()
    work = dict(zip(todo, np.asarray(cost, float), strict=True))

    def report(architecture: str, accuracy: float) -> None:
        nonlocal done, left
        done, left = done + 1, left - work[architecture]
        eta = (time.monotonic() - started) * left / max(1.0, sum(work.values()) - left)
        log.info("%d/%d %s val %.4f, %.0f s left", done, total, architecture, accuracy, eta)

    if workers == 1:
        if todo:
            _start_worker(working, data)
        for architecture in dearest_first:
            report(*_work(architecture))
        return
    with concurrent.futures.ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(working, data),
    ) as pool:
        for future in concurrent.futures.as_completed(pool.submit(_work, a) for a in dearest_first):
            report(*future.result())


def assemble(
    working: Path, data: Path | None = None, target: Path = TABLE, code_version: str = __version__
) -> str:
    """Writes the table from the working folder; returns its SHA-256.

    Raises:
        TableError: networks of the design that were not evaluated yet.
    """
    trained = load_supernet(working)
    schedule, space = trained.schedule, trained.net.space
    dataset = get_dataset(schedule.dataset)
    wanted = chosen_architectures(space, schedule.trained_choices)
    files = [working / "networks" / f"{a}.npz" for a in wanted]
    missing = [f for f in files if not f.exists()]
    if missing:
        raise TableError(
            f"{len(missing)} of {len(wanted)} networks are not evaluated yet; run "
            "'biglittle table build' again, it goes on where it stopped."
        )
    splits = dataset.load(data)
    rows: list[dict[str, NDArray[Any]]] = []
    for file in files:
        with np.load(file, allow_pickle=False) as arrays:
            rows.append({k: arrays[k] for k in arrays.files})
    metrics = [k.removeprefix("val_") for k in rows[0] if k.startswith("val_") and k != "val_top1"]
    predictions = {
        split: Predictions(
            labels=splits[split].labels,
            top1=np.array([r[f"{split}_top1"] for r in rows]),
            codes={m: np.array([r[f"{split}_{m}"] for r in rows]) for m in metrics},
        )
        for split in ("val", "test")
    }
    genomes = space.parse(wanted)
    n = len(wanted)
    held_out = splits["val"].index
    assert held_out is not None
    contents = TableContents(
        name=NAME,
        space=space.name,
        dataset=dataset.name,
        n_classes=dataset.n_classes,
        choices=schedule.trained_choices,
        networks={
            "architecture": np.array(wanted),
            "training": np.full(n, "inherited"),
            "precision": np.full(n, "fp32"),
            "weights_sha256": np.array([r["weights_sha256"].tobytes().hex() for r in rows]),
            "seed": np.full(n, schedule.seed),
            "epochs": np.full(n, trained.epochs),
            "macs": space.macs(genomes, dataset.n_classes),
            "params": space.params(genomes, dataset.n_classes),
        },
        val_index=held_out,
        predictions=predictions,
        devices={
            name: device_columns(load_device(name), space, wanted) for name in shipped_devices()
        },
        training={
            "schedule": schedule.as_dict(),
            "supernet_seconds": round(trained.elapsed_s),
            "recalibration_images": RECALIBRATION_IMAGES,
            "n_train": len(splits["train"]),
            "torch": torch.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    )
    created = datetime.date.today().isoformat()
    return write_table(target, contents, code_version, created)


def keep_weights(working: Path, target: Path = WEIGHTS) -> None:
    """Writes the weights that every network of the table inherits from."""
    trained = load_supernet(working)
    facts = {"dataset": trained.schedule.dataset, "epochs": str(trained.epochs)}
    save_weights(target, trained.net, facts)
