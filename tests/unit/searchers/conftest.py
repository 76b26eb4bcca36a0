"""A front with its best single networks, as a search returns them, and things made up for tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from biglittle.bench import Points, get_space
from biglittle.bench.datasets import Dataset, Images, get_dataset
from biglittle.bench.device_profile import DeviceProfile
from biglittle.bench.synthetic import DEVICE, synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.searchers import SearchOutcome, SearchSettings, SingleNetworks, best_single
from biglittle.searchers.evaluators.live import LiveEvaluator
from biglittle.searchers.with_weights import Weights

SHAPE = (25, 22)


@pytest.fixture(scope="session")
def made_up() -> Dataset:
    """Facts of 32x32x3 images of 10 classes that a test makes up by itself."""
    return Dataset(
        name="made-up",
        n_classes=10,
        classes=tuple("0123456789"),
        height=32,
        mean=(0.5, 0.5, 0.5),
        std=(0.3, 0.3, 0.3),
        n_val=10,
        split_seed=0,
        hashes={},
        read=lambda folder: {},
        how_to_get="",
    )


@pytest.fixture
def noise(made_up: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images of noise, 8 rows high, in the place of every data set's."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
    train = Images(pixels, rng.integers(0, 10, 40).astype(np.uint8))
    splits = {"train": train, "val": train.subset(np.arange(20))}
    facts = replace(made_up, height=8, read=lambda folder: {})
    monkeypatch.setattr(Dataset, "load", lambda self, folder: splits)
    monkeypatch.setattr("biglittle.bench.datasets.get_dataset", lambda name: facts)


@pytest.fixture(scope="session")
def supernet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a supernet of random weights, for images of any size."""
    import torch

    from biglittle.cotrain.supernet import Supernet
    from biglittle.cotrain.weights import save_weights

    file = tmp_path_factory.mktemp("random") / "supernet.safetensors"
    torch.manual_seed(0)
    save_weights(file, Supernet(get_space("fbnet"), 10), {})
    return file


@pytest.fixture
def random_weights(noise: None, supernet_file: Path, tmp_path: Path) -> Path:
    """The file of a supernet of random weights, with images of noise; a test may change it."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for file in supernet_file.parent.iterdir():
        shutil.copy(file, folder)
    return folder / supernet_file.name


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of a table of twenty made-up networks."""
    path = tmp_path_factory.mktemp("table") / "table.h5"
    write_table(path, synthetic_table(n_networks=20, seed=2), "test", "2020-01-01")
    return str(path)


