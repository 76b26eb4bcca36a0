"""Weights, lists of ids and lock files that are damaged: an answer, or one sentence."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.id_lists import read_ids, read_pairs
from biglittle.bench.locks import _holder

FBNET = get_space("fbnet")
IDS = "\n".join(["# ids", "8" * 22, "0" * 22 + "@12", "", "2863848418780625260277"]).encode()
PAIRS = "\n".join([f"{'8' * 22} {'0' * 22}", f"{'8' * 22}@4 {'0' * 22} # why"]).encode()
NOTE = {"process": 7, "machine": "board", "since": "2026-01-01 00:00:00+00:00", "command": "x"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A network's weights as they are written."""
    pytest.importorskip("torch")
    from biglittle.bench.networks import build_network
    from biglittle.cotrain.weights import save_network

    path = tmp_path_factory.mktemp("weights") / "little.safetensors"
    save_network(path, build_network("8" * 22, 3, "fbnet"), {})
    return path.read_bytes()


def test_damaged_weights(weights: bytes, tmp_path: Path, mutations: Any, answers: Any) -> None:
    from biglittle.cotrain.weights import kept_facts, load_network

    path = tmp_path / "w.safetensors"
    length = 8 + struct.unpack("<Q", weights[:8])[0]
    # Most of the file is numbers, of which any may be right: so its head is damaged as often.
    heads = (head + weights[length:] for head in mutations(weights[:length], 100))
    for number, content in enumerate([*mutations(weights, 60), *heads]):
        path.write_bytes(content)
        answers.of(lambda: load_network(path), number)
        answers.of(lambda: kept_facts(path), number)


def test_a_head_of_weights_with_any_value_in_any_place(
    weights: bytes, tmp_path: Path, count: Any, answers: Any
) -> None:
    from biglittle.cotrain.weights import load_network

    length = struct.unpack("<Q", weights[:8])[0]
    path, strange = (
        tmp_path / "w.safetensors",
        [None, -1, 2**63, "x", "\x1b[2J", [], {}, [2**40] * 4],
    )
    for seed in range(count(100)):
        rng = np.random.default_rng(seed)
        head = json.loads(weights[8 : 8 + length])
        name = str(rng.choice(sorted(head)))
        field = str(rng.choice(sorted(head[name])))
        head[name][field] = strange[int(rng.integers(len(strange)))]
        text = json.dumps(head).encode()
        path.write_bytes(struct.pack("<Q", len(text)) + text + weights[8 + length :])
        answers.of(lambda: load_network(path), (name, field))


@pytest.mark.parametrize(("read", "content"), [(read_ids, IDS), (read_pairs, PAIRS)])
def test_damaged_lists(
    read: Any, content: bytes, tmp_path: Path, mutations: Any, answers: Any
) -> None:
    path = tmp_path / "list.txt"
    for number, damaged in enumerate(mutations(content, 200)):
        path.write_bytes(damaged)
        answers.of(lambda: read(str(path), FBNET), number)


def test_damaged_lock_files_are_printed_as_plain_text(tmp_path: Path, mutations: Any) -> None:
    path = tmp_path / ".out.lock"
    for damaged in mutations(json.dumps(NOTE).encode(), 200):
        path.write_bytes(damaged)
        assert _holder(path).isprintable()
        assert len(_holder(path)) < 2000
