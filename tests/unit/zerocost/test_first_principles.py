"""Proxies against what can be worked out by hand, or by another way of computing."""

from __future__ import annotations

import gc
import math
import weakref

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from biglittle.bench import get_space  # noqa: E402
from biglittle.zerocost import ProxyError, score  # noqa: E402
from biglittle.zerocost.passes import PASSES, Passes  # noqa: E402
from biglittle.zerocost.proxies import get_proxy  # noqa: E402
from biglittle.zerocost.proxies.meco import smallest_eigenvalue  # noqa: E402
from biglittle.zerocost.tensors import canonical_order  # noqa: E402


class TwoLayers(nn.Module):
    """relu(x A^T) B^T without biases."""

    def __init__(self, a: list[list[float]], b: list[list[float]]) -> None:
        super().__init__()
        self.first = nn.Linear(len(a[0]), len(a), bias=False)
        self.second = nn.Linear(len(b[0]), len(b), bias=False)
        with torch.no_grad():
            self.first.weight.copy_(torch.tensor(a))
            self.second.weight.copy_(torch.tensor(b))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(functional.relu(self.first(x)))


A = [[1.0, -2.0], [0.5, 1.0], [-1.0, 0.25]]
B = [[0.5, -1.0, 2.0], [1.0, 0.75, -0.5]]
X = torch.tensor([[1.0, 0.25], [-0.5, 2.0], [2.0, 1.5]])
Y = torch.tensor([0, 1, 1])


