"""Gradients of single images against another way of computing them."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")


from biglittle.zerocost import noise_batch, score  # noqa: E402


def test_image_gradients_against_jacrev(make, batch) -> None:  # type: ignore[no-untyped-def]
    images, labels = batch
    network = make(norm=False).double().eval()
    jacobian = torch.stack(
        [
            torch.func.jacrev(lambda x: network(x[None])[0])(image).flatten(1)
            for image in images.double()
        ]
    )
    corr = np.corrcoef(jacobian.sum(1).detach().numpy())
    v = np.linalg.eigvalsh(corr)
    found = score(network, images, labels, "jacov,epe_nas,jacobian_norm", dtype="float64")
    assert found["jacov"] == pytest.approx(-float(np.sum(np.log(v + 1e-5) + 1 / (v + 1e-5))))
    per_class = 0.0
    for label in range(3):
        of = np.flatnonzero(labels.numpy() == label)
        if len(of):
            per_class += abs(np.log(np.abs(corr[np.ix_(of, of)]) + 1e-5).sum())
    assert found["epe_nas"] == pytest.approx(per_class)


def test_jacobian_norm_estimates_the_exact_one(make) -> None:  # type: ignore[no-untyped-def]
    network = make(norm=False).double().eval()
    images = torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(5)).double()
    each = [torch.func.jacrev(lambda x: network(x[None])[0])(image) for image in images]
    exact = math.sqrt(float(torch.stack([j.detach().square().sum() for j in each]).mean()))
    settings = {"proxies": "jacobian_norm", "dtype": "float64", "few_images": 64}
    found = score(network, images, None, **settings)["jacobian_norm"]
    assert found == pytest.approx(exact, rel=0.15)


def test_the_tangent_kernel_against_jacrev(make, batch) -> None:  # type: ignore[no-untyped-def]
    images, _ = batch
    network = make(norm=False, seed=2).double().eval()
    named = {n: p.detach() for n, p in network.named_parameters() if not n.startswith("unused")}

    def summed(parameters: dict[str, torch.Tensor]) -> torch.Tensor:
        return torch.func.functional_call(network, parameters, (images.double(),)).sum(1)

    found = torch.func.jacrev(summed)(named)
    rows = torch.cat([g.flatten(1) for g in found.values()], dim=1)
    v = torch.linalg.eigvalsh(rows @ rows.T)
    assert score(network, images, None, "ntk", dtype="float64")["ntk"] == pytest.approx(
        -math.log(float(v[-1] / v[0])), rel=1e-6
    )


def test_epe_nas_in_float64_does_not_depend_on_the_number_of_threads() -> None:
    """In float32 it does, by some per cent; its file says so."""
    network, batch, before = "2863848418780625260277", noise_batch(6), torch.get_num_threads()
    scores = []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            scores.append(score(network, batch, proxies="epe_nas", dtype="float64")["epe_nas"])
    finally:
        torch.set_num_threads(before)
    assert scores[1:] == pytest.approx(scores[:1] * 2, rel=1e-5)
