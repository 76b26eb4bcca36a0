"""``biglittle accelerator search`` from the command line, and what a user does next."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from biglittle.searchers.co_search_command import summary


@pytest.fixture
def run(command_line, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Runs a verb; gives exit code, stdout and stderr."""

    def call(*arguments: str) -> tuple[int, str, str]:
        return command_line(*arguments)

    return call


@pytest.fixture
def space(tmp_path: Path) -> Path:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\nrows = [8, 16]\ncolumns = 16\nweight_buffer_kib = [4, 16]\n'
        'activation_buffer_kib = 16\nbandwidth_bits = 64\ndataflow = "row-stationary"\n'
    )
    return file


def test_the_accelerator_that_is_found_is_a_device_like_any_other(run, space, tmp_path):  # type: ignore[no-untyped-def]
    out = tmp_path / "out"
    search = ("accelerator", "search", str(space), "--on", "table", "--evaluations", "200")
    code, text, _ = run(*search, "--population", "50", "--out", str(out))
    assert code == 0
    assert "measured in fp32" in text
    assert "cost in accuracy is not in it" in text
    document = json.loads((out / "co_search.json").read_text(encoding="utf-8"))
    record = next(r for r in document["front"] if 0.05 < r["escalation_rate"] < 0.95)
    file = out / "accelerators" / f"{record['accelerator']}.toml"
    code, shown, _ = run("accelerator", "show", str(file), "--json")
    assert code == 0
    assert json.loads(shown)["area_mm2"] == pytest.approx(record["area_mm2"], abs=1e-4)
    device = tmp_path / "found.json"
    assert run("accelerator", "profile", str(file), "--out", str(device))[0] == 0
    asked = ("query", record["little"], record["big"], "--device", str(device), "--json")
    gate = ("--gate", record["gate"], "--threshold", repr(record["threshold"]))
    code, answer, _ = run(*asked, *gate)
    assert code == 0
    point = json.loads(answer)
    point = point.get("point", point)
    for name in ("accuracy", "escalation_rate"):
        assert point[name] == pytest.approx(record[name])
    for name in ("latency_ms", "latency_p95_ms", "latency_worst_ms", "energy_mj"):
        assert point[name] == pytest.approx(record[name], rel=1e-3)
    assert point["provenance"]["latency_ms"] == record["provenance"]["latency_ms"] == "modelled"


def test_json_alone_and_the_same_seed(run, space):  # type: ignore[no-untyped-def]
    search = ("accelerator", "search", str(space), "--evaluations", "150", "--population", "50")
    documents = []
    for _ in range(2):
        code, out, _ = run(*search, "--json", "--objectives", "error,latency_ms", "--seed", "3")
        assert code == 0
        documents.append(json.loads(out))
    assert documents[0]["front"] == documents[1]["front"]
    assert documents[0]["config"]["objectives"] == ["error", "latency_ms"]


def test_what_cannot_be_searched(run, space, tmp_path):  # type: ignore[no-untyped-def]
    code, _, err = run("accelerator", "search", str(space), "--area-max", "0.001")
    assert code != 0
    assert "the least is" in err
    code, _, err = run("accelerator", "search", "parametric", "--objectives", "error,area_mm2")
    assert code != 0
    assert "not a space of them" in err
    code, _, err = run("search", "--objectives", "error,area_mm2", "--budget", "10")
    assert code != 0
    assert "biglittle accelerator search" in err
    bad = tmp_path / "bad.toml"
    bad.write_text(space.read_text() + "sparsity = 2\n")
    code, _, err = run("accelerator", "search", str(bad))
    assert code != 0
    assert "sparsity" in err
    assert "biglittle accelerator show edge --yaml" in err
    bad.write_text(space.read_text().replace("columns = 16", "columns = 0"))
    code, _, err = run("accelerator", "search", str(bad))
    assert code != 0
    assert "columns" in err
    code, _, err = run("accelerator", "search", str(space), "--pair", "one")
    assert code != 0
    assert "LITTLE,BIG" in err


def test_a_space_is_shown_and_is_where_ones_own_begins(run, tmp_path):  # type: ignore[no-untyped-def]
    code, text, _ = run("accelerator", "show", "edge", "--yaml")
    assert code == 0
    mine = tmp_path / "mine.toml"
    mine.write_text(text, encoding="utf-8")
    code, out, _ = run("accelerator", "show", "edge", "--json")
    assert code == 0
    assert json.loads(out)["accelerators"] > 1000
    assert "biglittle accelerator search edge" in run("accelerator", "show", "edge")[1]
    code, out, _ = run(
        *("accelerator", "search", str(mine), "--area-max", "0.075", "--evaluations", "60"),
        *("--population", "20", "--json"),
    )
    assert code == 0
    assert all(record["area_mm2"] <= 0.075 for record in json.loads(out)["front"])


def test_a_pair_is_named_however_seldom_its_big_network_is_asked():  # type: ignore[no-untyped-def]
    common = {"accuracy": 0.9, "latency_ms": 1.0, "energy_mj": 1.0, "area_mm2": 1.0, "big": "b"}
    common |= {"accelerator": "a0"}
    rates = {"never": 0.0, "seldom": 0.001, "always": 1.0}
    front = [
        {**common, "little": name, "escalation_rate": rate, "answers_alone": "some"}
        for name, rate in rates.items()
    ]
    config = {"accelerators_to_choose_from": 1, "seed": 0, "evaluator": "table"}
    config |= {"weight_bits": 8, "activation_bits": 8}
    values = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    outcome = SimpleNamespace(points=front, values=values, evaluations=3, seconds=1.0)
    document = {"config": config, "front": front, "accelerators": {"a0": {}}}
    lines = [line.strip() for line in summary(outcome, document, 3, None, 500.0)]
    assert {"never alone", "seldom  b", "always  b"} <= {*lines}
