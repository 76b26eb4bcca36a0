"""Which pairs of a front are trained, and as what job."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from biglittle.bench import Benchmark, Gate, Pair, load_device
from biglittle.bench.cost import pair_figure
from biglittle.bench.errors import ArchitectureError, BigLittleError, UnknownNameError
from biglittle.bench.files import file_hash
from biglittle.bench.shipped_tables import find_table
from biglittle.bench.spaces import get_space
from biglittle.bench.synthetic import synthetic_table
from biglittle.bench.table_writer import write_table
from biglittle.cotrain.recipe import FINE_TUNE, SCRATCH, load_recipe
from biglittle.searchers.front_files import front_json
from biglittle.searchers.front_training import methods_called, pair_recipe, training_of

LITTLE, BIG = "8" * 22, "0" * 22
TABLE = "fbnet-cifar10"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A front of one real pair and one single network in disguise."""
    bench = Benchmark.load(TABLE)
    two, gate = ["margin"] * 2, [0.2] * 2
    points = bench.query_many([LITTLE] * 2, [BIG, LITTLE], two, gate, "raspberry-pi-4", "val")
    config = {"device": "raspberry-pi-4", "table": TABLE, "table_sha256": "0" * 64}
    path = tmp_path_factory.mktemp("front") / "front.json"
    path.write_text(json.dumps(front_json(config, points)))
    return path


def test_pairs_are_chosen_and_what_changed_is_said(front: Path) -> None:
    training = training_of(front, 5, None, None, TABLE)
    assert [(p.little, p.big) for p in training.points] == [(LITTLE, BIG)]
    assert training.devices == ("raspberry-pi-4",)
    assert training.table == TABLE
    changed, chosen = training.notes
    assert "has changed since front.json was searched" in changed
    assert "1 are single networks in effect" in chosen


def test_a_front_of_single_networks_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    bench, path = Benchmark.load(TABLE), tmp_path / "front.json"
    points = bench.query_many([LITTLE], [LITTLE], ["margin"], [0.2], "raspberry-pi-4", "val")
    config = {"device": "raspberry-pi-4", "table": TABLE, "table_sha256": bench.table.sha256}
    path.write_text(json.dumps(front_json(config, points)))
    with pytest.raises(BigLittleError, match="There is nothing to train") as error:
        training_of(path, 5, None, None, TABLE)
    assert "biglittle profile --networks" in str(error.value)
    assert [file.name for file in tmp_path.iterdir()] == ["front.json"]


def test_a_job_knows_what_the_table_promises(front: Path, tmp_path: Path) -> None:
    training = training_of(front, 5, None, None, TABLE)
    job = training.job(("joint",), load_recipe(SCRATCH), "scratch", 3, tmp_path, threads=1)
    assert (job.start, job.seed, job.out, job.threads) == (None, 3, tmp_path, 1)
    assert job.sources["table_sha256"] == training.bench.table.sha256
    pair, gate = Pair(LITTLE, BIG), Gate("margin", 0.2)
    assert job.table_point(pair, gate) == training.bench.query(pair, gate, "raspberry-pi-4")
    assert job.table_point(Pair(LITTLE, "1234567" + "0" * 15), gate) is None


def test_a_table_elsewhere_goes_on_with_the_weights_that_ship(front: Path, tmp_path: Path) -> None:
    shipped = find_table(TABLE)
    for path in (shipped, shipped.with_suffix(".json")):
        shutil.copy(path, tmp_path)
    alone = Benchmark.load(tmp_path / shipped.name)
    training = replace(training_of(front, 5, None, None, TABLE), bench=alone)
    job = training.job(("joint",), load_recipe(FINE_TUNE), "inherited", 3, tmp_path)
    weights = shipped.with_name("supernet.safetensors")
    assert job.sources["supernet_sha256"] == file_hash(weights)


def test_a_network_that_is_known_by_its_answers_alone_is_not_trained(tmp_path: Path) -> None:
    write_table(tmp_path / "table.h5", synthetic_table(), "1", "2026-01-01")
    table, answers = Benchmark.load(tmp_path / "table.h5"), {}
    for split in ("val", "test"):
        answers[split] = np.full((table.table.n_images[split], table.table.n_classes), 0.01)
        labels = table.table.predictions(split).labels
        answers[split][np.arange(len(labels)), labels] = 1 - answers[split][0, 1:].sum()
    joined = table.with_network("cloud", answers, out=tmp_path / "joined.h5")
    little = joined.architectures[1]
    points = joined.query_many([little], ["cloud"], ["margin"], [0.5], "raspberry-pi-4", "val")
    config = {"device": "raspberry-pi-4", "table_file": str(joined.table.path)}
    path = tmp_path / "front.json"
    path.write_text(json.dumps(front_json(config, points)))
    with pytest.raises(ArchitectureError, match="known by their answers alone"):
        training_of(path, 1, None, None, TABLE)


