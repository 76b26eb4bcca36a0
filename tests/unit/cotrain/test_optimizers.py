"""What moves a network: which weights decay, Muon on 1x1 convolutions, and what is remembered."""

from __future__ import annotations

import copy
import dataclasses

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from biglittle.bench.errors import BigLittleError, TrainingError  # noqa: E402
from biglittle.cotrain.learner import Learner  # noqa: E402
from biglittle.cotrain.optimizers import (  # noqa: E402
    ModuleOptimizer,
    OptimizerSettings,
    parameter_groups,
)
from biglittle.cotrain.recipe import is_among, recipe_from  # noqa: E402

WIDTHS = 3, 4, 8


def small() -> nn.Sequential:
    """A 3x3 and a 1x1 convolution with batch norms and a classifier, the same every time."""
    colours, few, many = WIDTHS
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(colours, few, 3, bias=False),
            nn.BatchNorm2d(few),
            nn.Conv2d(few, many, 1, bias=False),
            nn.BatchNorm2d(many),
            nn.Flatten(),
            nn.Linear(many, 2),
        )


def stepped(learner: Learner[nn.Sequential], n: int) -> list[float]:
    losses = []
    for i in range(n):
        x = torch.full((4, 3, 3, 3), float(i % 2 + 1))
        x[::2] *= -1
        loss = nn.functional.cross_entropy(learner.network(x), torch.tensor([0, 1, 0, 1]))
        assert learner.update(loss, 0.02)
        losses.append(float(loss.detach()))
    return losses


@pytest.fixture
def muon(six_steps):  # type: ignore[no-untyped-def]
    if not hasattr(torch.optim, "Muon"):
        pytest.skip("this version of torch has no Muon")
    return dataclasses.replace(six_steps, optimizer="muon", weight_decay=0.05, ema_decay=None)


def test_weights_decay_and_biases_and_norms_do_not() -> None:
    decayed, plain = parameter_groups(small().named_parameters(), 0.5)
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.5, 0.0)
    assert [tuple(p.shape) for p in decayed["params"]] == [(4, 3, 3, 3), (8, 4, 1, 1), (2, 8)]
    assert [tuple(p.shape) for p in plain["params"]] == [(4,), (4,), (8,), (8,), (2,)]


def test_muon_moves_every_direction_of_a_1x1_convolution_alike(muon) -> None:  # type: ignore[no-untyped-def]
    network = small()
    optimizer = ModuleOptimizer(network, OptimizerSettings("muon", muon.momentum, 0.0))
    weight = network.get_parameter("2.weight")
    before = weight.detach().clone()
    few = WIDTHS[1]
    turn = torch.linalg.qr(torch.arange(1.0, 1 + few**2).reshape(few, few).sin())[0]
    gradient = torch.zeros(8, few)
    gradient[:few] = turn * torch.tensor([1.0, 0.4, 0.2, 0.1])
    weight.grad = gradient.reshape(weight.shape)
    optimizer.step(0.02)
    lengths = torch.linalg.svdvals((before - weight.detach()).flatten(1))
    expected = 0.02 * 0.2 * 8**0.5  # the rate, times what makes its size that of AdamW
    assert bool(((lengths > 0.5 * expected) & (lengths < 1.5 * expected)).all())
    assert float(((before - weight.detach()) * weight.grad).sum()) > 0  # downhill


def test_muon_learns_and_weights_that_fresh_ones_surround_learn_slower(muon) -> None:  # type: ignore[no-untyped-def]
    losses = stepped(Learner("network", small(), muon, torch.device("cpu")), 30)
    assert losses[-1] < 0.2 * losses[0]
    faster = ModuleOptimizer(small(), OptimizerSettings("muon", 0.9, 0.0, ("2.", "5."), 3.0))
    faster.step(0.1)
    rates = {
        id(p): group["lr"]
        for part in faster.optimizers
        for group in part.param_groups
        for p in group["params"]
    }
    assert rates[id(faster.matrices["2.weight"])] == pytest.approx(0.3)
    assert rates[id(faster.net.get_parameter("0.weight"))] == pytest.approx(0.1)


def test_a_restored_muon_goes_on_alike_and_so_does_a_copy(muon) -> None:  # type: ignore[no-untyped-def]
    one, other = (Learner("network", small(), muon, torch.device("cpu")) for _ in range(2))
    stepped(one, 3)
    states = one.states()
    kinds = {"weights", "momentum", "exp_avg", "exp_avg_sq", "step"}
    assert set(states) == {f"network_{kind}" for kind in kinds}
    other.restore({k: {n: t.clone() for n, t in v.items()} for k, v in states.items()}, steps=3)
    copied = copy.deepcopy(one)
    before = {n: t.clone() for n, t in one.network.state_dict().items()}
    stepped(copied, 3)
    assert all(torch.equal(t, before[n]) for n, t in one.network.state_dict().items())
    for learner in (one, other):
        stepped(learner, 3)
    for learner in (other, copied):
        result = learner.result().state_dict()
        assert all(torch.equal(t, result[n]) for n, t in one.result().state_dict().items())


def test_an_optimizer_that_is_not_there_is_an_error(
    six_steps,
    monkeypatch: pytest.MonkeyPatch,  # type: ignore[no-untyped-def]
) -> None:
    with pytest.raises(BigLittleError, match=r"optimizer is 'adam'; expected one of sgd, muon"):
        dataclasses.replace(six_steps, optimizer="adam")
    recipe = dataclasses.replace(six_steps, optimizer="muon")
    assert recipe_from(recipe.as_dict(), "a recipe") == recipe
    assert "optimizer" not in six_steps.as_dict()
    assert not is_among(recipe.as_dict(), [six_steps.as_dict()])
    monkeypatch.delattr(torch.optim, "Muon", raising=False)
    with pytest.raises(TrainingError, match=r"expected torch 2\.9 or newer.*optimizer = \"sgd\""):
        Learner("network", small(), recipe, torch.device("cpu"))
    sgd = dataclasses.replace(recipe, optimizer="sgd")  # as the message advises
    Learner("network", small(), sgd, torch.device("cpu"))
