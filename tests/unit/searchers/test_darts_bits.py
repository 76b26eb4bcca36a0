"""Relaxed bits: in closed form where they are certain, and a search that is led by their price."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench import get_space  # noqa: E402
from biglittle.bench.bits import BITS  # noqa: E402
from biglittle.bench.datasets import Dataset, Images  # noqa: E402
from biglittle.bench.errors import ConstraintError  # noqa: E402
from biglittle.bench.mixed_network import bit_costs, stages_of  # noqa: E402
from biglittle.cotrain.supernet import Supernet  # noqa: E402
from biglittle.searchers.darts import search  # noqa: E402
from biglittle.searchers.darts_bits import (  # noqa: E402
    ExpectedBitOps,
    SoftBits,
    SoftlyQuantised,
    mixed,
    read_errors,
    weight_errors,
)
from biglittle.searchers.darts_relaxation import soft_forward  # noqa: E402
from biglittle.searchers.darts_settings import DartsSettings  # noqa: E402

SPACE = get_space("fbnet")
ENTRIES = len(stages_of(SPACE)) + 1


def certain(bits: np.ndarray) -> torch.Tensor:
    """Weights of a choice of bits that is made."""
    return torch.tensor(np.array(bits)[..., None] == np.array(BITS), dtype=torch.float32)


def path(genome: np.ndarray, n_choices: int = 9) -> torch.Tensor:
    return torch.tensor(np.asarray(genome)[:, None] == np.arange(n_choices), dtype=torch.float32)


def test_bitops_of_certain_choices_are_those_of_the_network() -> None:
    rng = np.random.default_rng(0)
    expected = ExpectedBitOps(SPACE, 10, list(range(9)))
    genomes = rng.integers(0, 9, (4, 22)).astype(np.uint8)
    bits = rng.choice(BITS, (4, ENTRIES, 2))
    got = expected.of(torch.stack([path(g) for g in genomes]), certain(bits))
    for name, own, billions in zip(SPACE.format(genomes), bits, got, strict=True):
        exact = int(bit_costs("fbnet", name, 10).bitops(own))
        assert float(billions) == pytest.approx(exact / 1e9, rel=1e-5)
    assert expected.most + expected.fixed >= float(got.max())


def test_bitops_of_soft_choices_are_a_mean_over_networks() -> None:
    expected = ExpectedBitOps(SPACE, 10, [0, 8])
    bits = certain(np.full((1, ENTRIES, 2), 6))
    half = torch.full((1, 22, 2), 0.5)
    every = [path(np.full(22, i), 2)[None] for i in (0, 1)]
    ends = [float(expected.of(one, bits)[0]) for one in every]
    assert float(expected.of(half, bits)[0]) == pytest.approx(sum(ends) / 2, rel=1e-5)


def test_fewer_bits_round_more_coarsely_and_gradients_pass() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, 5, 5, requires_grad=True)
    for errors in (read_errors(x), weight_errors(x)):
        sizes = [float(e.abs().max()) for e in errors]
        assert sizes[0] > sizes[1] > sizes[2] > 0
    errors = read_errors(x)
    extent = float((x.max() - x.min()).detach())
    assert float(errors[0].abs().max()) <= extent / 15 / 2 * 1.001  # half a step of 4 bits
    chances = torch.tensor([0.0, 0.0, 1.0], requires_grad=True)
    out = mixed(x, chances, errors)
    assert torch.allclose(out, x + errors[-1])
    out.sum().backward()
    assert torch.allclose(x.grad, torch.ones_like(x))
    for grad, error in zip(chances.grad, errors, strict=True):
        assert float(grad) == pytest.approx(float(error.sum()), abs=1e-5)


def test_a_network_of_eight_bits_is_near_the_plain_one_and_of_fewer_further() -> None:
    torch.manual_seed(0)
    net = Supernet(SPACE, 10).train()
    images, one = torch.randn(8, 3, 16, 16), path(np.full(22, 8))
    with torch.no_grad():
        plain = soft_forward(net, images, one, list(range(9)))
        far = []
        for bits in BITS:
            view = SoftlyQuantised(net, certain(np.full((ENTRIES, 2), bits)))
            far.append(float((soft_forward(view, images, one, list(range(9))) - plain).norm()))
    assert far[0] > far[1] > far[2] > 0  # about 0.5, 0.16 and 0.04 of its norm, four seeds
    assert far[2] < 0.2 * float(plain.norm())


def test_bits_are_drawn_by_their_seed_and_sharpen() -> None:
    soft, again = SoftBits(ENTRIES, 3), SoftBits(ENTRIES, 3)
    drawn = soft.drawn(1.0)
    assert torch.equal(drawn, again.drawn(1.0))
    assert torch.allclose(drawn.sum(-1), torch.ones(2, ENTRIES, 2))
    assert float(soft.drawn(1e4).detach().amax(-1).min()) > 0.99
    soft.beta.data[...] = torch.tensor([0.0, 2.0, 1.0])
    assert soft.derived() == (((6, 6),) * ENTRIES,) * 2
    soft.drawn(1.0)[..., 0].sum().backward()
    assert float(soft.beta.grad.abs().sum()) > 0


def test_a_search_that_pays_for_bitops_ends_with_few_bits(made_up: Dataset, made_up_device) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 8, 8, 3)).astype(np.uint8)
    train = Images(pixels, rng.integers(0, 10, 40).astype(np.uint8))
    torch.manual_seed(0)
    net = Supernet(SPACE, 10)
    settings = DartsSettings(
        choices=("k3_e1", "k3_e3"),
        steps=15,
        sharpness=1.0,
        batch=4,
        resolution=8,
        weights_rate=0.0,
        architecture_rate=0.5,
        bits=True,
        bitops_weight=1e5,
    )
    data = replace(made_up, height=8)
    derived = search(net, train, data, made_up_device(), settings)
    # 6 on average at first; from 4.3 to 4.9 under five seeds at the end
    assert np.mean(derived.bits) < 5.5
    little, big = derived.mixed("fbnet")
    assert (little.network, little.bits) == (derived.little, derived.bits[0])
    assert (big.network, big.bits) == (derived.big, derived.bits[1])
    assert derived.history[-1]["gbitops"] < 0.7 * derived.history[0]["gbitops"]
    plain = search(net, train, data, made_up_device(), replace(settings, bits=False, steps=1))
    assert plain.bits is plain.mixed("fbnet") is None
    assert "gbitops" not in plain.history[0]


def test_bitops_are_aimed_at_with_bits_alone() -> None:
    with pytest.raises(ConstraintError, match="add --bits"):
        DartsSettings(gbitops=1.0)
    assert DartsSettings(bits=True, gbitops=1.0).gbitops == 1.0
