"""Bits per stage: what each stage loses alone, whether losses add up, and what training gives back.

Networks with the shipped supernet's weights are simulated with 4, 6 and 8 bits (``--working`` keeps
what is done, so that a run that was stopped goes on). Sensitivities are measured on the first
images of val, mixed assignments on the next ones, so that no image serves both. Nothing is measured
on test.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import torch.nn.functional as F
import typer
from numpy.typing import NDArray

from ...bench.agreement import spearman
from ...bench.bits import BITS, bits_text, parse_bits
from ...bench.bootstrap import LEVEL
from ...bench.datasets import Dataset, Images, get_dataset
from ...bench.files import file_hash
from ...bench.networks import Network
from ...bench.precision import with_precision
from ...bench.spaces import get_space
from ...cotrain.calibration import CALIBRATION_IMAGES, calibration_images
from ...cotrain.evaluate import logits_of, probabilities
from ...cotrain.fake_quantised import FakeQuantised, fake_quantised
from ...cotrain.images import normalised
from ...cotrain.learner import Learner
from ...cotrain.recalibrate import calibrated
from ...cotrain.recipe import FINE_TUNE, load_recipe
from ...cotrain.supernet import Supernet
from ...cotrain.train_loop import TrainingRun, train_learners
from ...cotrain.weights import load_weights
from ...edge_profiler.onnx_network import onnx_model
from ...edge_profiler.quantised import with_free_batch
from ...searchers.bit_sensitivity import (
    Sensitivity,
    measured_accuracy,
    measured_sensitivity,
    random_bits,
    uniform,
)
from ..building.evaluate import probabilities as deployed_probabilities
from ..building.recipe import WEIGHTS_NAME
from ..flagship import RECIPE
from ._bits_page import (
    additive_section,
    agreement_section,
    sensitivity_section,
    trial_section,
)
from ._page import Step, write_json

#: Networks from 14 to 35 M MACs, which one core can ask in many ways; the last three are on the
#: exact front of the table on a Raspberry Pi 4.
NETWORKS = (
    "8888880888808880888888",
    "8088880080000088808880",
    "8888288880888868888888",
    "8288800020000008802800",
    "8280002020220000800800",
    "8802006800020000808600",
)
TRIED = (*NETWORKS[:2], NETWORKS[3])  # of these a short training is tried
TRIAL_BITS = BITS[0]
#: A quarter of the recipe's rate: batch norms are folded, and nothing scales the weights any more.
PEAK_LR = 0.005
SEED, ROUNDS = 0, 2000
SIDES = ("weights", "what is read")


def tell(line: str) -> None:
    """Says on stderr how far the step is."""
    sys.stderr.write(line + "\n")


def simulated(
    net: Supernet, name: str, splits: dict[str, Images], data: Dataset
) -> tuple[Network, FakeQuantised]:
    """A network with a supernet's weights, and the same with 8 bits, calibrated as int8 ones."""
    network = calibrated(net.inherit(name), splits["train"], data)
    return network, fake_quantised(network, None, calibration_images(splits, data))


def agreement_with_int8(
    network: Network,
    simulation: FakeQuantised,
    calibration: NDArray[np.float32],
    data: Dataset,
    images: Images,
) -> dict[str, float]:
    """How near the simulation with 8 bits is to ONNX Runtime's int8, and how near fp32 is.

    Args:
        network: the network in fp32.
        simulation: the same with 8 bits everywhere.
        calibration: images that both were or are calibrated on.
        data: facts of the images.
        images: images that are asked.
    """
    weights = {key: tensor.numpy() for key, tensor in network.state_dict().items()}
    model = onnx_model(
        get_space(network.space),
        with_precision(network.name, "int8"),
        data.n_classes,
        weights=weights,
        calibration=calibration,
    )
    shown = np.ascontiguousarray(normalised(images, data).numpy())
    theirs = deployed_probabilities(with_free_batch(model).SerializeToString(), shown)
    out: dict[str, float] = {}
    for word, own in (("bits", simulation), ("fp32", network)):
        ours = probabilities(logits_of(own, images, data))
        out[f"{word}_accuracy"] = float((ours.argmax(1) == images.labels).mean())
        out[f"{word}_same_class"] = float((ours.argmax(1) == theirs.argmax(1)).mean())
        out[f"{word}_difference"] = float(np.abs(ours - theirs).mean())
    return out


