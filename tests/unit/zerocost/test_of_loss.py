"""Gradients and curvature of the labelled loss, by hand or in another way of computing."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from biglittle.zerocost import score  # noqa: E402
from biglittle.zerocost.forwards import Forwards  # noqa: E402
from biglittle.zerocost.passes import Passes  # noqa: E402


def gradients_of(by_hand) -> tuple[np.ndarray, ...]:  # type: ignore[no-untyped-def]
    """Gradients of the mean cross-entropy of the two-layer net, by the chain rule in numpy."""
    a, b, x = np.array(by_hand.a), np.array(by_hand.b), by_hand.x.numpy().astype(float)
    before = x @ a.T
    hidden = np.maximum(before, 0)
    logits = hidden @ b.T
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    d_logits = (p - np.eye(2)[by_hand.y.numpy()]) / len(x)
    d_hidden = (d_logits @ b) * (before > 0)
    return d_hidden.T @ x, d_logits.T @ hidden, before * d_hidden, logits * d_logits


def test_gradient_proxies_of_a_two_layer_net_by_hand(by_hand) -> None:  # type: ignore[no-untyped-def]
    g_a, g_b, first, second = gradients_of(by_hand)
    names = "snip,grad_norm,plain,l2_norm,fisher"
    found = score(by_hand.network(), by_hand.x, by_hand.y, names, dtype="float64")
    a, b = np.array(by_hand.a), np.array(by_hand.b)
    assert found["snip"] == pytest.approx(np.abs(a * g_a).sum() + np.abs(b * g_b).sum())
    assert found["grad_norm"] == pytest.approx(np.linalg.norm(g_a) + np.linalg.norm(g_b))
    assert found["plain"] == pytest.approx((a * g_a).sum() + (b * g_b).sum())
    assert found["l2_norm"] == pytest.approx(np.linalg.norm(a) + np.linalg.norm(b))
    fisher = sum((s**2).mean(0).sum() / 2 for s in (first, second))
    assert found["fisher"] == pytest.approx(fisher)


def test_grasp_and_hessian_against_the_full_hessian(by_hand) -> None:  # type: ignore[no-untyped-def]
    network = by_hand.network().double()
    x, labels = by_hand.x.double(), by_hand.y

    def loss(flat: torch.Tensor) -> torch.Tensor:
        a, b = flat[:6].view(3, 2), flat[6:].view(2, 3)
        return functional.cross_entropy(functional.relu(x @ a.T) @ b.T, labels)

    w = torch.cat([p.detach().flatten() for p in network.parameters()])
    g = torch.autograd.functional.jacobian(loss, w)
    hessian = torch.autograd.functional.hessian(loss, w)
    h = hessian @ g
    found = score(network, x, labels, "grasp,hessian_norm", dtype="float64")
    assert found["grasp"] == pytest.approx(-float(w @ h))
    assert found["hessian_norm"] == pytest.approx(float(h.norm() / g.norm()))
    spectral = torch.linalg.matrix_norm(hessian, 2)
    assert found["hessian_norm"] <= float(spectral) * (1 + 1e-9)


def test_curvature_of_a_layer_before_a_norm_is_its_squared_gradient() -> None:
    """A layer whose scale does not matter, L(c w) = L(w), has -w . (H g) = ||g||^2 (Euler)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(
            *(nn.Conv2d(3, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6, eps=1e-12), nn.ReLU()),
            *(nn.Conv2d(6, 6, 3, groups=6, bias=False), nn.BatchNorm2d(6, eps=1e-12), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)),
        )
        images, labels = torch.randn(8, 3, 6, 6), torch.arange(8) % 3
    needs = ["hessian_gradient", "gradient_growth"]
    found = Passes(Forwards(network, images, labels, needs, dtype=torch.float64))
    exact = sum(float((w.value * h).sum()) for w, h in found.hessian_gradient)
    assert found.gradient_growth == pytest.approx(exact, rel=1e-9)
    single = Passes(Forwards(network, images, labels, needs)).gradient_growth
    assert single == pytest.approx(exact, rel=1e-3)
    for weight, product in found.hessian_gradient[:-1]:
        along = float((weight.value * product).sum())
        assert -along == pytest.approx(float(weight.gradient.square().sum()), rel=1e-9)


def test_a_layer_that_runs_twice_is_salient_twice(make, batch) -> None:  # type: ignore[no-untyped-def]
    found = Passes(Forwards(make(), *batch, ["channel_saliency"])).channel_saliency
    names = [name for name, _ in found]
    assert names.count("shared") == 2
    assert "unused" not in names


def test_the_first_gradient_is_the_same_with_and_without_the_second(make, batch) -> None:  # type: ignore[no-untyped-def]
    alone = Passes(Forwards(make(), *batch, ["gradients"], dtype=torch.float64)).gradients
    both = Passes(Forwards(make(), *batch, ["gradients", "hessian_gradient"], dtype=torch.float64))
    for a, b in zip(alone, both.gradients, strict=True):
        torch.testing.assert_close(a.gradient, b.gradient, rtol=1e-9, atol=1e-12)
    assert [w.layer for w, _ in both.hessian_gradient] == [a.layer for a in alone]
