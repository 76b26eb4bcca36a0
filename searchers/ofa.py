"""``python -m biglittle.searchers.ofa``: train a supernet once, specialise it for many devices.

``train`` shrinks a supernet progressively (``cotrain/progressive.py``). ``specialise`` finds the
best pair of a supernet for a device and limits without any training (``specialise.py``) and hands
it out: ``little.onnx``, ``big.onnx`` and ``cascade.onnx``, one graph whose ``If`` node runs the big
network lazily, float32 weights, and ``ofa.json`` with every figure and where it is from. Each goes
on from what is in its folder.

With the supernet that ships, accuracies are predicted by the surrogate that ships. Of other weights
a sample of networks is run on val, and a predictor fitted on what they answered.

Source: Cai et al. 2020, Once-for-All: Train One Network and Specialize it for Efficient Deployment;
Yu et al. 2020, BigNAS, for what differs in training.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..bench import DeviceProfile, Evaluator, Gate, load_device
from ..bench.datasets import Dataset, Images, get_dataset
from ..bench.errors import BigLittleError, CheckpointError
from ..bench.files import file_hash, replacing, why_unreadable
from ..bench.networks import weights_hash
from ..bench.table import Table, find_table
from ..cotrain.progressive import (
    FROM_SCRATCH,
    FROM_TRAINED,
    log_progress,
    shorter,
    shrink,
    trained_choices,
)
from ..cotrain.schedule import load_schedule
from ..cotrain.supernet import Supernet
from ..cotrain.weights import load_weights, save_network
from ..edge_profiler.deploy import check_exportable, deploy_pair
from .evaluators.live import LiveEvaluator, kept_answers, supernet_answers
from .given_pairs import on_test
from .outcome import Progress
from .specialise import Say, SpecialiseSettings, sampled_predictor, specialise

FORMAT = "biglittle-specialised-pair-1"
REPORT = "ofa.json"
SAMPLES = 100  # as many networks as a table's surrogate needs to rank well
CHECKED_IMAGES = 256  # test images on which what is deployed must answer as in training


@dataclass(frozen=True)
class Trained:
    """A supernet with its weights, and what it is asked about.

    Attributes:
        net: the supernet.
        sha256: of the file of its weights.
        choices: it was trained for.
        dataset: facts of the images.
        splits: images, from ``Dataset.load``.
    """

    net: Supernet
    sha256: str
    choices: tuple[str, ...]
    dataset: Dataset
    splits: dict[str, Images]

    @classmethod
    def load(
        cls,
        weights: Path,
        data: Path | None,
        dataset: str,
        choices: tuple[str, ...] | None = None,
    ) -> Trained:
        """A supernet from a ``.safetensors`` file.

        Args:
            weights: the file.
            data: folder of the images.
            dataset: name of the data set.
            choices: it was trained for, where the file does not say.

        Raises:
            CheckpointError: no weights of a supernet.
            DatasetError: no images.
        """
        if not weights.is_file():
            raise CheckpointError(
                f"there are no weights {weights}; train a supernet, for example with "
                "'python -m biglittle.searchers.ofa train --out out/supernet'."
            )
        facts = get_dataset(dataset)
        known = trained_choices(weights, choices)
        return cls(load_weights(weights), file_hash(weights), known, facts, facts.load(data))

    def live(self, profile: DeviceProfile, folder: Path) -> LiveEvaluator:
        """Its networks on val; answers are kept in ``folder``."""
        answer = supernet_answers(self.net, self.splits, self.dataset)
        return LiveEvaluator(
            self.net.space,
            self.choices,
            kept_answers(answer, folder / f"answers-{self.sha256[:12]}"),
            self.splits["val"].labels,
            profile,
            self.dataset.n_classes,
        )


def deliver(
    trained: Trained,
    profile: DeviceProfile,
    settings: SpecialiseSettings,
    predictor: Callable[[LiveEvaluator], Evaluator],
    sources: Mapping[str, Any],
    folder: Path,
    say: Say = lambda line: None,
    on_progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """The report of the best pair for a device and limits, whose files are in ``folder``.

    A folder that has the report of the same question is read, not made again.

    Args:
        trained: the supernet.
        profile: of the device.
        settings: limits, budget, seed.
        predictor: gives the predictor of accuracy; it is only asked for when it is needed.
        sources: what the predictor rests on, for the report.
        folder: made if need be.
        say: told a line at each step.
        on_progress: told after every batch of the evolution.

    Raises:
        ConstraintError: nothing is within the limits.
        CheckpointError: the folder holds another question's pair.
        ProfileError: what is deployed answers otherwise than what was evaluated.
        MissingExtraError: something that is needed is not installed.
    """
    check_exportable()
    config = {
        "device": profile.name,
        "device_source": profile.source,
        **settings.as_dict(),
        "supernet_sha256": trained.sha256,
        "choices": list(trained.choices),
        "predictor": dict(sources),
        "space_sha256": trained.net.space.hash,
        "n_val": len(trained.splits["val"]),
    }
    config = json.loads(json.dumps(config))
    path = folder / REPORT
    if path.exists():
        return _finished(path, config)
    folder.mkdir(parents=True, exist_ok=True)
    live = trained.live(profile, folder)
    best, considered = specialise(
        predictor(live), live, settings, say, on_progress, folder / "evolution.npz"
    )
    say(f"chosen: {best.little} -> {best.big}, {best.gate} {best.threshold:.4g}; asking test")
    ready = on_test(trained.net, best, live, trained.splits, trained.dataset)
    for name, network in zip(("little", "big"), ready.networks, strict=True):
        save_network(folder / f"{name}.safetensors", network, {"dataset": trained.dataset.name})
    weights = [{k: v.numpy() for k, v in n.state_dict().items()} for n in ready.networks]
    test = trained.splits["test"]
    # spread over the split, so that an ordered one is no trap
    index = np.unique(
        np.linspace(0, len(test) - 1, min(len(test), CHECKED_IMAGES)).astype(np.int64)
    )
    deployed = deploy_pair(
        folder,
        trained.net.space,
        (best.little, best.big),
        (weights[0], weights[1]),
        Gate(best.gate, best.threshold),
        test.images[index],
        (ready.logits[0][index], ready.logits[1][index]),
        trained.dataset,
        {"training": "inherited", "supernet_sha256": trained.sha256, "config": config},
    )
    predicted = next(
        c.predicted
        for c in considered
        if (c.predicted.little, c.predicted.big) == (best.little, best.big)
    )
    report = {
        "format": FORMAT,
        "config": config,
        "threshold_chosen_on": "val",
        "predicted": predicted.as_dict(),
        "val": best.as_dict(),
        "test": ready.point.as_dict(),
        "considered": [
            {
                "predicted": c.predicted.as_dict(),
                "val": None if c.val is None else c.val.as_dict(),
            }
            for c in considered
        ],
        "deployed": deployed,
        "weights_sha256": [weights_hash(n) for n in ready.networks],
        "versions": {
            "biglittle": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
    }
    with replacing(path) as partial:
        partial.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    return _finished(path, config)


def _finished(path: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    try:
        report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = dict(report["config"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        damaged = f"it is not one ({error!r}). Move it away, or name another folder."
        raise CheckpointError(
            f"{path} cannot be read as the report of a specialised pair: "
            f"{why_unreadable(error, damaged)}"
        ) from error
    for key in config:
        if found.get(key) != config[key]:
            raise CheckpointError(
                f"{path} answers another question: its {key} is {found.get(key)!r}, asked for: "
                f"{config[key]!r}. Name another folder, or delete this one."
            )
    return report


# ---- the command -------------------------------------------------------------------------------
def _train(asked: argparse.Namespace) -> dict[str, Any]:
    start = None if asked.start == "scratch" else Path(asked.start)
    if asked.start == "inherited":
        start = find_table(asked.table).parent / "supernet.safetensors"
    path = asked.schedule or (FROM_SCRATCH if start is None else FROM_TRAINED)
    schedule = load_schedule(path)
    if asked.epochs is not None:
        schedule = shorter(schedule, asked.epochs)
    splits = get_dataset(schedule.dataset).load(asked.data)
    weights = shrink(
        schedule, asked.out, splits, start, asked.train_device, asked.threads, log_progress
    )
    return {
        "weights": str(weights),
        "weights_sha256": file_hash(weights),
        "schedule": schedule.as_dict(),
        "start": asked.start,
    }


def _specialise(asked: argparse.Namespace) -> dict[str, Any]:
    from ..surrogates import Surrogate, SurrogateEvaluator

    limits = {
        name: value for name in LIMITS if (value := getattr(asked, f"{name}_max")) is not None
    }
    if not limits:
        raise BigLittleError(
            "a pair is specialised for limits; give at least one, for example --latency-ms-max 20."
        )
    settings = SpecialiseSettings(limits, asked.budget, asked.few, seed=asked.seed)
    table, profile = Table(find_table(asked.table)), load_device(asked.device)
    shipped = table.path.parent / "supernet.safetensors"
    weights = asked.weights or shipped
    ours = weights.resolve() == shipped.resolve()
    known = table.choices if ours else None
    trained = Trained.load(weights, asked.data, table.dataset, known)
    folder = table.path.parent / "surrogate"
    if ours and asked.samples is None:
        sources: dict[str, Any] = {
            "kind": "surrogate of the table",
            "surrogate_sha256": file_hash(folder / "surrogate.json"),
            "table_sha256": table.sha256,
        }
    else:
        n = SAMPLES if asked.samples is None else asked.samples
        sources = {"kind": "fitted on sampled networks of the supernet", "samples": n}

    def predictor(live: LiveEvaluator) -> Evaluator:
        if "samples" not in sources:
            return SurrogateEvaluator(Surrogate.load(folder), profile)
        return sampled_predictor(
            live,
            trained.splits["val"].labels,
            profile,
            trained.dataset.n_classes,
            sources["samples"],
            asked.seed,
            _say,
        )

    return deliver(trained, profile, settings, predictor, sources, asked.out, _say, _move)


#: Figures that can be limited on the command line.
LIMITS = (
    "latency_ms",
    "latency_p95_ms",
    "latency_worst_ms",
    "energy_mj",
    "macs",
    "params",
    "peak_memory_mib",
)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


def _move(progress: Progress) -> None:
    if progress.n_evaluations % 1000 < 20 or progress.n_evaluations == progress.budget:
        _say(f"{progress.n_evaluations}/{progress.budget} pairs predicted")


def main(arguments: list[str] | None = None) -> None:
    """Trains or specialises; JSON on stdout, progress on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m biglittle.searchers.ofa",
        description="Train a supernet by progressive shrinking, or specialise one for a device.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    train = verbs.add_parser("train", help="progressive shrinking; resumable")
    train.add_argument(
        "--from",
        dest="start",
        default="inherited",
        help="inherited (the supernet of the table), scratch, or a .safetensors file",
    )
    train.add_argument("--schedule", type=Path, help="TOML; default: the one for --from")
    train.add_argument("--epochs", type=int, help="at most, of each phase")
    train.add_argument("--out", type=Path, default=Path("out/ofa/supernet"))
    train.add_argument("--threads", type=int)
    train.add_argument("--train-device", default="cpu", help="cpu or cuda")
    special = verbs.add_parser("specialise", help="the best pair within limits, as ONNX")
    special.add_argument("--device", default="raspberry-pi-4", help="name or profile")
    for name in LIMITS:
        special.add_argument(f"--{name.replace('_', '-')}-max", type=float)
    special.add_argument("--weights", type=Path, help="of a supernet; default: the table's")
    special.add_argument(
        "--samples",
        type=int,
        help="networks to run and fit a predictor on; default: the table's surrogate, or "
        f"{SAMPLES} with --weights",
    )
    special.add_argument("--budget", type=int, default=SpecialiseSettings.budget)
    special.add_argument("--few", type=int, default=SpecialiseSettings.few, help="pairs to run")
    special.add_argument("--seed", type=int, default=0)
    special.add_argument("--out", type=Path, default=Path("out/ofa/pair"))
    for verb in (train, special):
        verb.add_argument("--table", default="fbnet-cifar10")
        verb.add_argument("--data", type=Path, help="folder of the images")
    asked = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        report = (_train if asked.verb == "train" else _specialise)(asked)
    except BigLittleError as error:
        sys.stderr.write(f"error: {error}\n")
        raise SystemExit(1) from error
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