def network_figures(
    net: Supernet,
    name: str,
    splits: dict[str, Images],
    data: Dataset,
    halves: tuple[Images, Images],
    mixed: int,
) -> dict[str, Any]:
    """Sensitivity of one network, and random mixed assignments on other images of val.

    Args:
        net: supernet whose weights the network has.
        name: name of the network.
        splits: images by split; batch norms and ranges are of ``train``.
        data: facts of the images.
        halves: val images for the sensitivity, and others for mixed assignments.
        mixed: number of random assignments.
    """
    plain, network = simulated(net, name, splits, data)
    shown = calibration_images(splits, data)
    agreement = agreement_with_int8(plain, network, shown, data, halves[1])
    sensitivity = measured_sensitivity(network, halves[0], data)
    costs, n = sensitivity.costs, network.n_entries
    rows = []
    whole = [uniform(n, bits) for bits in BITS[::-1]]
    drawn = random_bits(np.random.default_rng(SEED), n, mixed)
    for bits in [*whole, *drawn]:
        network.set_bits(bits)
        rows.append(
            {
                "bits": bits_text(bits),
                "accuracy": measured_accuracy(network, halves[1], data),
                "bitops": int(costs.bitops(bits)),
                "weights_mib": round(float(costs.weights_mib(bits)), 4),
            }
        )
    return {
        "network": name,
        "macs": int(costs.macs.sum() + costs.fixed_macs),
        "sensitivity": sensitivity.as_dict(),
        "agreement": agreement,
        "rows": rows,
    }


def trial(
    net: Supernet,
    name: str,
    splits: dict[str, Images],
    data: Dataset,
    images: Images,
    steps: int,
    batch: int,
    working: Path,
) -> dict[str, Any]:
    """What a short training gives back at few bits: with them, and as long without them.

    Args:
        net: supernet whose weights training starts from.
        name: name of the network.
        splits: images by split, of which ``train`` is learned from.
        data: facts of the images.
        images: val images that are asked.
        steps: number of training steps.
        batch: number of images in a step.
        working: folder of the checkpoints of trainings.
    """
    recipe = dataclasses.replace(
        load_recipe(FINE_TUNE), images=steps * batch, batch=batch, peak_lr=PEAK_LR
    )
    _, start = simulated(net, name, splits, data)
    bits = uniform(start.n_entries, TRIAL_BITS)
    out: dict[str, Any] = {"network": name, "bits": bits_text(bits)}
    start.set_bits(bits)
    out["before"] = measured_accuracy(start, images, data)
    for word, trained_with in (("with_bits", bits), ("without", None)):
        start.set_bits(trained_with)
        learner = Learner("network", start, recipe, torch.device("cpu"))
        run = TrainingRun(
            recipe=recipe,
            dataset=data,
            train=splits["train"],
            path=working / f"{name}-{word}.h5",
            identity={"network": name, "bits": word, "recipe": recipe.as_dict()},
            seed=SEED,
            device=torch.device("cpu"),
        )

        def losses(logits: Any, labels: torch.Tensor) -> dict[str, torch.Tensor]:
            smooth = recipe.label_smoothing
            loss = F.cross_entropy(logits["network"], labels, label_smoothing=smooth)
            return {"network": loss}

        train_learners(run, [learner], losses)
        network = learner.result().eval()
        if trained_with is None:
            network.observe(torch.from_numpy(calibration_images(splits, data)))
            out["fp32_after"] = measured_accuracy(network, images, data)
            network.set_bits(bits)
        out[word] = measured_accuracy(network, images, data)
    return out


