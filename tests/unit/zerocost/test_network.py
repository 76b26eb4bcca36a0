"""The copy of a network: computed weights made plain or a reason, tensors put aside."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations, parametrize, prune  # noqa: E402

from biglittle.zerocost import ProxyError, score  # noqa: E402
from biglittle.zerocost.network import replaced  # noqa: E402


class Tied(nn.Module):
    """Two layers of one weight, and a norm under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
        self.two.weight = self.one.weight
        self.norm = self.again = nn.BatchNorm1d(4)
        self.last = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(torch.relu(self.one(x)))
        return self.last(self.again(self.two(x)))


def _twice(_: nn.Module, name: str, tensor: torch.Tensor) -> torch.Tensor:
    return tensor.double() * 2 if tensor.is_floating_point() else tensor


def test_within_tensors_are_others_and_after_it_the_same_objects() -> None:
    network = Tied()
    tensors = [*network.parameters(), *network.buffers()]
    values = [t.clone() for t in tensors]
    with replaced(network, _twice, norms=False) as inside:
        assert inside is network
        assert network.one.weight is network.two.weight
        assert network.one.weight.dtype == torch.float64
        assert network.one.weight.is_leaf
        assert isinstance(network.norm, nn.Identity)
        assert isinstance(network.again, nn.Identity)
        network(torch.randn(2, 4, dtype=torch.float64)).sum().backward()
    after = [*network.parameters(), *network.buffers()]
    assert all(a is b for a, b in zip(after, tensors, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(after, values, strict=True))
    assert network.norm is network.again
    assert all(p.grad is None for p in network.parameters())


def test_a_graph_that_was_built_before_stays_good() -> None:
    network = Tied()
    loss = network(torch.randn(6, 4)).square().sum()
    with torch.no_grad(), replaced(network, _twice):
        network(torch.randn(6, 4, dtype=torch.float64))
        assert not network.one.weight.requires_grad
    loss.backward()
    assert network.one.weight.grad is not None


def test_what_fails_within_leaves_the_network_as_it_was() -> None:
    network = Tied()
    weight = network.one.weight
    with pytest.raises(ZeroDivisionError), replaced(network, _twice, norms=False):
        _ = 1 / 0
    assert network.one.weight is weight
    assert isinstance(network.norm, nn.BatchNorm1d)


def test_a_weight_that_two_layers_share_counts_once() -> None:
    network = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2, bias=False))
    network[2].weight = network[0].weight
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[1.0, -2.0], [3.0, 0.5]]))
    w = network[0].weight.detach().double().abs()
    flow = (w @ w).sum()  # quadratic in w: the sum of w * dR/dw is 2 R
    found = score(network, torch.randn(2, 2), None, "synflow,l2_norm")
    assert found["synflow"] == pytest.approx(float(torch.log1p(2 * flow)))
    assert found["l2_norm"] == pytest.approx(float(w.norm()))


