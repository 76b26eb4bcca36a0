"""What several tests of the profiler share: a fake runtime, profiles, models, a trained pair."""

from __future__ import annotations

import types

import numpy as np
import pytest

from biglittle.bench import Gate, get_space
from biglittle.bench.device_document import FORMAT_2
from biglittle.bench.errors import ProfileError
from biglittle.bench.trained_pair import TrainedPair
from biglittle.edge_profiler import Protocol, profile_networks
from biglittle.edge_profiler.meters import nvml
from biglittle.edge_profiler.onnx_graph import import_onnx

FBNET = get_space("fbnet")
MACS_PER_S = 4e9


class FakeRuntime:
    """Takes 0.1 ms per node, counting those of branches; loads are counted by graph."""

    description, precision = "fake 1.0", "fp32"

    def __init__(self, refuse=(), interrupt_at=None):
        self.now_ns, self.refuse, self.interrupt_at = 0, refuse, interrupt_at
        self.loaded = []

    def clock(self):
        return self.now_ns

    def load(self, model, threads):
        graph = import_onnx().load_from_string(model).graph
        self.loaded.append(graph.name)
        name = graph.name.removeprefix("fbnet_")
        if name in self.refuse:
            raise ProfileError("an operator is not supported")
        cost_ns = 100_000 * len(graph.node)

        def run():
            if name == self.interrupt_at:
                raise KeyboardInterrupt
            self.now_ns += cost_ns

        return run


@pytest.fixture
def fake_runtime():
    """The class of a runtime with a fake clock."""
    return FakeRuntime


@pytest.fixture
def profile():
    """Measures three small networks on a fake runtime."""

    def measured(runtime, ids=("8" * 22, "8" * 21 + "0", "8" * 20 + "00"), **more):
        short = Protocol(warm_up=1, rounds=2, runs_per_round=3, idle_gap_s=0)
        more = {"reference": "8" * 21 + "1", "protocol": short, **more}
        return profile_networks(FBNET, ids, 10, runtime=runtime, clock=runtime.clock, **more)

    return measured


def _good(n=40, seed=0, noise=0.02, **changes):
    rng = np.random.default_rng(seed)
    genomes = np.unique(FBNET.sample(rng, n), axis=0)
    ids = FBNET.format(genomes)
    macs = FBNET.macs(genomes, 10)
    ms = 1000 * macs / MACS_PER_S * np.exp(rng.normal(0, noise, len(ids))) + 1.0
    networks = [
        {
            "architecture": a,
            "latency_ms": round(float(t), 6),
            "latency_p90_ms": round(float(t) * 1.05, 6),
            "ratio": round(float(t) / 5, 6),
            "ratio_spread": 0.002,
            "n": 240,
            "provenance": "measured",
        }
        for a, t in zip(ids, ms, strict=True)
    ]
    made = {
        "format": FORMAT_2,
        "device": "my-board",
        "description": "a board",
        "space": FBNET.name,
        "space_hash": FBNET.hash,
        "n_classes": 10,
        "runtime": "onnxruntime 1.20 CPUExecutionProvider",
        "precision": "fp32",
        "threads": 1,
        "batch": 1,
        "source": "measured by a test",
        "author": "somebody",
        "date": "2026-01-02",
        "tool_version": "0.1",
        "networks": networks,
    }
    return made | changes


@pytest.fixture
def good():
    """Makes a profile, as JSON, with which nothing is wrong."""
    return _good


def _model(nodes, weights=(), shape=(1, 3, 8, 8), opset=17, **more):
    helper, float32 = import_onnx().helper, import_onnx().TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("x", float32, shape)],
        [helper.make_tensor_value_info("y", float32, None)],
        list(weights),
    )
    opsets = [helper.make_opsetid("", opset), *more.pop("opsets", ())]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **more)


@pytest.fixture
def model():
    """Makes an ONNX model of nodes that take x to y."""
    return _model


@pytest.fixture
def run():
    """Runs an ONNX model on images, (1, 3, height, width), with one thread; gives its outputs."""
    ort = pytest.importorskip("onnxruntime")

    def outputs(model, images):
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return session.run(None, {"images": images})

    return outputs


class NVMLError(Exception):
    pass


def _fake_nvml(counter=None, power_mw=None, gpus=1):
    def energy(handle):
        if counter is None:
            raise NVMLError("Not Supported")
        return next(counter)

    def power(handle):
        if power_mw is None:
            raise NVMLError("Not Supported")
        return power_mw

    def handle(index):
        if index >= gpus:
            raise NVMLError("Not Found")
        return index

    return types.SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=handle,
        nvmlDeviceGetCount=lambda: gpus,
        nvmlDeviceGetUUID=lambda handle: ["GPU-aa11", b"GPU-bb22"][handle],
        nvmlDeviceGetTotalEnergyConsumption=energy,
        nvmlDeviceGetPowerUsage=power,
    )


@pytest.fixture
def fake_nvml():
    """Makes a module in place of NVIDIA's."""
    return _fake_nvml


@pytest.fixture(scope="session")
def trained_pair():
    """Two networks with batch norms as after training, and their logits on 24 images."""
    torch = pytest.importorskip("torch")
    from biglittle.bench.datasets import Images, get_dataset
    from biglittle.bench.networks import build_network
    from biglittle.cotrain.images import normalised

    ids = ("8" * 22, "0" + "8" * 20 + "0")
    cifar = get_dataset("cifar10")
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 3), np.uint8)
    weights, logits = [], []
    for seed, architecture in enumerate(ids):
        network = build_network(architecture, 10, seed=seed)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            network.train()
            for _ in range(3):
                network(torch.randn(16, 3, 32, 32))
            network.classifier.weight.mul_(3.0)  # confidences of all sizes
            images = normalised(Images(pixels, np.zeros(24, np.uint8)), cifar)
            logits.append(network.eval()(images).numpy())
        weights.append({k: v.numpy().copy() for k, v in network.state_dict().items()})
    return TrainedPair(
        space=FBNET,
        architectures=ids,
        weights=tuple(weights),
        gate=Gate("max_prob", 0.0),
        images=pixels,
        logits=tuple(logits),
        dataset=cifar,
        origin={"training": "joint", "seed": 3},
    )


@pytest.fixture(autouse=True)
def _no_cuda(monkeypatch):
    """Whatever this machine has, its driver is not asked."""
    monkeypatch.setattr(nvml, "cuda_bus_id", lambda: None)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def _write(root, **files):
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(text))


@pytest.fixture
def write():
    """Writes files by name, "__" for "/", below a folder."""
    return _write


def _hwmon(root, **channels):
    _write(root, **{"sys__class__hwmon__hwmon0__name": "other"})
    base = "sys__class__hwmon__hwmon3__"
    _write(root, **{base + "name": "ina3221"})
    for i, (label, (mv, ma)) in enumerate(channels.items(), start=1):
        labelled = {f"in{i}_label": label, f"in{i}_input": mv, f"curr{i}_input": ma}
        _write(root, **{base + k: v for k, v in labelled.items()})


@pytest.fixture
def hwmon():
    """Makes the sysfs tree of a chip that measures rails."""
    return _hwmon


def _rapl(root, package, energy_uj, name="package-0", limit_uj=1_000_000):
    base = f"sys__class__powercap__{package}"
    files = {"energy_uj": energy_uj, "max_energy_range_uj": limit_uj, "name": name}
    _write(root, **{f"{base}__{k}": v for k, v in files.items()})


@pytest.fixture
def rapl():
    """Makes the sysfs tree of a processor package's counter."""
    return _rapl