def _interval(draws: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def additive(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How well losses of single stages, added up, predict those of mixed assignments.

    Errors are in points of accuracy lost. Rank correlations are within each network, averaged;
    intervals by resampling the assignments of each network.

    Args:
        rows: figures of each network, as `network_figures` gives them.
    """
    predicted, apart, measured = [], [], []
    for row in rows:
        sensitivity = Sensitivity.from_dict(row["sensitivity"])
        mixed = row["rows"][len(BITS) :]
        bits = [parse_bits(one["bits"], sensitivity.n_entries) for one in mixed]
        predicted.append(sensitivity.accuracy - sensitivity.predicted_accuracy(bits))
        apart.append(sensitivity.summed_divergence(bits))
        measured.append(row["rows"][0]["accuracy"] - np.array([one["accuracy"] for one in mixed]))
    rng = np.random.default_rng(SEED)
    n = len(measured[0])
    draws = rng.integers(0, n, (ROUNDS, len(rows), n))
    out: dict[str, Any] = {}
    for word, columns in (("losses", predicted), ("divergences", apart)):
        pairs = list(zip(columns, measured, strict=True))
        ranks = [
            np.nanmean([spearman(c[at], m[at]) for (c, m), at in zip(pairs, one, strict=True)])
            for one in draws
        ]
        low, high = _interval(np.array(ranks))
        mean = float(np.nanmean([spearman(c, m) for c, m in pairs]))
        out[word] = {"spearman": mean, "low": low, "high": high}
    errors = np.array(predicted) - np.array(measured)  # above 0: too dark
    flat = errors[np.arange(len(rows))[:, None], draws]
    for word, values, resampled in (
        ("error", np.abs(errors), np.abs(flat)),
        ("bias", errors, flat),
    ):
        low, high = _interval(resampled.mean(axis=(1, 2)))
        out[word] = {"mean": float(values.mean()), "low": low, "high": high}
    out["n"] = int(errors.size)
    out["points"] = [
        [round(float(p), 4), round(float(m), 4)]
        for p, m in zip(np.ravel(predicted), np.ravel(measured), strict=True)
    ]
    return out


def measure(
    working: Annotated[Path, typer.Option(help="Folder that keeps what is done.")],
    images: int = 1000,
    mixed: int = 8,
    steps: int = 500,
    batch: int = 24,
    weights: Path | None = None,
) -> dict[str, Any]:
    """Simulates networks with bits per stage; some forty minutes of one core, resumable.

    Args:
        working: folder that keeps what is done.
        images: val images for sensitivities, and as many others for mixed assignments.
        mixed: random assignments of bits for each network.
        steps: training steps of the trial.
        batch: images in a step of the trial.
        weights: weights of the supernet; None: those that ship.
    """
    torch.set_num_threads(1)
    path = weights or RECIPE.folder / WEIGHTS_NAME
    digest, data = file_hash(path), get_dataset(load_recipe(FINE_TUNE).dataset)
    net, splits = load_weights(path), data.load()
    first = [splits["val"].subset(np.arange(images) + k * images) for k in range(2)]
    halves = (first[0], first[1])
    question = {"weights_sha256": digest, "images": images}
    working.mkdir(parents=True, exist_ok=True)

    def kept(file: str, settings: dict[str, Any], work: Any) -> dict[str, Any]:
        where = working / f"{file}.json"
        if where.exists():
            document: dict[str, Any] = json.loads(where.read_text(encoding="utf-8"))
            if document["question"] == settings:
                tell(f"{file}: kept")
                return dict(document["answer"])
        answer = dict(work())
        write_json(where, {"question": settings, "answer": answer})
        tell(f"{file}: done")
        return answer

    rows = [
        kept(
            name,
            {**question, "mixed": mixed},
            lambda name=name: network_figures(net, name, splits, data, halves, mixed),
        )
        for name in NETWORKS
    ]
    trials = [
        kept(
            f"trial-{name}",
            {**question, "steps": steps, "batch": batch},
            lambda name=name: trial(
                net, name, splits, data, halves[1], steps, batch, working / digest[:8]
            ),
        )
        for name in TRIED
    ]
    return {
        **question,
        "mixed": mixed,
        "calibration_images": CALIBRATION_IMAGES,
        "steps": steps,
        "batch": batch,
        "networks": rows,
        "trials": trials,
        "additive": additive(rows),
    }


STEP = Step(
    measure,
    {
        "bits_agreement": agreement_section,
        "bits_sensitivity": sensitivity_section,
        "bits_additive": additive_section,
        "bits_training": trial_section,
    },
    of_table=True,
)
