"""Accelerators that are chosen by a differentiable search: their shares, and what is derived."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench import get_space  # noqa: E402
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.errors import AcceleratorError, ConstraintError  # noqa: E402
from biglittle.cotrain.supernet import Supernet  # noqa: E402
from biglittle.edge_profiler.accelerators.grid import CostGrid  # noqa: E402
from biglittle.edge_profiler.accelerators.space import (  # noqa: E402
    AcceleratorSpace,
    parse_space,
)
from biglittle.searchers.darts import search  # noqa: E402
from biglittle.searchers.darts_accelerators import (  # noqa: E402
    AcceleratorPrices,
    accelerator_prices,
)
from biglittle.searchers.darts_settings import DartsSettings  # noqa: E402

SPACE = get_space("fbnet")
CHOICES = [0, 8]
SOME = {
    "name": "some",
    "rows": [8, 16, 32],
    "columns": [8, 16],
    "weight_buffer_kib": [4, 16],
    "activation_buffer_kib": 16,
    "bandwidth_bits": 64,
    "dataflow": ["weight-stationary", "row-stationary"],
}


@pytest.fixture(scope="module")
def some() -> AcceleratorSpace:
    return parse_space(SOME, "some")


def prices(space: AcceleratorSpace, area_mm2: float | None = None) -> AcceleratorPrices:
    return accelerator_prices(space, SPACE, 10, CHOICES, area_mm2, 200.0, seed=0)


@pytest.fixture(scope="module")
def grid(some: AcceleratorSpace) -> CostGrid:
    """What blocks cost on all of these accelerators, which is worked out once."""
    return CostGrid(some, SPACE, 10, 200.0)


def fresh_prices(grid: CostGrid) -> AcceleratorPrices:
    """Prices of all accelerators, of which nothing is learned yet."""
    return AcceleratorPrices(grid, np.arange(len(grid.accelerators)), CHOICES, seed=0)


def test_shares_are_of_accelerators_within_the_limit(some: AcceleratorSpace) -> None:
    limit = float(np.median(some.areas_mm2))
    priced = prices(some, limit)
    assert len(priced.places) < len(some)
    assert (some.areas_mm2[priced.places] <= limit).all()
    for temperature in (None, 3.0, 0.3):
        shares = priced.shares(temperature)
        assert shares.shape == (len(priced.places),)
        assert shares.sum().item() == pytest.approx(1.0)
        assert (shares >= 0).all()
    even = priced.shares(None)
    assert even.max().item() == pytest.approx(even.min().item())  # nothing is learned yet
    sharp = torch.stack([priced.shares(0.01).max() for _ in range(20)])
    soft = torch.stack([priced.shares(10.0).max() for _ in range(20)])
    assert sharp.mean() > soft.mean()


def test_prices_are_expected_and_teach_every_number(grid: CostGrid) -> None:
    priced = fresh_prices(grid)
    drawn = priced(0.5)
    low, high = priced.block_ms.min(dim=0).values, priced.block_ms.max(dim=0).values
    assert (drawn.block_ms >= low - 1e-5).all()
    assert (drawn.block_ms <= high + 1e-5).all()
    drawn.block_ms.sum().backward()
    for weights in priced.numbers:
        several = len(weights) > 1
        assert bool(weights.grad.abs().sum() > 0) == several
    with torch.no_grad():
        for weights in priced.numbers:
            weights[-1] += 50.0
    assert priced.place == int(priced.places[-1])
    assert torch.allclose(priced.shares(None)[-1], torch.tensor(1.0))


def test_latency_alone_derives_a_fast_accelerator(grid: CostGrid, made_up: Dataset) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
    train = Images(pixels, rng.integers(0, 10, 40).astype(np.uint8))
    torch.manual_seed(0)
    settings = DartsSettings(
        choices=("k3_e1", "skip"),
        steps=25,
        batch=4,
        resolution=8,
        latency_weight=1e6,
        entropy_weight=0.0,
        weights_rate=0.0,
        architecture_rate=0.2,
    )
    facts = replace(made_up, height=8)
    derived = [
        search(Supernet(SPACE, 10), train, facts, fresh_prices(grid), settings) for _ in range(2)
    ]
    assert derived[0].accelerator == derived[1].accelerator
    priced = fresh_prices(grid)
    ms = (priced.block_ms.mean(dim=2).sum(dim=1) + priced.constant_ms).numpy()
    assert ms[list(priced.places).index(derived[0].accelerator)] <= np.median(ms)


def test_what_there_is_not(some: AcceleratorSpace) -> None:
    with pytest.raises(ConstraintError, match="the least"):
        prices(some, 0.001)
    tiny = parse_space({**SOME, "activation_buffer_kib": 0.05}, "tiny")
    with pytest.raises(AcceleratorError, match="larger buffers"):
        prices(tiny)
