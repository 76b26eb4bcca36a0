"""Scores by several workers are those of one, in the same order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.errors import PluginError  # noqa: E402
from biglittle.zerocost import PROXIES, Columns, noise_batch, read_columns, run  # noqa: E402

NETWORKS = ["8" * 22, "0" + "8" * 21, "8" * 21 + "0", "8" * 21 + "1"]
PROXY = """
from biglittle.zerocost.proxies import Proxy
PROXY = Proxy("mine", "a test", (), False, lambda passes: 7.0)
"""


@pytest.fixture
def mine(tmp_path: Path) -> Iterator[None]:
    """A proxy that this process alone knows, from a file."""
    file = tmp_path / "mine.py"
    file.write_text(PROXY)
    PROXIES.register_file(file)
    yield
    for name in ("mine", "ours"):
        PROXIES._added.pop(name, None)


def same(one: Columns, other: Columns) -> None:
    """Everything but times is the same, bit for bit."""
    assert one.architectures == other.architectures
    assert one.seeds.tolist() == other.seeds.tolist()
    assert one.failures == other.failures
    assert one.facts == other.facts
    assert one.scores.keys() == other.scores.keys()
    for proxy, scores in one.scores.items():
        assert scores.tobytes() == other.scores[proxy].tobytes(), proxy


def test_two_workers_give_the_scores_of_one(tmp_path: Path) -> None:
    batch = noise_batch(4, seed=1)
    arguments: Any = (NETWORKS[:2], batch)
    here = run(*arguments, tmp_path / "one.h5", seeds=(0, 1))
    moved: list[tuple[int, int]] = []
    there = run(
        *arguments, tmp_path / "two.h5", seeds=(0, 1), workers=2,
        on_progress=lambda *at: moved.append(at),
    )  # fmt: skip
    same(here, there)
    same(read_columns(tmp_path / "one.h5"), read_columns(tmp_path / "two.h5"))
    assert moved == [(n, 4) for n in range(1, 5)]


def test_a_run_of_workers_that_was_stopped_ends_in_the_order_of_one(tmp_path: Path) -> None:
    batch, out = noise_batch(4, seed=1), tmp_path / "scores.h5"
    run([NETWORKS[2], NETWORKS[0]], batch, out, "params,snip")  # what happened to be done first
    same(run(NETWORKS, batch, out, "params,snip"), run(NETWORKS, batch, None, "params,snip"))


def test_a_proxy_of_ones_own_travels_as_its_file(mine: None) -> None:
    scores = run(NETWORKS[:2], noise_batch(2), proxies="mine", workers=2)
    assert scores.scores["mine"].tolist() == [7.0, 7.0]
    PROXIES.register("ours", PROXIES.load("mine").__class__("ours", "a test", (), False, float))
    with pytest.raises(PluginError, match=r"known to this process alone.*register_file"):
        run(NETWORKS[:1], noise_batch(2), proxies="ours", workers=2)


def test_a_cluster_gives_the_scores_of_this_machine(ray_cluster: Any, mine: None) -> None:
    batch = noise_batch(4, seed=1)
    same(run(NETWORKS, batch), run(NETWORKS, batch, on="ray"))
    assert np.isfinite(run(NETWORKS[:1], batch, proxies="mine", on="ray").scores["mine"]).all()


def test_the_verb_shares_its_networks_and_says_where_the_device_is_set(command_line) -> None:  # type: ignore[no-untyped-def]
    asked = ("score", "--sample", "3", "--proxies", "params,synflow", "--batch-size", "2", "--json")
    answers = []
    for workers in ("1", "2"):
        code, out, err = command_line(*asked, "--workers", workers)
        assert code == 0, err
        document = json.loads(out)
        answers.append((document["config"], document["networks"]))
    assert answers[0] == answers[1]
    code, _, err = command_line(*asked, "--on", "cuda")
    assert code == 1
    advice = "--train-device cuda"
    assert advice in err
    code, _, err = command_line(*asked, *advice.split())
    assert code == 0 or "device 'cuda' is not usable here" in err
