"""Networks with simulated bits: what rounds, what gradients pass, and that int8 answers alike."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.errors import ArchitectureError, DatasetError  # noqa: E402
from biglittle.bench.networks import build_network  # noqa: E402
from biglittle.bench.spaces import get_space  # noqa: E402
from biglittle.cotrain.fake_quantised import (  # noqa: E402
    FakeQuantised,
    Weighted,
    fake_quantised,
    rounded,
    to_steps,
    weight_steps,
)
from biglittle.cotrain.recalibrate import recalibrated  # noqa: E402

NAMES = ("8088880080000088808880", "2600002020236000800000@6s")


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((24, 3, 32, 32)).astype(np.float32)


def network(name: str, images: np.ndarray):
    return recalibrated(build_network(name, 10, seed=0), torch.from_numpy(images))


def test_values_are_rounded_within_their_levels() -> None:
    x = torch.tensor([-9.0, -0.6, 0.24, 0.26, 1.0, 9.0])
    assert rounded(x, 0.5, -1, 3).tolist() == [-0.5, -0.5, 0.0, 0.5, 1.0, 1.5]


def test_gradients_pass_within_the_range_alone() -> None:
    x = torch.tensor([-9.0, -0.6, 0.26, 9.0], requires_grad=True)
    rounded(x, 0.5, -1, 3).sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize("bits", [4, 6, 8])
def test_every_channel_of_weights_has_its_own_levels(bits: int) -> None:
    weight = torch.randn(5, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    weight[1] *= 100
    weight[2] = 0
    weight.requires_grad_()
    value = to_steps(weight, weight_steps(weight, bits))
    for before, after in zip(weight.detach(), value.detach(), strict=True):
        most = 2 ** (bits - 1) - 1
        assert len(after.unique()) <= 2 * most + 1
        torch.testing.assert_close(after.abs().max(), before.abs().max())
        assert (after - before).abs().max() <= before.abs().max() / most / 2 * 1.001
    value.sum().backward()
    assert (weight.grad == 1).all()


@pytest.mark.parametrize("name", NAMES)
def test_eight_bits_answer_as_onnx_runtime_does(name: str, images: np.ndarray) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    from biglittle.edge_profiler.onnx_network import onnx_model

    own, space = network(name, images), get_space("fbnet")
    weights = {key: tensor.numpy() for key, tensor in own.state_dict().items()}
    model = onnx_model(space, f"{name}:int8", 10, weights=weights, calibration=images)
    options = onnxruntime.SessionOptions()
    # as the file says it: not the integers of this processor, which may saturate
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    source = session.get_inputs()[0].name
    theirs = np.concatenate([session.run(None, {source: image[None]})[0] for image in images])
    simulated = fake_quantised(own, None, images)
    with torch.no_grad():
        ours = simulated(torch.from_numpy(images)).numpy()
        plain = own(torch.from_numpy(images)).numpy()
    # much nearer to the integers than these are to float32: what differs are values on an edge
    assert np.abs(ours - theirs).mean() < 0.35 * np.abs(plain - theirs).mean()


def test_fewer_bits_are_further_from_float32(images: np.ndarray) -> None:
    own = network(NAMES[0], images)
    simulated, shown = fake_quantised(own, None, images), torch.from_numpy(images)
    with torch.no_grad():
        plain = own(shown)
        far = []
        for bits in (8, 6, 4):
            simulated.set_bits(((bits, bits),) * simulated.n_entries)
            far.append(float((simulated(shown) - plain).abs().mean()))
    assert far[0] < far[1] < far[2]


def test_bits_are_those_of_their_stage(images: np.ndarray) -> None:
    bits = ((4, 6), (6, 8), (8, 4), (4, 4))
    simulated = fake_quantised(network(NAMES[1], images), bits, images[:2])
    for part in simulated.parts:
        own = (8, 8) if part.stage is None else bits[part.stage]
        assert part.entry.bits == own[1]
        for unit in part.units:
            if isinstance(unit, Weighted):
                assert unit.bits == own[0]
                assert unit.out is None or unit.out.bits == own[1]
    assert simulated.starts() == [
        next(i for i, part in enumerate(simulated.parts) if part.stage == k) for k in range(4)
    ]


def test_stages_can_be_run_one_after_the_other(images: np.ndarray) -> None:
    simulated = fake_quantised(network(NAMES[0], images), None, images)
    assert simulated.starts()[0] == simulated.starts()[1] == 1  # the first stage is idle
    x = torch.from_numpy(images)
    with torch.no_grad():
        half = simulated.run(x, 0, simulated.starts()[3])
        torch.testing.assert_close(simulated.run(half, simulated.starts()[3]), simulated(x))


def test_straight_through_training_lowers_the_loss(images: np.ndarray) -> None:
    simulated = fake_quantised(network(NAMES[0], images), ((6, 6),) * 8, images)
    labels = torch.arange(len(images)) % 10
    optimizer, losses = torch.optim.Adam(simulated.parameters(), lr=1e-3), []
    for _ in range(12):
        loss = torch.nn.functional.cross_entropy(simulated(torch.from_numpy(images)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[-3:]) < 0.8 * losses[0], losses


def test_bad_bits_and_images_are_refused(images: np.ndarray) -> None:
    own = network(NAMES[0], images)
    with pytest.raises(ArchitectureError, match="2 entries; expected 8"):
        fake_quantised(own, ((4, 8), (8, 8)), images)
    with pytest.raises(ArchitectureError, match="5 bits; expected 4, 6 or 8"):
        fake_quantised(own, ((5, 8),) * 8, images)
    with pytest.raises(DatasetError, match="0 calibration images"):
        fake_quantised(own, None, images[:0])
    with pytest.raises(ArchitectureError, match=r"nb201.*no stages"):
        FakeQuantised(build_network("333333", 10, "nb201", seed=0))
