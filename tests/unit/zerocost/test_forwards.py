"""Forward passes that proxies share, and what they leave behind."""

from __future__ import annotations

import gc
import math
import weakref

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from biglittle.zerocost import ProxyError, score  # noqa: E402
from biglittle.zerocost.forwards import Forwards  # noqa: E402
from biglittle.zerocost.passes import PASSES, Passes  # noqa: E402
from biglittle.zerocost.proxies import get_proxy  # noqa: E402
from biglittle.zerocost.tensors import canonical_order  # noqa: E402


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
    passes = Passes(Forwards(Watched(), *batch, needs))
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


@pytest.mark.parametrize(
    ("images", "labels", "told"),
    [
        (torch.zeros(1, 3, 8, 8), None, "at least 2"),
        (torch.zeros(4, 3, 8, 8, dtype=torch.uint8), None, "floating"),
        (torch.full((4, 3, 8, 8), math.nan), None, "finite"),
        (torch.zeros(4, 3, 8, 8), torch.zeros(3, dtype=torch.int64), r"expected \(4,\)"),
        (torch.zeros(4, 3, 8, 8), torch.zeros(4), "classes"),
        (torch.randn(4, 3, 8, 8), torch.full((4,), 3), "0 to 2"),
    ],
)
def test_batches_that_are_no_batches(broken, images, labels, told: str) -> None:  # type: ignore[no-untyped-def]
    labels = torch.zeros(len(images), dtype=torch.int64) if labels is None else labels
    with pytest.raises(ProxyError, match=f"grad_norm.*{told}"):
        score(broken(""), images, labels, "grad_norm")
