"""A pair specialised for a device and limits, handed out as files that run there.

``deliver`` finds the best pair of a supernet without any training (``specialise.py``) and writes
``little.onnx``, ``big.onnx`` and ``cascade.onnx``, one graph whose ``If`` node runs the big network
lazily, float32 weights, and ``ofa.json`` with every figure and where it is from. It goes on from
what is in its folder. The supernet is one that ``cotrain/progressive.py`` shrinks progressively, or
any other.

Source: Cai et al. 2020, Once-for-All: Train One Network and Specialize it for Efficient Deployment;
Yu et al. 2020, BigNAS, for what differs in training.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct

from .. import __version__
from ..bench import DeviceProfile, Evaluator, Gate, Pair
from ..bench.datasets import Dataset, Images, get_dataset
from ..bench.documents import read_json, typed
from ..bench.errors import CheckpointError
from ..bench.files import file_hash, replacing, why_unreadable
from ..bench.networks import weights_hash
from ..cotrain.progressive import trained_choices
from ..cotrain.saved_pair import saved_pair
from ..cotrain.supernet import Supernet
from ..cotrain.weights import HEADS, load_weights, take_exit_heads
from ..edge_profiler.deploy import check_exportable, deploy_pair
from .evaluators.kept_answers import kept_answers
from .evaluators.live import LiveEvaluator, supernet_answers
from .given_pairs import on_test
from .outcome import Progress
from .specialise import Say, SpecialiseSettings, specialise

FORMAT = "biglittle-specialised-pair-1"
REPORT = "ofa.json"


@dataclass(frozen=True)
class Trained:
    """A supernet with its weights, and what it is asked about.

    Attributes:
        net: the supernet with its weights.
        sha256: hash of the file of its weights.
        choices: names of the choices that it was trained for.
        dataset: facts of the images.
        splits: images of each split, as ``Dataset.load`` returns them.
        exits_sha256: hash of the file of its exit heads; "" where it has none.
    """

    net: Supernet
    sha256: str
    choices: tuple[str, ...]
    dataset: Dataset
    splits: dict[str, Images]
    exits_sha256: str = ""

    @classmethod
    def load(
        cls,
        weights: Path,
        data: Path | None,
        dataset: str,
        choices: tuple[str, ...] | None = None,
    ) -> Trained:
        """A supernet from a ``.safetensors`` file, with its exit heads where they lie beside it.

        Args:
            weights: path of the file.
            data: folder of the images; None: where they were fetched to.
            dataset: name of the data set, for example ``cifar10``.
            choices: those it was trained for, where the file does not say.

        Raises:
            CheckpointError: the file does not hold the weights of a supernet, or the heads beside
                it are of another one.
            DatasetError: the images are not in the folder.
        """
        if not weights.is_file():
            raise CheckpointError(
                f"there are no weights {weights}; train a supernet, for example with "
                "'biglittle ofa train --out out/supernet'."
            )
        facts = get_dataset(dataset)
        trained_for = trained_choices(weights, choices)
        net, heads = load_weights(weights), weights.with_name(HEADS)
        exits = file_hash(heads) if take_exit_heads(net, heads) else ""
        return cls(net, file_hash(weights), trained_for, facts, facts.load(data), exits)

    def live(self, profile: DeviceProfile, folder: Path) -> LiveEvaluator:
        """Its networks on val, cut at exits too where it has heads; answers are kept."""
        answer = supernet_answers(self.net, self.splits, self.dataset)
        hashes = [part[:12] for part in (self.sha256, self.exits_sha256) if part]
        return LiveEvaluator(
            self.net.space,
            self.choices,
            kept_answers(answer, folder / "-".join(["answers", *hashes])),
            self.splits["val"].labels,
            profile,
            self.dataset.n_classes,
            exits=() if self.net.exit_heads is None else self.net.exit_heads.names,
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
        trained: the supernet and the images it is asked about.
        profile: what was measured on the device.
        settings: limits to meet, budget and seed of the search.
        predictor: gives the predictor of accuracy; it is only asked for when it is needed.
        sources: what the predictor rests on, for the report.
        folder: folder of the files, made if need be.
        say: called with one line at each step.
        on_progress: called after every batch of the evolution.

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
    if settings.couplings is not None:
        config["exits_sha256"] = trained.exits_sha256
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
    pair = saved_pair(
        folder,
        ready.networks,
        Gate(best.gate, best.threshold),
        trained.splits["test"],
        ready.logits,
        trained.dataset,
        {"training": "inherited", "supernet_sha256": trained.sha256, "config": config},
    )
    deployed = deploy_pair(folder, pair)
    predicted = next(c.predicted for c in considered if c.pair == Pair(best.little, best.big))
    report = {
        "format": FORMAT,
        "config": config,
        "threshold_chosen_on": "val",
        "predicted": None if predicted is None else predicted.as_dict(),
        "val": best.as_dict(),
        "test": ready.point.as_dict(),
        "considered": [
            {
                "little": c.pair.little,
                "big": c.pair.big,
                "predicted": None if c.predicted is None else c.predicted.as_dict(),
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


class _Recorded(Struct):
    config: dict[str, Any]


def _finished(path: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    try:
        report = read_json(path, dict[str, Any])
        recorded = typed(report, _Recorded).config
    except (OSError, ValueError) as error:
        damaged = f"it is not one ({error}). Move it away, or name another folder."
        raise CheckpointError(
            f"{path} cannot be read as the report of a specialised pair: "
            f"{why_unreadable(error, damaged)}"
        ) from error
    for key in config:
        if recorded.get(key) != config[key]:
            raise CheckpointError(
                f"{path} answers another question: its {key} is {recorded.get(key)!r}, asked for: "
                f"{config[key]!r}. Name another folder, or delete this one."
            )
    return report
