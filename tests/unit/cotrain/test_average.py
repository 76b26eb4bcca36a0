"""The moving average of weights."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from biglittle.cotrain.average import WeightAverage  # noqa: E402


def test_the_average_follows_its_definition_and_changes_nothing_before_it_is_asked() -> None:
    net = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(0.0)
    average, expected = WeightAverage(net, 0.5), 0.0
    for step in range(1, 30):
        with torch.no_grad():
            net.weight.fill_(float(step))
        average.update(net)
        decay = min(0.5, step / (step + 9))
        expected = decay * expected + (1 - decay) * step
    assert net.weight.item() == 29.0
    average.copy_to(net)
    assert net.weight.item() == pytest.approx(expected)


def test_a_decay_of_zero_is_the_weights_themselves() -> None:
    net = torch.nn.Linear(2, 2)
    average = WeightAverage(net, 0.0)
    with torch.no_grad():
        net.weight.mul_(3.0)
    average.update(net)
    assert torch.equal(average.values["weight"], net.weight)
