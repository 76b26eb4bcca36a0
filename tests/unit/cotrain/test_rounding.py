"""Weights as they are storage in float16 or in int8."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.errors import CheckpointError  # noqa: E402
from biglittle.bench.spaces import get_space  # noqa: E402
from biglittle.cotrain.exit_heads import trunk_hash  # noqa: E402
from biglittle.cotrain.rounding import Storage, packed, rounded, unpacked  # noqa: E402
from biglittle.cotrain.supernet import Supernet  # noqa: E402
from biglittle.cotrain.tensors import read_tensors, write_tensors  # noqa: E402
from biglittle.cotrain.weights import load_weights, save_weights  # noqa: E402


def _tensors() -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    spread = torch.logspace(-12, 3, 16).reshape(16, 1, 1, 1)  # channels of very different sizes
    return {
        "conv.weight": torch.randn(16, 4, 3, 3) * spread,
        "zeros.weight": torch.zeros(2, 3),
        "norm.weight": torch.rand(5),
        "norm.scale": torch.rand(5),
    }


@pytest.mark.parametrize("storage", ["float16", "int8"])
def test_rounding_what_was_rounded_changes_nothing(storage: Storage) -> None:
    once = rounded(_tensors(), storage)
    again = rounded(once, storage)
    assert all(torch.equal(once[name], again[name]) for name in once)


def test_in_int8_a_weight_is_off_by_half_a_step_of_its_channel() -> None:
    tensors = _tensors()
    close = rounded(tensors, "int8")
    assert list(close) == list(tensors)
    largest = tensors["conv.weight"].abs().amax((1, 2, 3), keepdim=True)
    off = (close["conv.weight"] - tensors["conv.weight"]).abs()
    assert (off <= largest / 127 * 0.51 + 0.005 * largest).all()  # bfloat16 has 8 bits
    assert torch.equal(close["zeros.weight"], tensors["zeros.weight"])
    assert torch.equal(close["norm.scale"], tensors["norm.scale"].half().float())


def test_a_supernet_in_int8_is_read_as_it_was_rounded_and_half_as_large(tmp_path: Path) -> None:
    net = Supernet(get_space("fbnet"), 10)
    small, large = tmp_path / "int8.safetensors", tmp_path / "float16.safetensors"
    save_weights(small, net, {}, "int8")
    save_weights(large, net, {})
    assert small.stat().st_size < 0.56 * large.stat().st_size
    again, state = load_weights(small), rounded(net.state_dict(), "int8")
    assert all(torch.equal(t, state[name]) for name, t in again.named_parameters())
    assert trunk_hash(again.state_dict()) == trunk_hash(state)


@pytest.mark.parametrize("wrong", [None, torch.ones(2), torch.ones(3, 1)])
def test_whole_numbers_without_their_scales_are_refused(
    wrong: torch.Tensor | None, tmp_path: Path
) -> None:
    tensors = {"w": torch.ones(3, 4, dtype=torch.int8)}
    if wrong is not None:
        tensors["w.scale"] = wrong
    with pytest.raises(ValueError, match="'w'"):
        unpacked(tensors)
    path = tmp_path / "w.safetensors"
    write_tensors(path, tensors, {})
    with pytest.raises(CheckpointError, match="without a scale a channel"):
        read_tensors(path)


def test_a_tensor_called_scale_stays_where_nothing_is_scaled() -> None:
    tensors = {"norm.scale": torch.rand(5)}
    assert list(unpacked(packed(tensors, "int8"))) == ["norm.scale"]
