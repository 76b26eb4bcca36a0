"""Few digits, for what trains networks, pairs and supernets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from biglittle.bench.datasets import Dataset, Images


@pytest.fixture
def few_digits(
    digits: Dataset, digit_splits: dict[str, Images], monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Images]]:
    """Splits with 70 training images, found under the recipe's data set; one torch thread."""
    torch = pytest.importorskip("torch")
    from biglittle.cotrain import train_network, train_pair

    for module in (train_network, train_pair):
        monkeypatch.setattr(module, "get_dataset", lambda name: digits)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield {**digit_splits, "train": digit_splits["train"].subset(np.arange(70))}
    torch.set_num_threads(before)


@pytest.fixture
def splits(
    request: pytest.FixtureRequest,
    digits: Dataset,
    digit_splits: dict[str, Images],
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, Images]:
    """What a supernet is trained on: an epoch of the module's ``STEPS`` batches of ``BATCH``."""
    monkeypatch.setattr("biglittle.cotrain.train_supernet.get_dataset", lambda name: digits)
    n_images = request.module.BATCH * request.module.STEPS
    return {**digit_splits, "train": digit_splits["train"].subset(np.arange(n_images))}


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One torch thread, so that two runs on a CPU agree bit for bit."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def schedule_of():
    """Makes the schedule of a supernet in batches of 16 digits, whose anchor is k3_e1."""
    from biglittle.cotrain.schedule import Schedule

    def made(*phases):
        return Schedule(
            space="fbnet",
            dataset="digits",
            anchor="k3_e1",
            phases=phases,
            batch=16,
            momentum=0.9,
            weight_decay=5e-4,
            label_smoothing=0.1,
            distillation=0.5,
            clip_norm=5.0,
            seed=0,
        )

    return made


@pytest.fixture
def six_steps():
    """A recipe of six steps: two epochs of four batches of 70 images, the second cut short."""
    from biglittle.cotrain.recipe import Recipe

    return Recipe(
        space="fbnet",
        dataset="digits",
        images=96,
        batch=16,
        peak_lr=0.05,
        end_lr=0.0,
        warmup_share=0.2,
        momentum=0.9,
        weight_decay=5e-4,
        label_smoothing=0.1,
        clip_norm=5.0,
        resolutions=((8, 0.5), (16, 0.5)),
        ema_decay=0.9,
    )


@pytest.fixture
def pair(six_steps):
    """Trains a little and a big network in six steps."""
    from biglittle.cotrain.train_pair import train_pair

    def trained(splits, folder, method="independent", **other):
        arguments = {"recipe": six_steps, "starts": None, "seed": 3, **other}
        ids = "8" * 22, "0" + "8" * 20 + "0"
        return train_pair(*ids, method, splits=splits, folder=folder, **arguments)

    return trained


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.fixture
def killed() -> type[BaseException]:
    """What a run that is stopped by `kill_at` raises."""
    return Killed


@pytest.fixture
def kill_at():
    """Makes a listener to progress that stops the run at a step."""

    def listener(step):
        def told(progress):
            if progress.step == step:
                raise Killed

        return told

    return listener


@pytest.fixture
def every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress and a checkpoint after every step."""
    monkeypatch.setattr("biglittle.cotrain.train_loop.CHECKPOINT_S", 0.0)
    monkeypatch.setattr("biglittle.cotrain.train_loop.LOG_STEPS", 1)


@pytest.fixture
def front_of():
    """Makes a front of points (little, big, escalation rate, latency in ms)."""
    from biglittle.bench import Points

    words = {
        "accuracy": "predicted",
        "escalation_rate": "predicted",
        "latency_ms": "block-sum",
        "latency_p95_ms": "block-sum",
        "energy_mj": "modelled",
        "macs": "modelled",
        "peak_memory_mib": "modelled",
    }

    def made(*rows: tuple[str, str, float, float]) -> Points:
        little, big, rate, latency = (list(column) for column in zip(*rows, strict=True))
        n = len(rows)
        return Points(
            little=np.array(little),
            big=np.array(big),
            gate=np.full(n, "margin"),
            threshold=np.full(n, 0.5),
            accuracy=np.full(n, 0.8),
            escalation_rate=np.array(rate, float),
            latency_ms=np.array(latency, float),
            latency_p95_ms=np.array(latency, float),
            latency_worst_ms=np.array(latency, float),
            energy_mj=np.full(n, np.nan),
            macs=np.full(n, 1e6),
            params=np.full(n, 5e5),
            peak_memory_mib=np.full(n, 1.0),
            provenance=words,
        )

    return made


@pytest.fixture(scope="session")
def net():
    """A supernet whose batch norms differ from one another, as after training."""
    torch = pytest.importorskip("torch")
    from biglittle.bench.spaces import get_space
    from biglittle.cotrain.supernet import Supernet

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        net = Supernet(get_space("fbnet"), n_classes=10)
        for name, value in [*net.named_parameters(), *net.named_buffers()]:
            if value.ndim == 1:
                value.uniform_(0.5, 1.5) if "bias" not in name else value.uniform_(-0.2, 0.2)
    return net
