"""What a network says about every image, in one file per network.

Works for any network, inherited or trained, and any process: a file is whole or not there, so any
number of workers may share a folder, and a build goes on from whatever is in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnx
import onnxruntime
import torch
from msgspec import Meta, Struct
from numpy.typing import NDArray

from ...bench.datasets import Dataset, Images
from ...bench.documents import json_of, typed
from ...bench.errors import ArchitectureError, TableError
from ...bench.files import replacing, why_unreadable
from ...bench.gates import stored_metrics
from ...bench.networks import Network, weights_hash
from ...bench.npz import Wanted, read_npz
from ...bench.rows import NetworkKey
from ...bench.spaces import get_space
from ...bench.table_contents import encode_predictions
from ...cotrain.images import normalised
from ...cotrain.recalibrate import calibrated
from ...cotrain.supernet import Supernet
from ...edge_profiler.onnx_exits import joined_exits
from ...edge_profiler.onnx_network import onnx_model
from ...edge_profiler.quantised import with_free_batch

REPORTED = ("val", "test")
_ARRAYS = {
    "key": Wanted("U", ()),
    "weights_sha256": Wanted("U", ()),
    **{
        f"{split}_{name}": Wanted("u", (split,), required=False)
        for split in REPORTED
        for name in ("top1", *stored_metrics())
    },
}
INFERENCE_BATCH = 32  # activations of the widest network still fit the cache


_Count = Annotated[int, Meta(ge=0, le=2**53)]


class _PlainKey(Struct, forbid_unknown_fields=True):
    """A key as plain JSON; what is missing is that of an inherited network."""

    architecture: str = ""
    training: str = "inherited"
    seed: _Count = 0
    partner: str = ""
    role: str = ""
    epochs: _Count = 0
    images: _Count = 0
    origin: str = ""
    recipe: dict[str, Any] = {}


@dataclass(frozen=True)
class EvaluationKey:
    """Which network an evaluation is of, and where its weights come from.

    Attributes:
        network: what a table finds the network by.
        partner: name of the other network of a co-trained pair, else "".
        role: "little" or "big" in a co-trained pair, else "".
        epochs: whole passes over the training images in the training that made the weights.
        images: training images it saw by itself, 0 when inherited.
        origin: SHA-256 of the supernet its weights come from; "" for random ones.
        recipe: how it was trained, plain JSON; empty when inherited.
    """

    network: NetworkKey
    partner: str = ""
    role: str = ""
    epochs: int = 0
    images: int = 0
    origin: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Stem of its file; two different networks of one build have different ones."""
        own = self.network
        parts = [own.training, own.name.replace(":", "-"), self.partner, self.role, f"s{own.seed}"]
        return "-".join(part for part in parts if part)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, the network by its name, training and seed."""
        rest = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "network"}
        own = self.network
        return {"architecture": own.name, "training": own.training, "seed": own.seed, **rest}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> EvaluationKey:
        """The key that `as_dict` gives; what is missing is that of an inherited network.

        Raises:
            ValueError: an unknown field, a value of another type, or no name of a network.
        """
        plain = typed(dict(values), _PlainKey, "its key")
        try:
            return cls(
                NetworkKey.parse(plain.architecture, plain.training, plain.seed),
                plain.partner,
                plain.role,
                plain.epochs,
                plain.images,
                plain.origin,
                plain.recipe,
            )
        except ArchitectureError as error:
            raise ValueError(f"its key is not that of a network: {str(error)[:200]}") from error


@dataclass(frozen=True)
class Evaluation:
    """What one network answers about every image.

    Attributes:
        key: which network answered, and where its weights come from.
        weights_sha256: SHA-256 of its weights, batch-norm statistics included.
        answers: ``top1`` and the codes of every stored metric, uint8 (n_images,), by split.
    """

    key: EvaluationKey
    weights_sha256: str
    answers: Mapping[str, Mapping[str, NDArray[np.uint8]]]


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Writes one file, whole or not at all."""
    arrays = {
        f"{split}_{name}": array
        for split, answers in evaluation.answers.items()
        for name, array in answers.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            key=np.array(json.dumps(evaluation.key.as_dict())),
            weights_sha256=np.array(evaluation.weights_sha256),
            **arrays,  # type: ignore[arg-type]
        )


def read_evaluation(path: Path) -> Evaluation:
    """The evaluation of a network that a file holds.

    Raises:
        TableError: the file is not an evaluation of a network.
    """
    try:
        held = read_npz(path, _ARRAYS)
        key = _key(held.pop("key"))
        digest = str(held.pop("weights_sha256"))
        if any(array.dtype != np.uint8 for array in held.values()):
            raise ValueError("its answers are not bytes")
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable(path, error) from error
    answers: dict[str, dict[str, NDArray[np.uint8]]] = {}
    for name, array in held.items():
        split, _, metric = name.partition("_")
        answers.setdefault(split, {})[metric] = array
    return Evaluation(key, digest, answers)


