"""The design: a sequence of which every beginning is a design."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biglittle.bench import Benchmark, get_space, load_device
from biglittle.bench.errors import ConstraintError, TableError, UnknownNameError
from biglittle.bench.rows import is_held_out
from biglittle.data_tables.building import design
from biglittle.data_tables.fbnet_cifar10.recipe import RECIPE

SPACE, DESIGN = get_space("fbnet"), RECIPE.design
CHOICES = ("k3_e1", "k3_e3", "k3_e6", "k5_e3", "skip")


def _front(seed: int, n: int = 40) -> dict[str, object]:
    ids = SPACE.format(SPACE.sample(np.random.default_rng(seed), 6, CHOICES))
    return {"littles": ids[:2], "bigs": ids[2:4], "singles": ids[4:], "networks": n, "seed": seed}


@pytest.fixture(scope="module")
def without_front() -> list[str]:
    return design.sequence(DESIGN, SPACE, CHOICES, fronts=[])


@pytest.fixture(scope="module")
def shipped() -> list[str]:
    return design.sequence(DESIGN, SPACE, CHOICES)


def test_the_design_is_repeatable_and_spans_the_range(
    without_front: list[str], shipped: list[str]
) -> None:
    assert without_front == design.sequence(DESIGN, SPACE, CHOICES, fronts=[])
    for ids in (without_front, shipped):
        assert len(set(ids)) == len(ids)
        genomes = SPACE.parse(ids)
        assert set(np.unique(genomes)) == set(SPACE.allowed(CHOICES))
        assert set(ids[:5]) == {str(d) * 22 for d in SPACE.allowed(CHOICES)}
    assert len(shipped) >= 400
    assert np.mean([is_held_out(a) for a in shipped]) == pytest.approx(0.2, abs=0.05)


def test_rows_are_made_unique_as_numpy_does() -> None:
    rng = np.random.default_rng(0)
    for n, layers in ((1, 22), (500, 3), (300, 8), (400, 22)):
        genomes = rng.integers(0, 256, (n, layers)).astype(np.uint8)
        genomes[n // 2 :] = genomes[: n - n // 2]  # each about twice
        assert np.array_equal(design.unique_rows(genomes), np.unique(genomes, axis=0))
    assert np.array_equal(design.unique_rows(np.zeros((5, 22), np.uint8)), np.zeros((1, 22)))


def test_the_networks_of_the_table_stay_in_the_design(shipped: list[str]) -> None:
    assert set(Benchmark.load("fbnet-cifar10").architectures) <= set(shipped)


def test_every_prefix_holds_each_band_in_its_share(without_front: list[str]) -> None:
    latency = load_device(DESIGN.device).latency_ms(SPACE, SPACE.parse(without_front))
    edges = np.geomspace(latency.min(), latency.max(), len(DESIGN.quotas) + 1)
    band = np.clip(np.digitize(latency, edges) - 1, 0, len(DESIGN.quotas) - 1)
    whole = np.bincount(band, minlength=len(DESIGN.quotas))
    assert (whole >= 0.8 * np.array(DESIGN.quotas)).all()
    for n in (50, 100, 200):
        part = np.bincount(band[:n], minlength=len(DESIGN.quotas))
        assert np.abs(part - whole * n / len(band)).max() <= 5  # three cells, and the extremes


def test_interleaving_keeps_every_group_within_one_of_its_share() -> None:
    groups = [[bytes([g, i]) for i in range(n)] for g, n in enumerate((30, 7, 1, 12))]
    merged = design.interleaved(groups, np.random.default_rng(0))
    assert sorted(merged) == sorted(m for g in groups for m in g)
    for end in range(1, len(merged) + 1):
        for number, members in enumerate(groups):
            got = sum(m[0] == number for m in merged[:end])
            assert abs(got - len(members) * end / len(merged)) < 3


def test_a_neighbourhood_differs_in_one_or_two_layers() -> None:
    base = SPACE.sample(np.random.default_rng(0), 3, CHOICES)
    found = design.neighbourhood(SPACE, base, 60, np.random.default_rng(1), CHOICES)
    distance = (found[:, None] != base[None]).sum(axis=2).min(axis=1)
    assert sorted(set(distance.tolist())) == [1, 2]
    assert 20 <= (distance == 1).sum() <= 40
    assert len(np.unique(found, axis=0)) == 60
    assert np.isin(found, SPACE.allowed(CHOICES)).all()
    again = design.neighbourhood(SPACE, base, 60, np.random.default_rng(1), CHOICES)
    assert np.array_equal(found, again)
    with pytest.raises(TableError, match="neighbours found"):
        design.neighbourhood(SPACE, base[:1], 99_999, np.random.default_rng(1), ("skip", "k3_e1"))


def test_a_new_front_adds_networks_and_takes_none(without_front: list[str]) -> None:
    one = design.sequence(DESIGN, SPACE, CHOICES, fronts=[_front(1)])
    two = design.sequence(DESIGN, SPACE, CHOICES, fronts=[_front(1), _front(2)])
    assert set(without_front) < set(one) < set(two)
    assert len(two) == len(without_front) + 80
    assert set(_front(2)["bigs"]) <= set(two)  # type: ignore[call-overload]
    new = [i for i, a in enumerate(one) if a not in set(without_front)]
    assert 0.3 < np.mean(new) / len(one) < 0.7  # spread over the sequence, not at its end


def test_fronts_are_kept_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "fronts.json"
    assert design.read_fronts(path) == []
    for seed in (1, 2):
        design.add_front(_front(seed), path)
    assert design.read_fronts(path) == [_front(1), _front(2)]


def test_cheap_networks_are_cheap_to_evaluate() -> None:
    seconds = design.evaluation_seconds(DESIGN, SPACE, SPACE.parse(["0" * 22, "2" * 22, "3" * 22]))
    assert 16_280 / seconds[:2] == pytest.approx([1000, 480], rel=0.02)
    assert seconds[2] > seconds[1]


def test_the_report_of_a_design_wants_a_search_before_its_settings() -> None:
    with pytest.raises(ConstraintError, match="--add-front"):
        design.design_report("fbnet-cifar10", latency_ms_max=20.0)
    with pytest.raises(UnknownNameError, match="fbnet-cifar10"):
        design.design_report("fbnet-cifar")
