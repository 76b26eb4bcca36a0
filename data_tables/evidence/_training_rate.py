"""Prints images per second of a training step in one way, from a process or several of them.

python -m biglittle.data_tables.evidence._training_rate WAY

Each way has processes of its own: kept memory cannot be given back, nor threads be set twice.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch.nn import functional

from ...bench.spaces import get_space
from ...cotrain.memory import keep_freed_memory
from ...cotrain.precision import Precision
from ...cotrain.supernet import Supernet

SPACE, N_CLASSES = "fbnet", 10
#: A large and a small path, as a step of the shipped schedule trains both.
PATHS = ("2" * 22, "0808080808080808080808")


@dataclass(frozen=True)
class Way:
    """How a step is computed.

    Attributes:
        batch: images of a step, over all processes.
        processes: processes that share a batch and average their gradients.
        threads: threads of each process.
        precision: number format of the passes.
        kept_memory: whether freed memory stays with the process.
        channels_last: whether activations lie channel by channel for each pixel.
        throughout: whether bf16 has those convolutions, too, whose backward pass it slows.
    """

    batch: int = 128
    processes: int = 1
    threads: int = 1
    precision: str = "fp32"
    kept_memory: bool = True
    channels_last: bool = True
    throughout: bool = False


def _averaged(net: Supernet, processes: int) -> None:
    """Averages the gradients that this step left over all processes."""
    grads = [p.grad for p in net.parameters() if p.grad is not None]
    flat = torch.cat([grad.flatten() for grad in grads])
    dist.all_reduce(flat)
    flat /= processes
    sizes = [grad.numel() for grad in grads]
    for grad, part in zip(grads, torch.split(flat, sizes), strict=True):
        grad.copy_(part.view_as(grad))


def rate(way: Way, seconds: float, rank: int = 0, meeting: Path | None = None) -> float:
    """Images per second of this process, over steps that fill the seconds.

    Args:
        way: how the step is computed, processes and threads included.
        seconds: how long the steps are timed, after one that is not.
        rank: which of the processes this is, from 0.
        meeting: a file by which several processes find one another.
    """
    if way.kept_memory:
        keep_freed_memory()
    torch.set_num_threads(way.threads)
    space, layout = get_space(SPACE), torch.contiguous_format
    if way.channels_last:
        layout = torch.channels_last
    if way.processes > 1:
        dist.init_process_group("gloo", f"file://{meeting}", rank=rank, world_size=way.processes)
    torch.manual_seed(0)
    net = Supernet(space, N_CLASSES).to(memory_format=layout).train()  # type: ignore[call-overload]
    paths = [space.parse(path)[0].tolist() for path in PATHS]
    batch, stem = way.batch // way.processes, space.stem[0]
    x = torch.randn(batch, stem.in_channels, stem.height, stem.width).to(memory_format=layout)
    y = torch.from_numpy(np.arange(batch) % N_CLASSES)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-4, momentum=0.9)
    precision, device = Precision(way.precision), torch.device("cpu")

    def autocast() -> AbstractContextManager[None]:
        if way.throughout:
            return torch.autocast(device.type, torch.bfloat16, enabled=way.precision == "bf16")
        return precision.autocast(device)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        for path in paths:
            with autocast():
                logits = net(x, path)
            functional.cross_entropy(logits.float(), y).backward()  # type: ignore[no-untyped-call]
        if way.processes > 1:
            _averaged(net, way.processes)
        optimizer.step()

    step()
    begun, steps = time.perf_counter(), 0
    going = torch.ones(1)
    while going.item():
        step()
        steps += 1
        going = torch.tensor([float(time.perf_counter() - begun < seconds)])
        if way.processes > 1:  # all stop after the same step
            dist.all_reduce(going, dist.ReduceOp.MIN)
    per_s = steps * batch / (time.perf_counter() - begun)
    if way.processes > 1:
        dist.destroy_process_group()
    return per_s


def rate_of(way: Way, seconds: float) -> float:
    """Images per second of a way over all of its processes, each begun for it."""
    with tempfile.TemporaryDirectory() as folder:
        told = json.dumps({**asdict(way)})
        command = [sys.executable, "-m", __name__, told, str(seconds), str(Path(folder) / "meet")]
        running = [
            subprocess.Popen([*command, str(rank)], stdout=subprocess.PIPE, text=True)
            for rank in range(way.processes)
        ]
        texts = [process.communicate()[0] for process in running]
    return sum(float(text) for text in texts)


def main(told: str, seconds: str, meeting: str, rank: str) -> None:
    """Prints the rate of one process."""
    per_s = rate(Way(**json.loads(told)), float(seconds), int(rank), Path(meeting))
    sys.stdout.write(f"{per_s}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
