"""Kept weights give back the networks they were kept from."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

import torch

from biglittle.bench import get_space
from biglittle.bench.errors import CheckpointError
from biglittle.bench.networks import build_network, weights_hash
from biglittle.cotrain.recalibrate import recalibrated
from biglittle.cotrain.supernet import Supernet
from biglittle.cotrain.weights import load_network, load_weights, save_network, save_weights


def test_networks_of_kept_weights_answer_alike(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net, images = Supernet(get_space("fbnet"), 10), torch.randn(16, 3, 32, 32)
    rounded = {
        k: v.half().float() if v.is_floating_point() else v for k, v in net.state_dict().items()
    }
    net.load_state_dict(rounded)
    path = tmp_path / "supernet.safetensors"
    save_weights(path, net, {"dataset": "noise"})
    again = load_weights(path)
    for architecture in ("8" * 22, "0123456780123456780123"):
        answers = []
        for source in (net, again):
            network = recalibrated(source.inherit(architecture), images)
            with torch.no_grad():
                answers.append(network(images))
        assert torch.equal(*answers)


def test_the_same_weights_make_the_same_file(tmp_path: Path) -> None:
    net, files = Supernet(get_space("fbnet"), 10), [tmp_path / str(i) for i in range(4)]
    for i, path in enumerate(files):
        facts = {f"fact {j}": "x" for j in range(9)}
        save_weights(path, net, facts if i % 2 else dict(reversed(facts.items())))
    assert len({path.read_bytes() for path in files}) == 1
    assert load_weights(files[0]).space.name == "fbnet"


def test_damaged_and_foreign_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "supernet.safetensors"
    save_weights(path, Supernet(get_space("fbnet"), 10), {})
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_weights(path)
    from safetensors.torch import save_file

    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="expected 'biglittle-supernet-1'"):
        load_weights(path)


def test_a_kept_network_is_the_network(tmp_path: Path) -> None:
    network = build_network("0123456780123456780123", 10, seed=1)
    with torch.no_grad():
        network(torch.randn(8, 3, 32, 32))  # statistics of its own
    save_network(tmp_path / "a.safetensors", network, {"dataset": "noise"})
    again = load_network(tmp_path / "a.safetensors")
    assert weights_hash(again) == weights_hash(network)
    assert again.architecture == network.architecture
    assert not again.training
    with pytest.raises(CheckpointError, match="expected 'biglittle-supernet-1'"):
        load_weights(tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_network(tmp_path / "absent.safetensors")
