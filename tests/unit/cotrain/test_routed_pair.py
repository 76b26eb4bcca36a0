"""A pair gets a router that is trained, kept, and deployed in the graph of the pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
from biglittle.bench.datasets import Dataset, Images
from biglittle.bench.errors import UnknownNameError
from biglittle.bench.networks import build_network
from biglittle.bench.router import Router
from biglittle.bench.router_gate import RouterGate
from biglittle.cotrain.prefix import take_trunk
from biglittle.cotrain.routed_pair import ROUTER, routed_pair
from biglittle.cotrain.train_router import RouterSettings
from biglittle.edge_profiler.deploy import deploy_pair

BIG = "0" + "8" * 21


@pytest.mark.parametrize("place", ["trunk", "stem"])
def test_a_pair_is_deployed_with_the_router_that_it_was_given(
    place: str, digits: Dataset, digit_splits: dict[str, Images], tmp_path: Path
) -> None:
    little, big = build_network(f"{BIG}@4", 10, seed=0), build_network(BIG, 10, seed=1)
    take_trunk(little, big)
    few = {s: part.subset(np.arange(min(40, len(part)))) for s, part in digit_splits.items()}
    settings = RouterSettings(epochs=2, confident=False)
    networks = (little.eval(), big.eval())
    pair = routed_pair(tmp_path, networks, few, digits, {"seed": 0}, settings, 0.5, place)
    assert isinstance(pair.gate, RouterGate)
    assert (pair.gate.place, pair.gate.early) == (place, True)
    assert pair.scores is not None
    assert len(pair.scores) == len(pair.images)
    facts = deploy_pair(tmp_path, pair)
    assert facts["logit_difference"]["cascade"] < 1e-3
    kept = np.load(tmp_path / ROUTER, allow_pickle=False)
    again = Router.from_arrays({name: kept[name] for name in kept.files})
    assert again.params() == pair.gate.router.params()
    assert (tmp_path / "little.safetensors").exists()
    with pytest.raises(UnknownNameError, match="Did you mean 'stem'"):
        routed_pair(tmp_path, networks, few, digits, {}, settings, 0.5, "sterm")
