"""The wrapper: honest errors, many networks, runs that go on, ranks and pairs."""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from biglittle.bench.errors import ArchitectureError, BigLittleError, UnknownNameError  # noqa: E402
from biglittle.zerocost import (  # noqa: E402
    Batch,
    ProxyError,
    az_nas,
    bulk,
    noise_batch,
    pair_features,
    rank,
    read_columns,
    run,
    score,
    score_many,
)
from biglittle.zerocost.score import chosen_proxies  # noqa: E402

SKIP, TINY = "8" * 22, "0" + "8" * 21
FEW = noise_batch(4, shape=(3, 16, 16))


# ---- errors -------------------------------------------------------------------------------------
class Broken(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.conv, self.last = how, nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> object:
        y = self.last(torch.relu(self.conv(x)).mean((2, 3)))
        if self.how == "tuple":
            return y, y
        if self.how == "detached":
            return y.detach()
        if self.how == "rounded":
            return y.argmax(1, keepdim=True)
        if self.how == "constant":
            return y * 0
        return y


@pytest.mark.parametrize("name", ["snip", "jacov", "grasp", "ntk", "zico", "az_trainability"])
@pytest.mark.parametrize("how", ["detached", "rounded"])
def test_an_output_without_gradient_is_said_to_be_one(batch, how: str, name: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ProxyError, match=f"{name}.*(gradient|maps|classes)"):
        score(Broken(how), batch[0], batch[1].clamp_max(0), name)


def test_an_output_that_is_no_logits_is_named(batch) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ProxyError, match=r"snip.*tuple.*expected logits"):
        score(Broken("tuple"), *batch, "snip")


def test_a_constant_output_has_no_correlation(batch) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ProxyError, match=r"jacov.*constant"):
        score(Broken("constant"), *batch, "jacov")


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
def test_batches_that_are_no_batches(images, labels, told: str) -> None:  # type: ignore[no-untyped-def]
    labels = torch.zeros(len(images), dtype=torch.int64) if labels is None else labels
    with pytest.raises(ProxyError, match=f"grad_norm.*{told}"):
        score(Broken(""), images, labels, "grad_norm")


def test_an_uncopyable_network_is_said_to_be_one(batch) -> None:  # type: ignore[no-untyped-def]
    network = Broken("")
    network.kept = network.conv.weight * 2  # a tensor of a graph
    with pytest.raises(ProxyError, match=r"cannot be copied"):
        score(network, *batch, "snip")


def test_all_proxies_with_reasons_kept(batch) -> None:  # type: ignore[no-untyped-def]
    found = score(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)), *batch, failures="keep")
    assert "no ReLU" in found.failures["nwot"]
    assert "maps" in found.failures["meco"]
    assert not set(found.values) & set(found.failures)
    assert all(math.isfinite(v) for v in found.values.values())
    with pytest.raises(ProxyError, match="no ReLU"):
        _ = found["nwot"]


def test_arguments_that_are_no_choices(batch) -> None:  # type: ignore[no-untyped-def]
    for wrong in (
        {"failures": "ignore"},
        {"dtype": "float8"},
        {"device": "abacus"},
        {"clock": "sun"},
    ):
        with pytest.raises(BigLittleError, match=next(iter(wrong.values()))):
            score(Broken(""), *batch, "snip", **wrong)
    with pytest.raises(BigLittleError, match="few_images=1"):
        score(Broken(""), *batch, "zen", few_images=1)
    with pytest.raises(UnknownNameError, match="snip"):
        score(Broken(""), *batch, "snipp")


