"""Trains a small graph network over operators, and writes it as ONNX over dense adjacency.

One round of message passing, for nodes h and the gate g::

    h <- h + relu(h W + A h W_in + A^T h W_out + g W_gate),
    g <- g + relu(g V + mean(h of little) V_little + mean(h of big) V_big)

with A the flow of data. Training runs on sparse batches (``torch_geometric.nn.GraphConv`` has the
first three terms, one convolution along the data and one against it); the ONNX model is the same
arithmetic on dense A, which is small here. Importing this module needs torch.

Source: Morris et al. 2019, "Weisfeiler and Leman Go Neural" (equation 5) for the convolution;
Gilmer et al. 2017, "Neural Message Passing for Quantum Chemistry" (section 5.2) for a master node.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .extras import import_extra
from .onnx_graph import GraphWriter
from .operator_graphs import GLOBALS, N_FEATURES, Graphs

HIDDEN, ROUNDS = 32, 3
RATE, DECAY, BATCH = 4e-3, 1e-3, 32


class OperatorNetwork(nn.Module):
    """The graph network; what it computes is in the module's docstring.

    Args:
        n_targets: number of values that are read out.
    """

    def __init__(self, n_targets: int) -> None:
        super().__init__()
        convolution = import_extra("torch_geometric.nn").GraphConv
        self.embed = nn.Linear(N_FEATURES, HIDDEN)
        self.start = nn.Linear(2 * len(GLOBALS), HIDDEN)
        self.along = nn.ModuleList(convolution(HIDDEN, HIDDEN, aggr="add") for _ in range(ROUNDS))
        self.against = nn.ModuleList(convolution(HIDDEN, HIDDEN, aggr="add") for _ in range(ROUNDS))
        self.answer = nn.ModuleList(nn.Linear(HIDDEN, HIDDEN, bias=False) for _ in range(ROUNDS))
        self.gate = nn.ModuleList(nn.Linear(3 * HIDDEN, HIDDEN) for _ in range(ROUNDS))
        self.hidden = nn.Linear(3 * HIDDEN, HIDDEN)
        self.out = nn.Linear(HIDDEN, n_targets)
        self.shortcut = nn.Linear(2 * len(GLOBALS), n_targets)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Targets (b, t) of a sparse batch."""
        h, g = self.embed(batch["nodes"]).relu(), self.start(batch["whole"])
        owner, edges = batch["owner"], batch["edges"]

        def mean(share: torch.Tensor) -> torch.Tensor:
            return torch.zeros_like(g).index_add(0, owner, h * share)

        for along, against, answer, gate in zip(
            self.along, self.against, self.answer, self.gate, strict=True
        ):
            heard = torch.cat([g, mean(batch["little"]), mean(batch["big"])], dim=1)
            g = g + gate(heard).relu()
            message = along(h, edges) + against(h, edges.flip(0)) + answer(g)[owner]
            h = h + message.relu()
        read = torch.cat([g, mean(batch["little"]), mean(batch["big"])], dim=1)
        targets: torch.Tensor = self.out(self.hidden(read).relu()) + self.shortcut(batch["whole"])
        return targets


def sparse(graphs: Graphs) -> dict[str, torch.Tensor]:
    """A batch without its padding."""
    used = (graphs.little + graphs.big)[:, :, 0] > 0
    index = np.cumsum(used.ravel()).reshape(used.shape) - 1
    which, reads, read = np.nonzero(graphs.adjacency)
    edges = np.stack([index[which, read], index[which, reads]])
    owner = np.nonzero(used)[0]
    return {
        "nodes": torch.from_numpy(graphs.nodes[used]),
        "little": torch.from_numpy(graphs.little[used]),
        "big": torch.from_numpy(graphs.big[used]),
        "whole": torch.from_numpy(graphs.whole),
        "owner": torch.from_numpy(owner),
        "edges": torch.from_numpy(edges),
    }


@contextmanager
def _one_thread() -> Iterator[None]:
    """One torch thread: sums in one order, so the same bits each time; small graphs gain by it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@_one_thread()
def train(
    graphs: Callable[[NDArray[np.intp]], Graphs],
    targets: NDArray[np.float64],
    epochs: int,
    seed: int,
    rows_per_epoch: int | None = None,
) -> OperatorNetwork:
    """A network that has learnt standardised targets.

    Args:
        graphs: gives the graphs of some rows.
        targets: targets of all rows, mean 0 and deviation 1, shape (n, t).
        epochs: number of passes over the rows.
        seed: seeds the initial weights and the order of the rows.
        rows_per_epoch: number of rows in a pass; None: all rows.
    """
    rng, n = np.random.default_rng(seed), len(targets)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = OperatorNetwork(targets.shape[1])
    steps = epochs * -(-min(n, rows_per_epoch or n) // BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    truth = torch.from_numpy(targets.astype(np.float32))
    for _ in range(epochs):
        order = rng.permutation(n)[: rows_per_epoch or n]
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            loss = (network(sparse(graphs(rows))) - truth[rows]).square().mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    return network.eval()


def to_onnx(network: OperatorNetwork) -> bytes:
    """The network over dense adjacency, with the inputs of ``Graphs`` and the output "targets"."""
    writer = GraphWriter(
        {
            "nodes": [None, None, N_FEATURES],
            "adjacency": [None, None, None],
            "little": [None, None, 1],
            "big": [None, None, 1],
            "whole": [None, 2 * len(GLOBALS)],
        }
    )

    def linear(layer: Any, x: str) -> str:
        out = writer.add("MatMul", x, writer.constant(layer.weight.detach().numpy().T))
        if layer.bias is None:
            return out
        return writer.add("Add", out, writer.constant(layer.bias.detach().numpy()))

    axis = writer.constant([1], np.int64)

    def mean(share: str, h: str) -> str:
        return writer.add("ReduceSum", writer.add("Mul", h, share), axis, keepdims=0)

    h = writer.add("Relu", linear(network.embed, "nodes"))
    g = linear(network.start, "whole")
    backward = writer.add("Transpose", "adjacency", perm=[0, 2, 1])
    for i in range(ROUNDS):
        along, against = network.along[i], network.against[i]
        heard = writer.add("Concat", g, mean("little", h), mean("big", h), axis=1)
        g = writer.add("Add", g, writer.add("Relu", linear(network.gate[i], heard)))
        own = writer.add("Add", linear(along.lin_root, h), linear(against.lin_root, h))
        ahead = linear(along.lin_rel, writer.add("MatMul", "adjacency", h))
        back = linear(against.lin_rel, writer.add("MatMul", backward, h))
        message = writer.add("Add", own, writer.add("Add", ahead, back))
        told = writer.add("Unsqueeze", linear(network.answer[i], g), axis)
        message = writer.add("Add", message, told)
        h = writer.add("Add", h, writer.add("Relu", message))
    read = writer.add("Concat", g, mean("little", h), mean("big", h), axis=1)
    deep = linear(network.out, writer.add("Relu", linear(network.hidden, read)))
    writer.add("Add", deep, linear(network.shortcut, "whole"), name="targets")
    return writer.model({"targets": [None, network.out.out_features]})
