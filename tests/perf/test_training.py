"""Training speed: a supernet's step against a plain network's, and memory that is kept.

A sandwich step trains two paths of a supernet. The baseline is a standalone network of the same
path in the same run, so that the ratio says what sharing weights costs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from biglittle.bench import get_space  # noqa: E402
from biglittle.bench.networks import Network, build_network  # noqa: E402
from biglittle.cotrain.supernet import Supernet  # noqa: E402

pytestmark = pytest.mark.perf

SPACE = get_space("fbnet")
LARGE, SMALL = "2" * 22, "0808080808080808080808"  # k3_e3 everywhere; every other layer skipped
BATCH, SIDE, ROUNDS = 32, 16, 3

# Activations beyond 32 MiB (64 x 144 channels x 32 x 32), which glibc gives back to the kernel by
# itself. Processor time, page faults included: it hardly depends on what else the machine does.
STEPS = """
import json, sys, time, torch
from biglittle.bench.networks import build_network
from biglittle.cotrain.memory import keep_freed_memory
torch.set_num_threads(1)
net = build_network("883" + "8" * 19, 10, seed=0)
n = int(sys.argv[1])
x, y = torch.randn(n, 3, 32, 32), torch.zeros(n, dtype=torch.int64)
def step():
    began = time.process_time()
    torch.nn.functional.cross_entropy(net(x), y).backward()
    return time.process_time() - began
def fastest():
    step()
    return min(step() for _ in range(2))
returned = fastest()
keep_freed_memory()
print(json.dumps({"return": returned, "keep": fastest()}))
"""


def _median_s(step: Callable[[], None]) -> float:
    step()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return float(np.median(times))


def test_supernet_step_against_standalone_networks(benchmark) -> None:  # type: ignore[no-untyped-def]
    net = Supernet(SPACE, 10)
    alone = {a: build_network(a, 10, seed=0) for a in (LARGE, SMALL)}
    x = torch.randn(BATCH, 3, SIDE, SIDE).contiguous(memory_format=torch.channels_last)
    y = torch.arange(BATCH) % 10
    paths = {a: SPACE.parse(a)[0].tolist() for a in alone}

    def sandwich() -> None:
        net.zero_grad(set_to_none=True)
        large = net(x, paths[LARGE])
        functional.cross_entropy(large, y).backward()
        functional.cross_entropy(net(x, paths[SMALL]), large.detach().softmax(1)).backward()

    def plain(network: Network) -> None:
        network.zero_grad(set_to_none=True)
        functional.cross_entropy(network(x), y).backward()

    baseline_s = {a: _median_s(lambda n=n: plain(n)) for a, n in alone.items()}  # type: ignore[misc]
    benchmark.pedantic(sandwich, rounds=ROUNDS, warmup_rounds=1)
    assert net.classifier.weight.grad is not None
    if benchmark.stats is not None:
        median_s = benchmark.stats["median"]
        benchmark.extra_info["images_per_s"] = BATCH / median_s
        benchmark.extra_info["baseline_images_per_s"] = BATCH / baseline_s[LARGE]
        benchmark.extra_info["times_the_large_path_alone"] = median_s / baseline_s[LARGE]
        benchmark.extra_info["times_both_paths_alone"] = median_s / sum(baseline_s.values())


def test_steps_with_and_without_kept_memory(benchmark) -> None:  # type: ignore[no-untyped-def]
    # In a process of its own: the setting cannot be taken back.
    command = [sys.executable, "-c", STEPS, "2" if benchmark.disabled else "64"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    taken = json.loads(done.stdout)
    assert all(seconds > 0 for seconds in taken.values())
    benchmark.pedantic(lambda: None, rounds=1)
    benchmark.extra_info["cpu_s_with_kept_memory"] = taken["keep"]
    benchmark.extra_info["times_without_kept_memory"] = taken["return"] / taken["keep"]
