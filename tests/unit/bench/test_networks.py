"""Networks built from architectures."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.errors import ArchitectureError  # noqa: E402
from biglittle.bench.networks import build_network, make_operator, weights_hash  # noqa: E402
from biglittle.bench.operators import Operator  # noqa: E402

PUBLISHED = "2863848418780625260277"


@pytest.mark.parametrize("n_classes", [2, 10, 100])
def test_logits_have_one_column_per_class(n_classes: int) -> None:
    network = build_network("8" * 22, n_classes).eval()
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, n_classes)


def test_published_parameter_count() -> None:
    network = build_network(PUBLISHED, n_classes=100)
    assert sum(p.numel() for p in network.parameters()) == 2_447_972


def test_no_convolution_has_a_bias() -> None:
    convolutions = [m for m in build_network(PUBLISHED, 10).modules() if hasattr(m, "kernel_size")]
    assert len(convolutions) > 22
    assert all(m.bias is None for m in convolutions)


def test_a_seed_decides_the_weights_and_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    hashes = [weights_hash(build_network("0" * 22, 10, seed=seed)) for seed in (1, 1, 2)]
    assert torch.equal(torch.random.get_rng_state(), before)
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_hash_covers_running_statistics_but_not_their_counter() -> None:
    network = build_network("8" * 22, 10, seed=0)
    before = weights_hash(network)
    network.stem[1].num_batches_tracked += 1
    assert weights_hash(network) == before
    network.stem[1].running_mean += 1
    assert weights_hash(network) != before


def test_an_identity_block_adds_its_input_and_a_strided_one_does_not() -> None:
    network = build_network("0" * 22, 10, seed=0).eval()
    identity, strided = network.blocks[0], network.blocks[5]
    assert identity.residual
    assert not strided.residual
    x = torch.rand(1, 16, 32, 32)
    with torch.no_grad():
        assert torch.equal(identity(x.clone()), identity.body(x.clone()) + x)


def test_a_skip_is_free_where_shapes_match() -> None:
    block = build_network("8" * 22, 10).blocks[0]
    x = torch.rand(1, 16, 32, 32)
    assert torch.equal(block(x), x)
    assert not list(block.parameters())


def test_an_add_is_no_layer_of_its_own() -> None:
    with pytest.raises(AssertionError, match="'add'"):
        make_operator(Operator("add", 1, 1, 1, 1))


def test_a_wrong_id_is_refused() -> None:
    with pytest.raises(ArchitectureError):
        build_network("9" * 22, 10)


def test_without_torch_the_error_gives_the_pip_line() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from biglittle.bench.errors import MissingExtraError\n"
        "try:\n    import biglittle.bench.networks\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install --constraint constraints.txt '.[train]'" in done.stdout


def test_gradients_reach_every_parameter() -> None:
    network = build_network("".join(str(i % 9) for i in range(22)), 10, seed=0)
    images = torch.from_numpy(np.random.default_rng(0).random((4, 3, 32, 32), np.float32))
    network(images).square().sum().backward()
    assert all(p.grad is not None for p in network.parameters())
