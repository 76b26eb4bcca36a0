"""MACs and parameters against two independent counts: hooks on the built module, and the papers."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.spaces import get_space

SPACE = get_space("fbnet")
UNIFORM = [str(choice) * SPACE.n_layers for choice in range(len(SPACE.choices))]
RANDOM = SPACE.format(SPACE.sample(np.random.default_rng(0), 6))
PUBLISHED = "2863848418780625260277"
ARCHITECTURES = [*UNIFORM, *RANDOM, PUBLISHED]


def _count_by_hand(architecture: str, n_classes: int) -> tuple[int, int]:
    """MACs and parameters straight from the tables of Wu et al. 2019 and Li et al. 2021."""
    macs, params = 3 * 9 * 16 * 32 * 32, 3 * 9 * 16 + 2 * 16
    channels, side, digits = 16, 32, iter(architecture)
    channels_of = (16, 24, 32, 64, 112, 184, 352)
    for out, depth, first in zip(
        channels_of, (1, 4, 4, 4, 4, 4, 1), (1, 1, 2, 2, 1, 2, 1), strict=True
    ):
        for stride in (first, *[1] * (depth - 1)):
            after, digit = side // stride, int(next(digits))
            if digit == 8:
                if stride != 1 or channels != out:
                    macs += channels * out * after**2
                    params += channels * out + 2 * out
            else:
                kernel = (3, 3, 3, 3, 5, 5, 5, 5)[digit]
                wide = channels * (1, 1, 3, 6, 1, 1, 3, 6)[digit]
                groups = (1, 2, 1, 1, 1, 2, 1, 1)[digit]
                expand, deep, project = (
                    channels * wide // groups,
                    kernel**2 * wide,
                    wide * out // groups,
                )
                macs += expand * side**2 + (deep + project) * after**2
                params += expand + deep + project + 2 * (wide + wide + out)
            channels, side = out, after
    macs += channels * 1504 * side**2 + 1504 * n_classes
    params += channels * 1504 + 2 * 1504 + (1504 + 1) * n_classes
    return macs, params


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_closed_form_equals_the_count_by_hand(architecture: str) -> None:
    genome = SPACE.parse(architecture)
    got = int(SPACE.macs(genome, 100)[0]), int(SPACE.params(genome, 100)[0])
    assert got == _count_by_hand(architecture, 100)


def test_published_parameter_count() -> None:
    # Parameters of this architecture with 100 classes; also what the built module has.
    assert _count_by_hand(PUBLISHED, 100)[1] == 2_447_972


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_closed_form_equals_hooks_on_the_built_module(architecture: str) -> None:
    torch = pytest.importorskip("torch")
    from biglittle.bench.networks import build_network

    counted = []

    def count(module, inputs, output) -> None:
        if isinstance(module, torch.nn.Conv2d):
            taps = module.weight[0].numel()  # kernel area x input channels of one group
            counted.append(taps * output[0].numel())
        elif isinstance(module, torch.nn.Linear):
            counted.append(module.in_features * output[0].numel())

    network = build_network(architecture, n_classes=10, seed=0).eval()
    for module in network.modules():
        module.register_forward_hook(count)
    with torch.no_grad():
        network(torch.zeros(1, 3, 32, 32))
    genome = SPACE.parse(architecture)
    assert sum(counted) == SPACE.macs(genome, 10)[0]
    assert sum(p.numel() for p in network.parameters()) == SPACE.params(genome, 10)[0]
