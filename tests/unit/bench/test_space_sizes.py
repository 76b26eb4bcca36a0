"""A space for images of another size: the same ids, other costs, and networks that run."""

from __future__ import annotations

import numpy as np
import pytest

from biglittle.bench.device import load_device
from biglittle.bench.errors import ArchitectureError, DeviceError, UnknownNameError
from biglittle.bench.spaces import get_space

ARCH = "0123456780123456780123"


@pytest.mark.parametrize("size", [8, 24, 64, 224])
def test_ids_and_weights_stay_and_costs_follow_the_pixels(size: int) -> None:
    base, space = get_space("fbnet"), get_space(f"fbnet-{size}")
    assert (space.name, space.input_size) == (f"fbnet-{size}", size)
    assert space.params(ARCH, 7).tolist() == base.params(ARCH, 7).tolist()
    classifier = base.macs(ARCH, 7) - base.macs(ARCH, 0)
    pixels = (size / base.input_size) ** 2
    assert (space.macs(ARCH, 7) - classifier).tolist() == [
        pytest.approx(float((base.macs(ARCH, 7) - classifier)[0]) * pixels)
    ]
    assert space.hash != base.hash
    assert space.peak_activation(ARCH)[0] == pytest.approx(base.peak_activation(ARCH)[0] * pixels)


def test_its_own_size_is_the_space_itself() -> None:
    assert get_space("fbnet-32") is get_space("fbnet")
    assert get_space("fbnet-64") is get_space("fbnet-64")


@pytest.mark.parametrize("name", ["fbnet-7", "fbnet-36", "fbnet-0", "fbnet-9992"])
def test_sizes_that_the_strides_do_not_divide_are_refused(name: str) -> None:
    with pytest.raises(ArchitectureError, match="expected a multiple of 8 from 8 to 1024"):
        get_space(name)


def test_other_names_are_unknown() -> None:
    with pytest.raises(ArchitectureError, match="takes images of 32 rows alone"):
        get_space("nb201-64")
    for name in ("fbnet-", "fbnet-x", "fbnets-64", "fbnet-64-64"):
        with pytest.raises(UnknownNameError):
            get_space(name)


def test_images_of_another_size_say_which_space_takes_them() -> None:
    get_space("fbnet-64").check_images("mine", 64)
    with pytest.raises(ArchitectureError, match="write space fbnet-96, or make the images anew"):
        get_space("fbnet-64").check_images("mine", 96)
    get_space("fbnet-96").check_images("mine", 96)  # what the error says to write
    with pytest.raises(ArchitectureError, match=r"anew with --size 32\."):
        get_space("nb201").check_images("mine", 96)


def test_a_profile_of_one_size_says_nothing_of_another() -> None:
    device, space = load_device("raspberry-pi-4"), get_space("fbnet-64")
    with pytest.raises(DeviceError, match="measure this space: biglittle profile --space fbnet-64"):
        device.latency_ms(space, space.parse(ARCH))


@pytest.mark.parametrize("cut", ["", "@4s", "@12"])
def test_networks_and_their_onnx_files_take_the_images(cut: str) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    from biglittle.bench.networks import build_network
    from biglittle.edge_profiler.onnx_network import onnx_model

    images = np.zeros((1, 3, 64, 64), np.float32)
    model = onnx_model(get_space("fbnet-64"), f"{ARCH}{cut}", n_classes=7)
    session = runtime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    assert session.run(None, {"images": images})[0].shape == (1, 7)
    network = build_network(f"{ARCH}{cut}", 7, "fbnet-64", seed=0).eval()
    assert network(torch.from_numpy(images)).shape == (1, 7)