def _by_hand() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Gradients of the mean cross-entropy of the two-layer net, by the chain rule in numpy."""
    a, b, x = np.array(A), np.array(B), X.numpy().astype(float)
    before = x @ a.T
    hidden = np.maximum(before, 0)
    logits = hidden @ b.T
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    d_logits = (p - np.eye(2)[Y.numpy()]) / len(x)
    d_hidden = (d_logits @ b) * (before > 0)
    return d_hidden.T @ x, d_logits.T @ hidden, before * d_hidden, logits * d_logits


def test_gradient_proxies_of_a_two_layer_net_by_hand() -> None:
    g_a, g_b, first, second = _by_hand()
    found = score(TwoLayers(A, B), X, Y, "snip,grad_norm,plain,l2_norm,fisher", dtype="float64")
    a, b = np.array(A), np.array(B)
    assert found["snip"] == pytest.approx(np.abs(a * g_a).sum() + np.abs(b * g_b).sum())
    assert found["grad_norm"] == pytest.approx(np.linalg.norm(g_a) + np.linalg.norm(g_b))
    assert found["plain"] == pytest.approx((a * g_a).sum() + (b * g_b).sum())
    assert found["l2_norm"] == pytest.approx(np.linalg.norm(a) + np.linalg.norm(b))
    by_hand = sum((s**2).mean(0).sum() / 2 for s in (first, second))
    assert found["fisher"] == pytest.approx(by_hand)


def test_grasp_and_hessian_against_the_full_hessian() -> None:
    network = TwoLayers(A, B).double()
    x = X.double()

    def loss(flat: torch.Tensor) -> torch.Tensor:
        a, b = flat[:6].view(3, 2), flat[6:].view(2, 3)
        return functional.cross_entropy(functional.relu(x @ a.T) @ b.T, Y)

    w = torch.cat([p.detach().flatten() for p in network.parameters()])
    g = torch.autograd.functional.jacobian(loss, w)
    hessian = torch.autograd.functional.hessian(loss, w)
    h = hessian @ g
    found = score(network, x, Y, "grasp,hessian_norm", dtype="float64")
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
    found = Passes(network, images, labels, needs, dtype=torch.float64)
    exact = sum(float((w.value * h).sum()) for w, h in found.hessian_gradient)
    assert found.gradient_growth == pytest.approx(exact, rel=1e-9)
    single = Passes(network, images, labels, needs).gradient_growth
    assert single == pytest.approx(exact, rel=1e-3)
    for weight, product in found.hessian_gradient[:-1]:
        along = float((weight.value * product).sum())
        assert -along == pytest.approx(float(weight.gradient.square().sum()), rel=1e-9)


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


# ---- synaptic flow ------------------------------------------------------------------------------
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
    found = Passes(network, torch.randn(2, 3, 8, 8), None, ["synaptic_flow"]).synaptic_flow
    flows = [float((w.value * w.gradient).sum()) for w in found]
    assert len(flows) == 4
    # Tanaka et al. 2020, theorem 2: what enters a layer's weights leaves through the next one's.
    assert flows == pytest.approx([flows[0]] * 4, rel=1e-12)
    total = score(network, torch.randn(2, 3, 8, 8), None, "synflow")["synflow"]
    assert total == pytest.approx(math.log1p(4 * flows[0]))


def test_synaptic_flow_of_two_layers_by_hand() -> None:
    flow = np.abs(B).sum(0) @ np.abs(A).sum(1)  # 1^T |B| |A| 1, once for each layer
    found = score(TwoLayers(A, B), X, None, "synflow")["synflow"]
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


def test_nothing_flows_through_zero_weights() -> None:
    network = TwoLayers([[0.0, 0.0]], [[1.0], [1.0]])
    assert score(network, X, None, "synflow")["synflow"] == 0.0


# ---- ReLU patterns ------------------------------------------------------------------------------
def test_pattern_proxies_on_a_hand_made_pattern() -> None:
    # Images are their own patterns: 4 ReLUs, states 1100, 0110, 0111.
    images = torch.tensor([[1.0, 1, -1, -1], [-1, 1, 1, -1], [-1, 1, 1, 1]])
    network = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2))
    kernel = np.array([[4.0, 2, 1], [2, 4, 3], [1, 3, 4]])  # 4 - Hamming distance
    found = score(network, images, None, "nwot,linear_regions,swap")
    assert found["nwot"] == pytest.approx(np.linalg.slogdet(kernel)[1])
    assert found["linear_regions"] == pytest.approx((2 + 3 + 1) / 3)
    assert found["swap"] == 4  # columns 100, 111, 011, 001


def test_swap_counts_columns_of_more_images_than_bits_in_a_word() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(70, 40, generator=generator)
    images = torch.cat([images, images[:, :7]], dim=1)  # 7 columns twice
    network = nn.Sequential(nn.ReLU(), nn.Linear(47, 2))
    expected = len({tuple((images[:, j] > 0).tolist()) for j in range(47)})
    assert score(network, images, None, "swap")["swap"] == expected == 40


def test_equal_patterns_have_no_log_determinant() -> None:
    images = torch.tensor([[1.0, 1], [2, 2], [-1, 1]])
    network = nn.Sequential(nn.ReLU(), nn.Linear(2, 2))
    with pytest.raises(ProxyError, match=r"nwot.*singular"):
        score(network, images, None, "nwot")


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
    found = Passes(Net(), images, None, ["relu_patterns"]).relu_patterns
    assert [p.shape for p in found] == [(3, 5)]


@pytest.mark.parametrize("name", ["nwot", "swap", "linear_regions"])
def test_without_relu_it_names_proxy_and_layer(name: str) -> None:
    network = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))
    with pytest.raises(ProxyError, match=rf"{name}.*no ReLU.*'2'"):
        score(network, torch.randn(3, 4), None, name)


# ---- the rest -----------------------------------------------------------------------------------
def test_zico_by_hand() -> None:
    images, labels = X[:2], Y[:2]
    order = canonical_order(images, labels)
    network = TwoLayers(A, B).double()
    parts = []
    for i in order:
        loss = functional.cross_entropy(network(images[i : i + 1].double()), labels[i : i + 1])
        parts.append(torch.autograd.grad(loss, list(network.parameters())))
    expected = 0.0
    for a, b in zip(*parts, strict=True):
        both = torch.stack([a, b])
        deviation = both.std(0, correction=0)
        ratio = both.abs().mean(0) / deviation
        expected += math.log(float(ratio[deviation > 0].sum()))
    assert score(network, images, labels, "zico", dtype="float64")["zico"] == pytest.approx(
        expected
    )


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


def test_meco_of_maps_by_hand() -> None:
    maps = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0))
    expected = np.linalg.eigvalsh(np.corrcoef(maps.flatten(1).double().numpy()))[0]
    assert smallest_eigenvalue(maps) == pytest.approx(expected)
    assert smallest_eigenvalue(torch.cat([maps, maps[:1]])) == pytest.approx(0, abs=1e-9)
    assert smallest_eigenvalue(torch.randn(9, 2, 4)) == 0.0  # no more positions than channels
    maps[1] = 0.25
    assert smallest_eigenvalue(maps) == 0.0


def test_trainability_of_an_isometry_is_zero_and_of_a_scaling_is_not() -> None:
    def block(scale: float) -> nn.Conv2d:
        conv = nn.Conv2d(4, 4, 1, bias=False)
        with torch.no_grad():
            conv.weight.copy_(scale * torch.eye(4)[torch.tensor([2, 0, 3, 1])][..., None, None])
        return conv

    images = torch.randn(64, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    tail = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)]
    kept = nn.Sequential(block(1.0), block(1.0), *tail)
    halved = nn.Sequential(block(1.0), block(0.5), *tail)
    name = "az_trainability"
    first = score(kept, images, None, name)[name]
    second = score(halved, images, None, name)[name]
    blocks = 2  # the second convolution and the pool, whose gradient shrinks by 64
    assert (second - first) * blocks == pytest.approx(-0.5, abs=0.1)


def test_expressivity_of_white_maps_is_the_log_of_their_channels() -> None:
    images = torch.randn(256, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    tail = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)]
    conv = nn.Conv2d(4, 4, 1, bias=False)
    nn.init.orthogonal_(conv.weight)
    network = nn.Sequential(nn.Hardtanh(-9, 9), conv, *tail)
    found = score(network, images, None, "az_expressivity,az_progressivity")
    assert found["az_expressivity"] == pytest.approx(3 * math.log(4), abs=0.1)
    assert found["az_progressivity"] == pytest.approx(0, abs=0.05)


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


def test_a_layer_that_runs_twice_is_salient_twice(make, batch) -> None:  # type: ignore[no-untyped-def]
    found = Passes(make(), *batch, ["channel_saliency"]).channel_saliency
    names = [name for name, _ in found]
    assert names.count("shared") == 2
    assert "unused" not in names


def test_outputs_that_are_overwritten_are_seen_as_they_were(make, batch) -> None:  # type: ignore[no-untyped-def]
    """The same network written without in-place operations has the same scores."""

    class Pure(type(make())):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.stem(x)
            x = functional.relu(self.grouped(x))
            x = self.norm(self.depthwise(x))
            y = functional.relu(self.shared(x) + x)
            y = y + self.shared(y)
            return self.classifier(functional.relu(y).mean((2, 3)))

    one = make()
    other = Pure(inplace=False)
    other.load_state_dict(one.state_dict())
    left = score(one, *batch, failures="keep", dtype="float64")
    right = score(other, *batch, failures="keep", dtype="float64")
    assert left.values.keys() == right.values.keys()
    for name, value in left.values.items():
        assert right.values[name] == pytest.approx(value, rel=1e-7, abs=1e-9), name


def test_the_first_gradient_is_the_same_with_and_without_the_second(make, batch) -> None:  # type: ignore[no-untyped-def]
    alone = Passes(make(), *batch, ["gradients"], dtype=torch.float64).gradients
    both = Passes(make(), *batch, ["gradients", "hessian_gradient"], dtype=torch.float64)
    for a, b in zip(alone, both.gradients, strict=True):
        torch.testing.assert_close(a.gradient, b.gradient, rtol=1e-9, atol=1e-12)
    assert [w.layer for w, _ in both.hessian_gradient] == [a.layer for a in alone]


def test_proxies_of_shared_passes_are_computed_from_one_forward(make, batch) -> None:  # type: ignore[no-untyped-def]
    calls = []

    class Counted(type(make())):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            calls.append(len(x))
            return super().forward(x)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Counted()
    names = "grad_norm,snip,plain,l2_norm,jacov,epe_nas,nwot,swap"
    score(network, *batch, names)
    assert calls == [8]
    assert get_proxy("l2_norm").needs == ("weights",)
    calls.clear()
    # One mini-batch for all, and the second one of zico.
    score(network, *batch, "hessian_norm,jacobian_norm,zico", few_images=4)
    assert calls == [4, 4]
    calls.clear()
    score(network, *batch, "zico", few_images=6)  # two of 6 are more than there are
    assert calls == [4, 4]


def test_nothing_is_left_of_a_network_that_was_scored(make, batch) -> None:  # type: ignore[no-untyped-def]
    tokens = []

    class Token:
        pass

    class Held(torch.autograd.Function):
        """The identity; the graph it is in holds a token."""

        @staticmethod
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            ctx.token = Token()
            tokens.append(weakref.ref(ctx.token))
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):  # type: ignore[no-untyped-def]
            return gradient.clone()

    class Watched(type(make())):  # type: ignore[misc]
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(Held.apply(x))

    needs = sorted(PASSES)
    passes = Passes(Watched(), *batch, needs)
    for need in needs:
        getattr(passes, need)
    assert any(token() is not None for token in tokens)
    del passes
    gc.collect()
    assert len(tokens) > 5
    assert all(token() is None for token in tokens)


def test_a_mini_batch_is_the_first_images_whichever_way_the_batch_came(make, batch) -> None:  # type: ignore[no-untyped-def]
    images, labels = batch
    first = canonical_order(images, labels)[:4]
    names = "hessian_norm,jacobian_norm"
    some = score(make(), images, labels, names, few_images=4, dtype="float64")
    alone = score(make(), images[first], labels[first], names, dtype="float64")
    for name, value in alone.values.items():
        assert some[name] == pytest.approx(value, rel=1e-9), name


def test_the_time_of_a_proxy_is_that_of_all_steps_behind_it(make, batch) -> None:  # type: ignore[no-untyped-def]
    names = ["fisher", "grad_norm", "jacov", "nwot", "linear_regions", "l2_norm"]
    for order in (names, names[::-1]):
        found = score(make(), *batch, order)
        steps = {name: found.alone_s[name] - found.equations_s[name] for name in names}
        took = found.passes_s
        loss = took["forward"] + took["loss"]
        patterns = took["forward"] + took["relu_patterns"] + took["relu_codes"]
        assert steps["fisher"] == pytest.approx(loss + took["channel_saliency"])
        assert steps["grad_norm"] == pytest.approx(loss + took["gradients"])
        assert steps["jacov"] == pytest.approx(took["forward"] + took["image_gradient"])
        assert steps["nwot"] == pytest.approx(patterns)
        assert steps["linear_regions"] == pytest.approx(patterns)
        assert steps["l2_norm"] == pytest.approx(took["weights"])
