"""A network under training: a step that is not taken, and its part of a checkpoint."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from biglittle.cotrain.learner import Learner  # noqa: E402


def small() -> nn.Sequential:
    """A convolution, a batch norm and a linear layer, with the same weights every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2)
        return nn.Sequential(*layers)


def stepped(learner: Learner, n: int) -> None:
    for i in range(n):
        x = torch.full((2, 3, 3, 3), float(i + 1))
        x[0] *= -1
        loss = nn.functional.cross_entropy(learner.network(x), torch.tensor([0, 1]))
        assert learner.update(loss, 0.1)


def test_a_gradient_that_is_not_finite_moves_nothing(six_steps) -> None:  # type: ignore[no-untyped-def]
    learner = Learner("little", small(), six_steps, torch.device("cpu"))
    before = [p.detach().clone() for p in learner.network.parameters()]
    loss = learner.network(torch.zeros(2, 3, 3, 3)).sum() * float("nan")
    assert not learner.update(loss, 0.1)
    after = list(learner.network.parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_the_start_is_left_alone_and_a_restored_learner_goes_on_alike(six_steps) -> None:  # type: ignore[no-untyped-def]
    start = small()
    one, other = (Learner("little", start, six_steps, torch.device("cpu")) for _ in range(2))
    stepped(one, 2)
    states = one.states()
    assert set(states) == {"little_weights", "little_momentum", "little_average"}
    other.restore({k: {n: t.clone() for n, t in v.items()} for k, v in states.items()}, steps=2)
    for learner in (one, other):
        stepped(learner, 2)
    results = one.result().state_dict(), other.result().state_dict()
    assert all(torch.equal(t, results[1][name]) for name, t in results[0].items())
    assert not torch.equal(results[0]["3.weight"], start.state_dict()["3.weight"])
    fresh = small().state_dict()
    assert all(torch.equal(t, fresh[name]) for name, t in start.state_dict().items())