def test_what_torch_cannot_compute_is_a_reason(batch, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    def fails(*_: object) -> None:
        raise RuntimeError("not enough memory")

    monkeypatch.setattr("biglittle.zerocost.of_images.by_images", fails)
    found = score(Broken(""), *batch, "snip,jacov,epe_nas", failures="keep")
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


# ---- architectures ------------------------------------------------------------------------------
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


# ---- bulk ---------------------------------------------------------------------------------------
def test_a_run_goes_on_and_joins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "scores.h5"
    scored: list[str] = []
    original = bulk.score
    monkeypatch.setattr(
        bulk, "score", lambda a, *args, **kw: scored.append(a) or original(a, *args, **kw)
    )
    names = "params,snip"
    run([SKIP], FEW, out, names, seeds=(0, 1))
    assert scored == [SKIP, SKIP]

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run([TINY, SKIP], FEW, out, names, seeds=(0, 1), on_progress=stop)
    assert len(read_columns(out)) == 3  # what was done by then is kept
    found = run([TINY, SKIP], FEW, out, names, seeds=(0, 1))
    assert scored == [SKIP, SKIP, TINY, TINY]
    joined = found.column("snip", [TINY, SKIP, "0" * 22], seed=1)
    assert joined[:2].tolist() == [
        score(a, FEW, proxies="snip", seed=1)["snip"] for a in (TINY, SKIP)
    ]
    assert np.isnan(joined[2])
    with pytest.raises(BigLittleError, match=r"other settings.*batch"):
        run([SKIP], noise_batch(4, seed=1, shape=(3, 16, 16)), out, names)
    with pytest.raises(BigLittleError, match="nwot"):
        found.column("nwot", [SKIP], 0)
    assert not list(tmp_path.glob("*.partial"))


def test_where_scores_cannot_be_written_nothing_is_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(bulk, "score", lambda *a, **k: pytest.fail("scored"))
    with pytest.raises(BigLittleError, match=r"scores\.h5 cannot be written"):
        run([SKIP], FEW, tmp_path / "file" / "scores.h5", "params")
    monkeypatch.undo()
    run([SKIP], FEW, tmp_path / "new" / "scores.h5", "params")
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["scores.h5"]


def test_a_network_that_fails_is_a_row_with_its_reason(tmp_path: Path) -> None:
    unlabelled = Batch(FEW.images, None, "unlabelled")
    found = run([SKIP], unlabelled, tmp_path / "s.h5", "snip,params")
    assert np.isnan(found.scores["snip"]).all()
    assert "labels" in found.failures[0]["snip"]
    assert found.scores["params"].tolist() == [645210]


def test_rows_of_several_files_are_merged(tmp_path: Path) -> None:
    parts = [run([a], FEW, tmp_path / f"{i}.h5", "params") for i, a in enumerate((SKIP, TINY))]
    both = parts[0].merged(parts[1:])
    assert both.architectures == (SKIP, TINY)
    other = run([SKIP], FEW, tmp_path / "other.h5", "macs")
    with pytest.raises(BigLittleError, match="proxies"):
        parts[0].merged([other])


def test_a_file_that_is_no_file_of_scores(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with pytest.raises(BigLittleError, match="cannot be read as a file of scores"):
        read_columns(path)
    with h5py.File(path, "w") as file:
        file.attrs["facts"] = "{}"
    with pytest.raises(BigLittleError, match="cannot be read as a file of scores"):
        run([SKIP], FEW, path, "params")


# ---- ranks and pairs ----------------------------------------------------------------------------
def test_ranks_share_ties_and_keep_what_is_not_there() -> None:
    assert rank([2.0, 1.0, 2.0, 5.0]).tolist() == [2.5, 1.0, 2.5, 4.0]
    found = rank([2.0, math.nan, 1.0])
    assert found[[0, 2]].tolist() == [2.0, 1.0]
    assert np.isnan(found[1])


def test_az_nas_adds_logs_of_ranks() -> None:
    columns = {
        "az_expressivity": [1.0, 2.0, 3.0, 9.0],
        "az_progressivity": [3.0, 2.0, 1.0, math.nan],
        "az_trainability": [0.0, 0.0, 1.0, 9.0],
        "macs": [5.0, 6.0, 7.0, 9.0],
    }
    found = az_nas(columns)
    expected = [
        math.log(1 / 3) + math.log(3 / 3) + math.log(1.5 / 3) + math.log(1 / 3),
        math.log(2 / 3) + math.log(2 / 3) + math.log(1.5 / 3) + math.log(2 / 3),
        math.log(3 / 3) + math.log(1 / 3) + math.log(3 / 3) + math.log(3 / 3),
    ]
    np.testing.assert_allclose(found[:3], expected)
    assert np.isnan(found[3])
    with pytest.raises(BigLittleError, match="macs"):
        az_nas({k: v for k, v in columns.items() if k != "macs"})


def test_pair_features_meet_the_single_networks_at_both_ends() -> None:
    scores = np.array([5.0, 1.0, 3.0, math.nan])
    little, big = [1, 0, 3], [0, 2, 0]
    for rate, end in ((0.0, "little"), (1.0, "big")):
        found = pair_features(scores, little, big, rate)
        for name in ("mixture", "early"):
            np.testing.assert_array_equal(found[name][:2], found[end][:2])
            assert np.isnan(found[name][2])  # a network without a score makes no pair
    with pytest.raises(BigLittleError, match="escalation rate"):
        pair_features(scores, little, big, 1.5)
