"""Scores of networks: errors with a reason, seeds, times, and many networks at once."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from biglittle.bench.errors import ArchitectureError, BigLittleError, UnknownNameError  # noqa: E402
from biglittle.zerocost import (  # noqa: E402
    ProxyError,
    noise_batch,
    score,
    score_many,
)
from biglittle.zerocost.score import chosen_proxies  # noqa: E402

SKIP, TINY = "8" * 22, "0" + "8" * 21
FEW = noise_batch(4, shape=(3, 16, 16))


@pytest.mark.parametrize("name", ["snip", "jacov", "grasp", "ntk", "zico", "az_trainability"])
@pytest.mark.parametrize("how", ["detached", "rounded"])
def test_an_output_without_gradient_is_said_to_be_one(broken, batch, how: str, name: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ProxyError, match=f"{name}.*(gradient|maps|classes)"):
        score(broken(how), batch[0], batch[1].clamp_max(0), name)


def test_a_constant_output_has_no_correlation(broken, batch) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ProxyError, match=r"jacov.*constant"):
        score(broken("constant"), *batch, "jacov")


def test_all_proxies_with_reasons_kept(batch) -> None:  # type: ignore[no-untyped-def]
    found = score(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)), *batch, failures="keep")
    assert "no ReLU" in found.failures["nwot"]
    assert "maps" in found.failures["meco"]
    assert not set(found.values) & set(found.failures)
    assert dict(found) == dict(found.values)  # those that have a score
    assert [*found] == [*found.values]
    assert all(math.isfinite(v) for v in found.values.values())
    with pytest.raises(ProxyError, match="no ReLU"):
        _ = found["nwot"]


def test_arguments_that_are_no_choices(broken, batch) -> None:  # type: ignore[no-untyped-def]
    for wrong in (
        {"failures": "ignore"},
        {"dtype": "float8"},
        {"device": "abacus"},
        {"clock": "sun"},
    ):
        with pytest.raises(BigLittleError, match=next(iter(wrong.values()))):
            score(broken(""), *batch, "snip", **wrong)
    with pytest.raises(BigLittleError, match="few_images=1"):
        score(broken(""), *batch, "zen", few_images=1)
    with pytest.raises(UnknownNameError, match="snip"):
        score(broken(""), *batch, "snipp")


def test_what_torch_cannot_compute_is_a_reason(broken, batch, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    def fails(*_: object) -> None:
        raise RuntimeError("not enough memory")

    monkeypatch.setattr("biglittle.zerocost.of_images.by_images", fails)
    found = score(broken(""), *batch, "snip,jacov,epe_nas", failures="keep")
    assert set(found.values) == {"snip"}
    assert set(found.failures) == {"jacov", "epe_nas"}
    assert "'image_gradient': not enough memory" in found.failures["epe_nas"]


class Once(torch.autograd.Function):
    """The identity, which can be differentiated once."""

    @staticmethod
    def forward(ctx, x):  # type: ignore[no-untyped-def]
        return x.clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        return gradient


def test_what_has_no_second_derivative_is_a_reason_and_the_others_have_a_value(batch) -> None:  # type: ignore[no-untyped-def]
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(192, 5), nn.Linear(5, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.last(Once.apply(torch.relu(self.first(x.flatten(1)))))

    found = score(Net(), *batch, "snip,hessian_norm,swap", failures="keep")
    assert "once_differentiable" in found.failures["hessian_norm"]
    assert set(found.values) == {"snip", "swap"}
    with pytest.raises(ProxyError, match=r"hessian_norm.*once_differentiable"):
        score(Net(), *batch, "hessian_norm")


def test_az_nas_asks_for_its_components() -> None:
    names = [p.name for p in chosen_proxies("snip, az_nas,macs")]
    assert names == ["snip", "az_expressivity", "az_progressivity", "az_trainability", "macs"]


def test_an_architecture_is_initialised_from_the_seed() -> None:
    one, again, other = (score(TINY, FEW, proxies="snip", seed=s)["snip"] for s in (0, 0, 1))
    assert one == again != other


def test_many_architectures_at_once_and_times() -> None:
    seen: list[tuple[int, int]] = []
    found = score_many(
        [SKIP, TINY], FEW, proxies="snip,grad_norm", on_progress=lambda *at: seen.append(at)
    )
    assert [f["snip"] for f in found] == [
        score(a, FEW, proxies="snip")["snip"] for a in (SKIP, TINY)
    ]
    assert seen == [(1, 2), (2, 2)]
    assert found[0].total_s < sum(found[0].alone_s.values())
    with pytest.raises(ArchitectureError):
        score_many(["9" * 22], FEW, proxies="params")
