"""``biglittle score`` as a user meets it."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from biglittle.bench import get_space
from biglittle.zerocost import az_nas, read_columns
from biglittle.zerocost.console import drawn

SKIP = "8" * 22


@pytest.fixture
def run(command_line):  # type: ignore[no-untyped-def]
    """Runs ``biglittle score``."""
    return partial(command_line, "score")


def test_json_alone_on_stdout_and_a_file(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "scores.h5"
    asked = ("--arch", SKIP, "--proxies", "params,macs,snip", "--batch-size", "2", "--seeds", "2")
    code, text, _ = run(*asked, "--out", str(out), "--json")
    found = json.loads(text)
    assert code == 0
    assert [(n["architecture"], n["seed"]) for n in found["networks"]] == [(SKIP, 0), (SKIP, 1)]
    assert found["networks"][0]["scores"]["params"] == 645210
    assert found["networks"][0]["scores"]["snip"] != found["networks"][1]["scores"]["snip"]
    assert found["networks"][0]["failures"] == {}
    assert found["config"]["batch"] == "noise, n=2, seed=0"
    assert len(read_columns(out)) == 2


def test_a_table_of_one_and_of_many(run) -> None:  # type: ignore[no-untyped-def]
    code, text, _ = run("--arch", SKIP, "--proxies", "macs", "--batch-size", "2")
    assert code == 0
    assert "1.14736e+07" in text
    code, text, _ = run("--sample", "2", "--space", "nb201", "--proxies", "macs,params")
    assert code == 0
    assert "median" in text
    sample = ("--sample", "3", "--space", "nb201", "--seeds", "2", "--proxies", "macs")
    code, text, _ = run(*sample)
    assert code == 0
    assert "3 networks of nb201 under 2 seeds" in " ".join(text.split())
    code, text, _ = run("--arch", SKIP, "--proxies", "macs", "--batch-size", "2", "--seeds", "2")
    assert code == 0
    assert f"{SKIP} of fbnet under 2 seeds" in " ".join(text.split())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--sample"),
        (("--arch", SKIP, "--sample", "3"), "--sample"),
        (("--sample", "20000", "--space", "nb201"), "15625"),
        (("--arch", SKIP, "--on", "abacus"), "abacus"),
        (("--arch", SKIP, "--out", f"{__file__}/scores.h5"), "cannot be written"),
        (("--arch", "999"), "22 digits"),
        (("--arch", SKIP, "--proxies", "snipp"), "snip"),
        (("--arch", SKIP, "--batch", "cifar1"), "cifar10"),
        (("--arch", SKIP, "--space", "fbnets"), "fbnet"),
    ],
)
def test_errors_are_one_line(run, arguments: tuple[str, ...], told: str) -> None:  # type: ignore[no-untyped-def]
    code, out, err = run(*arguments)
    assert code != 0
    assert told in err.replace("\n", " ")
    assert not out


def test_a_sample_has_no_architecture_twice() -> None:
    cells = drawn(get_space("nb201"), 3000, seed=1)  # of 15,625: 260 would come twice
    assert len(set(cells)) == 3000
    assert cells[:10] == drawn(get_space("nb201"), 10, seed=1)


def test_az_nas_is_told_within_each_seed(run) -> None:  # type: ignore[no-untyped-def]
    names = "az_expressivity,az_progressivity,az_trainability,macs"
    asked = ("--arch", "000000,303030,113300", "--space", "nb201", "--seeds", "2")
    code, text, _ = run(*asked, "--proxies", "az_nas", "--batch-size", "2", "--json")
    assert code == 0
    rows = json.loads(text)["networks"]
    for seed in (0, 1):
        mine = [row for row in rows if row["seed"] == seed]
        values = {
            p: [float("nan") if r["scores"][p] is None else r["scores"][p] for r in mine]
            for p in names.split(",")
        }
        told = [row["az_nas"] for row in mine]
        expected = [None if np.isnan(value) else value for value in az_nas(values)]
        assert told == expected
        assert sum(value is not None for value in told) >= 2
    code, text, _ = run(*asked, "--proxies", "macs", "--batch-size", "2", "--json")
    assert all(row["az_nas"] is None for row in json.loads(text)["networks"])
