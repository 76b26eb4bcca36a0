"""A network and its exit in training: equal budgets, one trunk, exact resumption."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.datasets import Images  # noqa: E402
from biglittle.bench.errors import ArchitectureError, CheckpointError  # noqa: E402
from biglittle.bench.networks import build_network, weights_hash  # noqa: E402
from biglittle.cotrain.methods import METHODS, get_method  # noqa: E402
from biglittle.cotrain.prefix import OWN, fresh_exit  # noqa: E402
from biglittle.cotrain.train_loop import TrainingRun  # noqa: E402
from biglittle.cotrain.train_network import train_network  # noqa: E402
from biglittle.cotrain.train_pair import train_pair  # noqa: E402
from biglittle.cotrain.train_prefix import train_prefix  # noqa: E402

BIG = "0" + "8" * 20 + "0"
LITTLE = f"{BIG}@8s"
Splits = dict[str, Images]


@pytest.fixture
def prefix(six_steps):  # type: ignore[no-untyped-def]
    """Trains an exit and its network in six steps."""

    def trained(splits, folder, method, **other):  # type: ignore[no-untyped-def]
        arguments = {"recipe": six_steps, "starts": None, "seed": 3, **other}
        return train_pair(LITTLE, BIG, method, splits=splits, folder=folder, **arguments)

    return trained


@pytest.mark.parametrize("method", METHODS.names())
def test_every_method_takes_the_same_images_and_leaves_one_trunk(  # type: ignore[no-untyped-def]
    prefix, six_steps, tmp_path: Path, few_digits: Splits, monkeypatch, method: str
) -> None:
    seen = []
    drawn = TrainingRun.batch
    monkeypatch.setattr(TrainingRun, "batch", lambda r, s: (seen.append(s), drawn(r, s))[1])
    little, big = prefix(few_digits, tmp_path, method)
    assert len(seen) == six_steps.n_steps
    assert (little.name, big.name) == (LITTLE, BIG)
    assert not little.training
    whole = big.state_dict()
    for name, value in little.state_dict().items():
        assert name.startswith(OWN) or torch.equal(value, whole[name])


def test_the_methods_differ(prefix, tmp_path: Path, few_digits: Splits) -> None:  # type: ignore[no-untyped-def]
    both = {m: prefix(few_digits, tmp_path / m, m) for m in METHODS.names()}
    for networks in zip(*both.values(), strict=True):
        assert len({weights_hash(n) for n in networks}) == len(both)


def test_independent_is_the_big_network_alone_and_then_the_head(  # type: ignore[no-untyped-def]
    prefix, six_steps, tmp_path: Path, few_digits: Splits
) -> None:
    little, big = prefix(few_digits, tmp_path / "pair", "independent")
    images = round(six_steps.images * six_steps.pair.big_share)
    recipe = dataclasses.replace(six_steps, images=images)
    alone = train_network(BIG, recipe, few_digits, tmp_path / "alone", None, 3)
    assert weights_hash(alone) == weights_hash(big)
    assert all(p.requires_grad for p in little.parameters())
    start = build_network(LITTLE, 10, seed=3)
    assert not torch.equal(start.classifier.weight, little.classifier.weight)


def test_exits_of_one_network_share_its_training(  # type: ignore[no-untyped-def]
    six_steps, digits, tmp_path: Path, few_digits: Splits
) -> None:
    told = []
    for exit_ in ("8s", "4s"):
        train_prefix(
            f"{BIG}@{exit_}", BIG, get_method("independent"), six_steps, few_digits, digits,
            tmp_path / exit_, None, 3, on_progress=told.append, big_folder=tmp_path / "big",
        )  # fmt: skip
    assert {p.n_steps for p in told} == {6}
    assert [p.step for p in told if p.step == 6] == [6, 6]
    assert sum(p.step == 4 for p in told) == 1  # the second time the big network is read


@pytest.mark.usefixtures("every_step")
@pytest.mark.parametrize("method", ["independent", "joint"])
def test_a_killed_run_resumes_bit_for_bit(  # type: ignore[no-untyped-def]
    prefix, killed, kill_at, tmp_path: Path, few_digits: Splits, method: str
) -> None:
    whole = prefix(few_digits, tmp_path / "whole", method)
    for step in (2, 5):
        with pytest.raises(killed):
            prefix(few_digits, tmp_path / "cut", method, on_progress=kill_at(step))
    resumed = prefix(few_digits, tmp_path / "cut", method)
    assert [weights_hash(n) for n in whole] == [weights_hash(n) for n in resumed]
    with pytest.raises(CheckpointError, match="seed"):
        prefix(few_digits, tmp_path / "cut", method, seed=4)


def test_a_fresh_head_learns_faster(prefix, tmp_path: Path, few_digits: Splits) -> None:  # type: ignore[no-untyped-def]
    big = build_network(BIG, 10, seed=1)
    starts = fresh_exit(big, "8s", 2), big
    moved = []
    for fresh in (False, True):
        little, _ = prefix(
            few_digits, tmp_path / str(fresh), "joint", starts=starts, fresh_head=fresh
        )
        gap = little.classifier.weight - starts[0].classifier.weight
        moved.append(gap.norm().item())
    assert moved[1] > 1.5 * moved[0]


def test_an_exit_of_another_architecture_is_no_prefix(  # type: ignore[no-untyped-def]
    six_steps, digits, tmp_path: Path, few_digits: Splits
) -> None:
    with pytest.raises(ArchitectureError, match="another architecture"):
        train_prefix(
            f"{'8' * 22}@8", BIG, get_method("joint"), six_steps, few_digits, digits, tmp_path,
            None, 0,
        )  # fmt: skip
