"""A front with its best single networks, as a search returns them, and a made-up data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Points, get_space
from biglittle.bench.datasets import Dataset
from biglittle.searchers import SearchOutcome, SearchSettings, SingleNetworks, best_single

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
