"""One forward pass of a network, and the layer that it fails in."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from biglittle.zerocost import ProxyError, score  # noqa: E402
from biglittle.zerocost.network import PassError  # noqa: E402
from biglittle.zerocost.run_network import run  # noqa: E402


def test_an_output_that_is_no_logits_is_named(broken, batch) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ProxyError, match=r"snip.*tuple.*expected logits"):
        score(broken("tuple"), *batch, "snip")


def test_a_layer_under_no_grad_is_a_reason_and_an_unused_one_is_left_out(make, batch) -> None:  # type: ignore[no-untyped-def]
    class Frozen(type(make())):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.no_grad():
                x = self.stem(x)
            return self.classifier(functional.relu(self.shared(x)).mean((2, 3)))

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Frozen()
    names = "snip,synflow,zico,grasp,hessian_norm,macs"
    scores = score(network, *batch, names, failures="keep")
    assert scores.values.keys() == {"macs"}
    assert all("'stem.0' runs under torch.no_grad" in r for r in scores.failures.values())
    used = score(make(), *batch, names, failures="keep")  # its layer "unused" is never called
    assert used.failures == {}


def test_the_layer_that_fails_is_named_and_hooks_are_gone(make, batch) -> None:  # type: ignore[no-untyped-def]
    network = make()
    network.classifier = nn.Linear(9, 3)
    with pytest.raises(PassError, match=r"shape \(8, 3, 8, 8\) failed in layer 'classifier'"):
        run(network, batch[0])
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())