def read_key(path: Path) -> EvaluationKey:
    """Which network a file is of, without its answers.

    Raises:
        TableError: the file is not an evaluation of a network.
    """
    try:
        return _key(read_npz(path, _ARRAYS, ["key"])["key"])
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable(path, error) from error


def _key(text: NDArray[Any]) -> EvaluationKey:
    return EvaluationKey.from_dict(json_of(text.item(), dict[str, Any], "its key"))


def _unreadable(path: Path, error: Exception) -> TableError:
    damaged = f"it is not one ({error}). Delete it and evaluate the network again."
    return TableError(
        f"{path} cannot be read as the evaluation of a network: {why_unreadable(error, damaged)}"
    )


def probabilities(
    model: bytes, images: NDArray[np.float32], threads: int = 1
) -> NDArray[np.float64]:
    """Class probabilities (n, n_classes) that a deployed network gives in ONNX Runtime.

    Args:
        model: serialised ONNX with a free batch axis and one output.
        images: normalised, (n, channels, height, width).
        threads: threads that ONNX Runtime uses.
    """
    return all_probabilities(model, images, threads)[0]


def all_probabilities(
    model: bytes, images: NDArray[np.float32], threads: int = 1
) -> list[NDArray[np.float64]]:
    """Class probabilities (n, n_classes) of every output of a deployed model in ONNX Runtime.

    Args:
        model: serialised ONNX with a free batch axis.
        images: normalised, (n, channels, height, width).
        threads: threads that ONNX Runtime uses.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    batches = [
        session.run(None, {name: images[i : i + INFERENCE_BATCH]})
        for i in range(0, len(images), INFERENCE_BATCH)
    ]
    return [_softmax(np.concatenate(logits)) for logits in zip(*batches, strict=True)]


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = logits.astype(np.float64)
    exponent = np.exp(wide - wide.max(axis=1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=1, keepdims=True))


class NetworkEvaluator:
    """Asks networks about every image, and makes inherited ones ready for that.

    Args:
        dataset: facts of the images, such as their mean.
        images: images by split, from ``Dataset.load``; ``train`` serves recalibration alone.
        threads: threads of torch and of ONNX Runtime.
        splits: splits whose images are answered.
    """

    def __init__(
        self,
        dataset: Dataset,
        images: Mapping[str, Images],
        threads: int = 1,
        splits: Sequence[str] = REPORTED,
    ) -> None:
        torch.set_num_threads(threads)
        self.dataset, self.threads, self.train = dataset, threads, images["train"]
        self.images = {s: images[s] for s in splits}
        self.inputs = {
            s: np.ascontiguousarray(normalised(im, dataset).numpy())
            for s, im in self.images.items()
        }

    def inherited(self, net: Supernet, architecture: str) -> Network:
        """A network with a supernet's weights, its batch norms recalibrated.

        Raises:
            ArchitectureError: ``architecture``, perhaps with ``@EXIT``, is not in the supernet's
                space.
        """
        return calibrated(net.inherit(architecture), self.train, self.dataset)

    def model(self, network: Network) -> onnx.ModelProto:
        """A network as it would be deployed in fp32, its batch norms folded."""
        weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        space = get_space(network.space)
        return onnx_model(space, network.name, self.dataset.n_classes, weights=weights)

    def model_of_exits(self, cuts: Sequence[Network]) -> onnx.ModelProto:
        """Some exits of one architecture as one model with an output each, in their order.

        Args:
            cuts: networks that end at exits of one trunk, in any order; they share its weights.
        """
        return joined_exits([self.model(network) for network in cuts])

    def probabilities(self, network: Network, split: str) -> NDArray[np.float64]:
        """Class probabilities of a network as it would be deployed, (n_images, n_classes)."""
        model = with_free_batch(self.model(network)).SerializeToString()
        return probabilities(model, self.inputs[split], self.threads)

    def answers_of_model(
        self, model: onnx.ModelProto
    ) -> list[dict[str, dict[str, NDArray[np.uint8]]]]:
        """What `answers` gives, for each output of a deployed model, from one pass."""
        serialised = with_free_batch(model).SerializeToString()
        out: list[dict[str, dict[str, NDArray[np.uint8]]]] = [{} for _ in model.graph.output]
        for split, images in self.images.items():
            each = all_probabilities(serialised, self.inputs[split], self.threads)
            for answers, own in zip(out, each, strict=True):
                top1, codes = encode_predictions(own, images.labels)
                answers[split] = {"top1": top1, **codes}
        return out

    def answers(self, network: Network) -> dict[str, dict[str, NDArray[np.uint8]]]:
        """``top1`` and the codes of every stored metric by split, uint8 (n_images,) each."""
        (answers,) = self.answers_of_model(self.model(network))
        return answers

    def evaluate(self, network: Network, key: EvaluationKey, folder: Path) -> float:
        """Writes what a network says into ``folder``; returns its accuracy on val (or NaN)."""
        answers = self.answers(network)
        evaluation = Evaluation(key, weights_hash(network), answers)
        write_evaluation(folder / f"{key.name}.npz", evaluation)
        if "val" not in answers:
            return float("nan")
        return float((answers["val"]["top1"] == self.images["val"].labels).mean())