@pytest.mark.parametrize("devices", ["raspberry-pi-4", "raspberry-pi-4,jetson-nano"])
def test_a_job_costs_every_pair_that_a_search_may_propose(devices: str, tmp_path: Path) -> None:
    bench = Benchmark.load(TABLE)
    cut = [name for name in bench.table.names[bench.table.rows(exits=True)] if "@" in name]
    arch = cut[0].partition("@")[0]
    other = next(name for name in cut if not name.startswith(arch))
    littles, bigs = [LITTLE, cut[0], other, other], [BIG, arch, arch, cut[0]]
    first = devices.partition(",")[0]
    two = ["margin"] * 4, [0.2] * 4
    points = bench.query_many(littles, bigs, *two, first, "val")
    path = tmp_path / "front.json"
    config = {"device": first, "table": TABLE, "table_sha256": bench.table.sha256}
    path.write_text(json.dumps(front_json(config, points)), encoding="utf-8")
    names = tuple(devices.split(","))
    training = training_of(path, 5, None, None, TABLE)
    training = replace(training, devices=names, profiles=tuple(map(load_device, names)))
    job = training.job(("joint",), load_recipe(FINE_TUNE), "inherited", 0, tmp_path / "out")
    assert {p.coupling for p in points} >= {"prefix", "sibling"}
    for point in points:
        costs, shared = job.costs_of(point.little, point.big)
        rate, both = point.escalation_rate, (costs.take([0]), costs.take([1]))
        latency = float(pair_figure("latency_ms", *both, rate, shared)[0])
        if len(names) == 1:
            assert latency == pytest.approx(point.latency_ms, rel=1e-6)
        else:  # the cost on the device where it is largest
            assert latency >= point.latency_ms * (1 - 1e-6)
        gate = Gate(point.gate, point.threshold)
        assert job.table_point(Pair(point.little, point.big), gate) is not None
    assert job.start is not None
    assert job.start(cut[0]).exit == cut[0].partition("@")[2]
    assert not job.fresh_heads


def test_another_device_than_the_fronts_is_refused(front: Path) -> None:
    with pytest.raises(BigLittleError, match="was searched for raspberry-pi-4"):
        training_of(front, 5, None, "jetson-nano", TABLE)


def test_names_of_methods_and_starts() -> None:
    assert methods_called("joint") == ("joint",)
    assert {"joint", "distilled", "independent"} <= {*methods_called("all")}
    with pytest.raises(UnknownNameError, match="Did you mean 'joint'"):
        methods_called("jont")


def of_images(dataset: str) -> SimpleNamespace:
    """What of a table says which images it is of."""
    return SimpleNamespace(dataset=dataset, space=get_space("fbnet"), name="of-others")


def test_the_usual_recipe_is_of_the_images_of_the_table() -> None:
    of_digits = SimpleNamespace(table=of_images("svhn"))
    for start, file in (("inherited", FINE_TUNE), ("scratch", SCRATCH)):
        recipe = pair_recipe(None, start, of_digits)  # type: ignore[arg-type]
        assert recipe == replace(load_recipe(file), dataset="svhn")
    with pytest.raises(UnknownNameError, match="Did you mean 'inherited'"):
        pair_recipe(None, "inherit", of_digits)  # type: ignore[arg-type]


def test_a_recipe_of_other_images_is_refused_and_its_advice_helps(tmp_path: Path) -> None:
    of_digits, own = SimpleNamespace(table=of_images("svhn")), tmp_path / "own.toml"
    own.write_text(FINE_TUNE.read_text())
    with pytest.raises(BigLittleError, match=r'of the images cifar10.*write dataset = "svhn"'):
        pair_recipe(own, "inherited", of_digits)  # type: ignore[arg-type]
    own.write_text(FINE_TUNE.read_text().replace('"cifar10"', '"svhn"'))
    assert pair_recipe(own, "inherited", of_digits).dataset == "svhn"  # type: ignore[arg-type]
