"""What is read of a network alone: its costs, and passes with other weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from biglittle.bench import get_space  # noqa: E402
from biglittle.zerocost import ProxyError, score  # noqa: E402
from biglittle.zerocost.forwards import Forwards  # noqa: E402
from biglittle.zerocost.passes import Passes  # noqa: E402


def test_synaptic_flow_is_conserved_from_layer_to_layer() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(
            nn.Conv2d(3, 6, 3, padding=1, bias=False),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False),
            nn.Conv2d(6, 8, 1, groups=2, bias=False),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(8, 4, bias=False),
        )
    passes = Passes(Forwards(network, torch.randn(2, 3, 8, 8), None, ["synaptic_flow"]))
    flows = [float((w.value * w.gradient).sum()) for w in passes.synaptic_flow]
    assert len(flows) == 4
    # Tanaka et al. 2020, theorem 2: what enters a layer's weights leaves through the next one's.
    assert flows == pytest.approx([flows[0]] * 4, rel=1e-12)
    total = score(network, torch.randn(2, 3, 8, 8), None, "synflow")["synflow"]
    assert total == pytest.approx(math.log1p(4 * flows[0]))


def test_synaptic_flow_of_two_layers_by_hand(by_hand) -> None:  # type: ignore[no-untyped-def]
    # 1^T |B| |A| 1, once for each layer
    flow = np.abs(by_hand.b).sum(0) @ np.abs(by_hand.a).sum(1)
    found = score(by_hand.network(), by_hand.x, None, "synflow")["synflow"]
    assert found == pytest.approx(math.log1p(2 * flow))


def test_synaptic_flow_does_not_overflow_where_float32_does() -> None:
    layers = [nn.Linear(64, 64, bias=False) for _ in range(60)]
    for layer in layers:
        nn.init.normal_(layer.weight, generator=torch.Generator().manual_seed(0))
    found = score(nn.Sequential(*layers), torch.randn(2, 64), None, "synflow")["synflow"]
    assert found > math.log(1e61)
    many = nn.Sequential(*layers, *layers, *layers, *layers)
    with pytest.raises(ProxyError, match=r"synflow.*float64.*layer '\d+'"):
        score(many, torch.randn(2, 64), None, "synflow")


def test_nothing_flows_through_zero_weights(by_hand) -> None:  # type: ignore[no-untyped-def]
    network = by_hand.network([[0.0, 0.0]], [[1.0], [1.0]])
    assert score(network, by_hand.x, None, "synflow")["synflow"] == 0.0


def test_zen_without_norms_is_the_log_of_the_response() -> None:
    network = nn.Sequential(nn.Conv2d(3, 5, 3, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    images = torch.zeros(64, 3, 6, 6)
    # A linear map of N(0, 0.01^2) noise with N(0, 1) weights: sum over 5 x 4 x 4 of |N(0, s^2)|.
    found = score(network, images, None, "zen")["zen"]
    expected = 5 * 16 * 0.01 * math.sqrt(27) * math.sqrt(2 / math.pi)
    assert found == pytest.approx(math.log(expected), abs=0.3)


def test_zen_counts_the_scale_that_a_norm_takes_out() -> None:
    made = [nn.Conv2d(3, 5, 3, bias=False), nn.BatchNorm2d(5)]
    tail = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 2)]
    images = torch.zeros(64, 3, 6, 6)
    plain = score(nn.Sequential(made[0], *tail), images, None, "zen")["zen"]
    normed = score(nn.Sequential(*made, *tail), images, None, "zen")["zen"]
    assert normed == pytest.approx(plain, abs=0.1)


def test_zen_does_not_look_at_the_weights(make, batch) -> None:  # type: ignore[no-untyped-def]
    one, two = (score(make(seed=s), batch[0], None, "zen")["zen"] for s in (0, 1))
    assert one == two


@pytest.mark.parametrize("space", ["fbnet", "nb201"])
def test_counts_are_those_of_the_space(space: str) -> None:
    known = get_space(space)
    genomes = known.sample(np.random.default_rng(0), 2)
    for architecture, macs, params in zip(
        known.format(genomes), known.macs(genomes, 10), known.params(genomes, 10), strict=True
    ):
        found = score(architecture, torch.randn(2, 3, 32, 32), None, "macs,params", space=space)
        assert (found["macs"], found["params"]) == (macs, params)


def test_what_never_runs_does_not_count(make, batch) -> None:  # type: ignore[no-untyped-def]
    network = make()
    total = sum(p.numel() for p in network.parameters())
    unused = sum(p.numel() for p in network.unused.parameters())
    found = score(network, batch[0], None, "params,macs")
    assert found["params"] == total - unused
    # stem, grouped, depthwise, shared twice, classifier
    assert found["macs"] == 64 * (216 + 32) + 16 * (8 * 9 + 64 + 64) + 24
