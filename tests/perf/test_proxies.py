"""Speed of the proxies: all at once, sharing passes, against one by one and one training step.

The first round is the first time that the process meets a batch of this size: kernels are prepared
and memory is touched. Medians are of all rounds; ``first_together_s`` is of the first alone. The
large network takes a minute, so it is measured under ``--benchmark-only``, a small one otherwise.
"""

from __future__ import annotations

import statistics
import time

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from biglittle.bench import get_space  # noqa: E402
from biglittle.bench.networks import build_network  # noqa: E402
from biglittle.zerocost import PROXIES, Batch, noise_batch, score  # noqa: E402

pytestmark = pytest.mark.perf

ARCHITECTURE = "8652610626534125368116"  # 59.7 M MACs
SMALL = "0808080808080808080808"
BATCH, ROUNDS = 64, 3


def _step(network: nn.Module, batch: Batch) -> float:
    """Wall time in s of one forward and one backward pass."""
    x = batch.images.contiguous(memory_format=torch.channels_last)
    began = time.perf_counter()
    loss = torch.nn.functional.cross_entropy(network.train()(x), batch.labels)
    torch.autograd.grad(loss, list(network.parameters()))
    return time.perf_counter() - began


def _once(network: nn.Module, batch: Batch) -> tuple[float, float, float]:
    """Wall time in s of all proxies together, of one call for each, and of a training step."""
    began = time.perf_counter()
    score(network, batch)
    together = time.perf_counter() - began
    began = time.perf_counter()
    for name in PROXIES.names():
        score(network, batch, proxies=name)
    return together, time.perf_counter() - began, _step(network, batch)


def test_all_proxies_against_one_by_one(benchmark, request) -> None:  # type: ignore[no-untyped-def]
    measuring = request.config.getoption("--benchmark-only", default=False)
    architecture, batch = (ARCHITECTURE, BATCH) if measuring else (SMALL, 8)
    network, images = build_network(architecture, 10, seed=0), noise_batch(batch)
    score(network, noise_batch(2))
    rounds: list[tuple[float, float, float]] = []
    benchmark.pedantic(
        lambda: rounds.append(_once(network, images)), rounds=ROUNDS if measuring else 1
    )
    together, one_by_one, step = (statistics.median(times) for times in zip(*rounds, strict=True))
    assert together > 0
    space = get_space("fbnet")
    benchmark.extra_info["macs"] = int(space.macs(space.parse(architecture), 10)[0])
    benchmark.extra_info["batch"] = batch
    benchmark.extra_info["threads"] = torch.get_num_threads()
    benchmark.extra_info["rounds"] = len(rounds)
    benchmark.extra_info["first_together_s"] = rounds[0][0]
    benchmark.extra_info["together_s"] = together
    benchmark.extra_info["one_by_one_s"] = one_by_one
    benchmark.extra_info["training_step_s"] = step
    benchmark.extra_info["times_faster"] = statistics.median(b / a for a, b, _ in rounds)
    benchmark.extra_info["together_in_training_steps"] = together / step
