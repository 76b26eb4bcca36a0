"""How far ReLU patterns of images agree, which three proxies are made of."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..passes import Passes

COLUMNS = 2**14  # at a time: as many as stay in the processor's cache
WORD, PIECE = 64, 22  # bits of a code, and of the whole numbers that float32 adds up exactly


@dataclass(frozen=True)
class Patterns:
    """ReLU patterns of n images, in short.

    Attributes:
        agreements: number of ReLUs in the same state for each pair of images, float64, shape
            (n, n).
        n_relus: number of ReLUs in the network.
        codes: states of each ReLU over the images as bits, int64, shape (words, n_relus); image i
            is bit i % 64 of word i // 64.
    """

    agreements: torch.Tensor
    n_relus: int
    codes: torch.Tensor


def patterns(passes: Passes) -> Patterns:
    """ReLU patterns of the forward pass over the batch, in short."""
    return passes.once("relu_codes", lambda: _patterns(passes))


def _patterns(passes: Passes) -> Patterns:
    states = passes.relu_patterns
    n = len(states[0])
    both = torch.zeros(n, n, dtype=torch.float64)
    active = torch.zeros(n, dtype=torch.float64)
    starts = [(w, p) for w in range(0, n, WORD) for p in range(w, min(w + WORD, n), PIECE)]
    powers = torch.zeros(len(starts), n, device=states[0].device)
    for row, (word, start) in enumerate(starts):
        end = min(start + PIECE, word + WORD, n)
        powers[row, start:end] = 2.0 ** torch.arange(end - start)
    codes = []
    for positive in states:
        for part in torch.split(positive, COLUMNS, 1):
            x = part.float()
            # Whole numbers below 2^24: exact in float32.
            both += (x @ x.T).double().cpu()
            active += x.sum(1).double().cpu()
            pieces = (powers @ x).long().cpu()
            code = torch.zeros(-(-n // WORD), x.shape[1], dtype=torch.int64)
            for (word, start), piece in zip(starts, pieces, strict=True):
                code[word // WORD] |= piece << (start - word)
            codes.append(code)
    total = sum(positive.shape[1] for positive in states)
    # c_i c_j + (1 - c_i)(1 - c_j), summed over ReLUs
    agreements = 2 * both + total - active[:, None] - active[None]
    return Patterns(agreements, total, torch.cat(codes, 1))
