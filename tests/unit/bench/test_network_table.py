"""One frame of all networks: rows in the table's order, figures as they are asked one by one."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench import Benchmark
from biglittle.bench.diagnostics import calibration_error
from biglittle.bench.errors import UnknownNameError
from biglittle.bench.synthetic import DEVICE


def test_rows_are_the_table_s_and_figures_those_of_each_network(bench: Benchmark) -> None:
    networks, costs = bench.networks(), bench.costs(DEVICE)
    columns = networks.columns()
    assert len(networks) == len(bench.table)
    assert columns["network"].tolist() == bench.table.names.tolist()
    for split in ("val", "test"):
        assert columns[f"accuracy_{split}"].tolist() == bench.accuracy(split).tolist()
        errors = columns[f"calibration_error_{split}"]
        assert errors[3] == calibration_error(bench.table, 3, split)
    assert columns[f"{DEVICE}.latency_ms"].tolist() == costs.latency_ms.tolist()
    assert columns["params"].tolist() == costs.params.tolist()
    expected = costs.weights_mib + costs.activation_mib
    assert columns["peak_memory_mib"].tolist() == expected.tolist()
    assert DEVICE in repr(networks)


def test_words_stand_behind_their_figures_and_devices_share_no_column(bench: Benchmark) -> None:
    shipped = Benchmark.load("fbnet-cifar10").networks(["raspberry-pi-4", "jetson-nano"])
    names = list(shipped.columns())
    for device in ("raspberry-pi-4", "jetson-nano"):
        at = names.index(f"{device}.energy_mj")
        assert names[at + 1] == f"{device}.energy_mj_provenance"
    assert "energy_mj" not in names
    words = shipped.columns()["raspberry-pi-4.latency_ms_provenance"]
    known = np.asarray(words)[np.asarray(shipped.columns()["network"]) != "teacher"]
    assert {*known.tolist()} == {"block-sum", "predicted"}  # each network has its own
    assert not [n for n in bench.networks([]).columns() if "." in n]


def test_given_networks_say_given_and_have_no_figure_that_nobody_said() -> None:
    rng, labels = np.random.default_rng(0), np.arange(200) % 4
    answers = {"a": np.eye(4)[labels] * 0.6 + 0.1, "b": rng.dirichlet(np.ones(4), 200)}
    answers["b"][np.arange(200), labels] += 1
    answers["b"] /= answers["b"].sum(axis=1, keepdims=True)
    own = Benchmark.from_answers(answers, labels, costs={"a": 2.0, "b": 1.0})
    columns = own.networks().columns()
    assert columns["network"].tolist() == ["b", "a"]
    assert np.isnan(columns["params"]).all()
    assert set(columns["params_provenance"]) == {""}
    assert set(columns["accuracy_test_provenance"]) == {"given"}
    assert columns["given.latency_ms"].tolist() == [1.0, 2.0]


def test_a_device_that_is_not_there_is_named(bench: Benchmark) -> None:
    with pytest.raises(UnknownNameError, match="raspberry-pi-4"):
        bench.networks(["rasperry-pi-4"])
