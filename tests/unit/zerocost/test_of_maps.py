"""ReLU patterns and maps that are seen on the way."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from biglittle.zerocost import ProxyError, score  # noqa: E402
from biglittle.zerocost.forwards import Forwards  # noqa: E402
from biglittle.zerocost.passes import Passes  # noqa: E402


@pytest.mark.parametrize(
    "relu", [nn.ReLU(), nn.ReLU(True), nn.ReLU6(), functional.relu, torch.relu, torch.relu_]
)
def test_a_relu_is_seen_however_it_is_called(relu) -> None:  # type: ignore[no-untyped-def]
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(4, 5), nn.Linear(5, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(relu(self.first(x)))

    images = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    found = Passes(Forwards(Net(), images, None, ["relu_patterns"])).relu_patterns
    assert [p.shape for p in found] == [(3, 5)]


@pytest.mark.parametrize("name", ["nwot", "swap", "linear_regions"])
def test_without_relu_it_names_proxy_and_layer(name: str) -> None:
    network = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))
    with pytest.raises(ProxyError, match=rf"{name}.*no ReLU.*'2'"):
        score(network, torch.randn(3, 4), None, name)