@pytest.fixture
def search(command_line, table: str):  # type: ignore[no-untyped-def]
    """Searches on the made-up table from the command line; gives exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        return command_line(
            "search", "--on", "table", "--table", table, "--device", DEVICE, *arguments
        )

    return call


@pytest.fixture
def outcome() -> SearchOutcome:
    rng, space, n = np.random.default_rng(0), get_space("fbnet"), SHAPE[0]
    latency = np.linspace(5.0, 90.0, n)
    predicted = ("accuracy", "escalation_rate")
    costs = ("latency_ms", "latency_p95_ms")
    front = Points(
        little=np.array(space.format(rng.integers(0, 9, SHAPE))),
        big=np.array(space.format(rng.integers(0, 9, SHAPE))),
        gate=np.array(["margin", "max_prob"])[rng.integers(0, 2, n)],
        threshold=rng.random(n),
        accuracy=0.6 + 0.3 * np.sqrt(latency / 90.0),
        escalation_rate=rng.random(n),
        latency_ms=latency,
        latency_p95_ms=2 * latency,
        latency_worst_ms=2 * latency,
        energy_mj=np.full(n, np.nan),
        macs=1e6 * latency,
        params=np.full(n, 5e5),
        peak_memory_mib=rng.random(n) + 3.0,
        provenance={
            **dict.fromkeys(predicted, "predicted"),
            **dict.fromkeys(costs, "block-sum"),
            **dict.fromkeys(("macs", "params", "peak_memory_mib", "energy_mj"), "modelled"),
        },
    )
    singles = SingleNetworks(
        architecture=np.array(space.format(rng.integers(0, 9, (9, 22)))),
        accuracy=np.linspace(0.62, 0.85, 9),
        latency_ms=np.linspace(12.0, 80.0, 9),
        energy_mj=np.full(9, np.nan),
        macs=np.linspace(1e7, 8e7, 9),
        peak_memory_mib=np.full(9, 2.0),
        provenance={
            "accuracy": "predicted",
            "latency_ms": "block-sum",
            "energy_mj": "modelled",
            "macs": "modelled",
            "peak_memory_mib": "modelled",
        },
    )
    settings = SearchSettings(budget=1000, limits={"latency_ms": 90.0})
    return SearchOutcome(front, singles, (), 1000, 3, 0, 1500, 2.0, 1.5, settings)


@pytest.fixture
def best(outcome: SearchOutcome) -> SingleNetworks:
    return best_single(outcome.front, outcome.singles)


@pytest.fixture
def config() -> dict[str, object]:
    return {
        "searcher": "nsga2",
        "budget": 1000,
        "seed": 0,
        "gates": ["margin", "max_prob"],
        "limits": {"latency_ms": 90.0},
        "sources": {"device": "raspberry-pi-4", "surrogate_sha256": "ab12"},
    }


@pytest.fixture
def blocked(tmp_path: Path) -> Path:
    """A folder that cannot be made, not even by root: a file stands where its parent should be."""
    (tmp_path / "file").write_text("x")
    return tmp_path / "file" / "results"


FBNET = get_space("fbnet")
TWO_CHOICES = ("k3_e1", "skip")
LABELS = np.arange(40, dtype=np.uint8) % 10


@pytest.fixture(scope="session")
def made_up_device() -> Callable[..., DeviceProfile]:
    """Makes the profile of a device on which a skipped layer takes 1 ms and any other 5 ms."""
    block = np.array([int(c == "skip") or 5 for c in FBNET.choices], float)

    def profile(**other: object) -> DeviceProfile:
        facts: dict[str, object] = {
            "name": "made-up",
            "description": "",
            "space": "fbnet",
            "space_hash": FBNET.hash,
            "n_classes": 10,
            "runtime": "none",
            "source": "test",
            "block_ms": np.tile(block, (22, 1)),
            "constant_ms": 2.0,
        }
        return DeviceProfile(**{**facts, **other})

    return profile


@pytest.fixture(scope="session")
def live(made_up_device: Callable[..., DeviceProfile]) -> Callable[..., LiveEvaluator]:
    """Makes an evaluator of networks that know more labels the fewer layers they skip.

    ``penalty`` is how many labels fewer a network knows that does not skip layer 0.
    """

    def evaluator(
        penalty: float = 0.0,
        choices: tuple[str, ...] = TWO_CHOICES,
        exits: tuple[str, ...] = (),
        apart: bool = False,
    ) -> LiveEvaluator:
        def answer(architecture: str, n: int) -> NDArray[np.float64]:
            n_right = 12 + architecture.count("0") - int(penalty * (architecture[0] == "0"))
            right = np.arange(n) % 40 < n_right
            top1 = np.where(right, LABELS[:n], (LABELS[:n] + 1) % 10)
            sure = np.where(right, 0.9, 0.3)
            rest = (1 - sure[:, None]) / 9
            return rest + (sure - (1 - sure) / 9)[:, None] * np.eye(10)[top1]

        return LiveEvaluator(
            FBNET, choices, answer, LABELS, made_up_device(), 10, exits=exits, apart=apart
        )

    return evaluator


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    """A supernet of random weights, with as few images as there can be."""
    torch = pytest.importorskip("torch")
    from biglittle.cotrain.supernet import Supernet

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (130, 32, 32, 3)).astype(np.uint8)
    train = Images(pixels, rng.integers(0, 10, 130).astype(np.uint8))
    return Weights(Supernet(FBNET, 10), {"train": train}, get_dataset("cifar10"), tmp_path)