class Halved(nn.Module):
    """A parametrization with nothing of its own."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight / 2


COMPUTED: dict[str, Callable[[nn.Module], object]] = {
    "weight_norm": parametrizations.weight_norm,
    "spectral_norm": parametrizations.spectral_norm,
    "orthogonal": parametrizations.orthogonal,
    "two of them": lambda m: parametrize.register_parametrization(
        parametrizations.weight_norm(m), "weight", Halved()
    ),
    "older weight_norm": nn.utils.weight_norm,
    "older spectral_norm": nn.utils.spectral_norm,
    "pruned": lambda m: prune.l1_unstructured(m, "weight", 0.5),
}
LAYERS = ("stem.0", "grouped", "depthwise", "shared", "classifier")


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("kind", COMPUTED)
def test_a_computed_weight_scores_as_the_plain_weight_that_it_is(make, batch, kind: str) -> None:  # type: ignore[no-untyped-def]
    network, plain = make(), make()
    for name in LAYERS:
        COMPUTED[kind](network.get_submodule(name))
    network.eval()(batch[0])  # hooks have computed it, and nothing iterates
    with torch.no_grad():
        for name in LAYERS:
            for key in ("weight", "bias"):
                value = getattr(network.get_submodule(name), key)
                if value is not None:
                    getattr(plain.get_submodule(name), key).copy_(value)
    before = copy.deepcopy({k: v.detach() for k, v in network.state_dict().items()})
    scores = score(network.train(), *batch, failures="keep", dtype="float64")
    expected = score(plain, *batch, failures="keep", dtype="float64")
    assert scores.failures == expected.failures
    assert scores.values == pytest.approx(expected.values, rel=1e-6)
    assert all(torch.equal(before[k], v) for k, v in network.state_dict().items())


def test_weights_that_are_shared_before_they_are_computed_are_shared_after(batch) -> None:  # type: ignore[no-untyped-def]
    def network(*, computed: bool) -> nn.Module:
        torch.manual_seed(0)
        layers = [nn.Linear(4, 4, bias=False) for _ in range(2)]
        layers[1].weight = layers[0].weight
        for layer in layers if computed else ():
            parametrize.register_parametrization(layer, "weight", Halved())
        return nn.Sequential(*layers)

    with torch.random.fork_rng(devices=[]):
        computed, plain = network(computed=True), network(computed=False)
    with torch.no_grad():
        plain[0].weight /= 2
    names = "snip,l2_norm,params"
    images, labels = torch.randn(6, 4), torch.arange(6) % 4
    values = score(computed, images, labels, names).values
    assert values == pytest.approx(score(plain, images, labels, names).values)


def test_a_weight_that_is_computed_in_another_way_is_a_reason(batch) -> None:  # type: ignore[no-untyped-def]
    layer = nn.Linear(192, 3)
    layer.register_parameter("low", layer._parameters.pop("weight"))
    layer.register_forward_pre_hook(lambda m, args: setattr(m, "weight", m.low * 2))
    network = nn.Sequential(nn.Flatten(), nn.ReLU(), layer)
    scores = score(network, *batch, "snip,synflow,l2_norm,nwot", failures="keep")
    assert scores.values.keys() == {"nwot"}
    for reason in scores.failures.values():
        assert "layer '2' is computed from other tensors" in reason


def test_int8_modules_are_a_reason_wherever_a_weight_is_read(make, batch) -> None:  # type: ignore[no-untyped-def]
    if "fbgemm" not in torch.backends.quantized.supported_engines:
        pytest.skip("this torch has no int8 kernels")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch moves its int8 modules elsewhere
        network = torch.ao.quantization.quantize_dynamic(make().eval(), {nn.Linear})
    scores = score(network, *batch, failures="keep")
    for name in ("params", "macs", "snip", "synflow", "zen", "l2_norm", "ntk", "jacobian_norm"):
        assert "layer 'classifier' has weights that torch has packed" in scores.failures[name]
    assert "nwot" in scores.values  # reads no weight


@pytest.mark.parametrize("proxy", ["params", "snip", "zen"])
def test_lazy_modules_are_a_reason_whose_advice_works(batch, proxy: str) -> None:  # type: ignore[no-untyped-def]
    network = nn.Sequential(
        nn.LazyConv2d(4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LazyLinear(3)
    )
    with pytest.raises(ProxyError, match=r"layer '0' is lazy.*network\(images\)"):
        score(network, *batch, proxy)
    assert "lazy" in score(network, *batch, proxy, failures="keep").failures[proxy]
    network(batch[0])
    assert proxy in score(network, *batch, proxy).values


def test_what_is_no_network_and_no_label_is_a_reason(make, batch) -> None:  # type: ignore[no-untyped-def]
    images, labels = batch
    meta = nn.Sequential(nn.Flatten(), nn.Linear(192, 3, device="meta"))
    for network, given, message in (
        (lambda x: x, labels, "type function; expected a torch.nn.Module"),
        (meta, labels, "'1.weight' is on the meta device"),
        (make(), labels.tolist(), r"type list; expected a tensor of shape \(8,\)"),
        (make(), labels.numpy(), "type ndarray; expected a tensor"),
    ):
        with pytest.raises(ProxyError, match=message):
            score(network, images, given, "snip")


def test_an_uncopyable_network_is_said_to_be_one(broken, batch) -> None:  # type: ignore[no-untyped-def]
    network = broken("")
    network.kept = network.conv.weight * 2  # a tensor of a graph
    with pytest.raises(ProxyError, match=r"cannot be copied"):
        score(network, *batch, "snip")
