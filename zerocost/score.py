"""Scores of networks: the wrapper that owns copying, mode, seed, device, dtype and timing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, KeysView, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from ..bench.errors import BigLittleError
from ..bench.networks import build_network
from .batch import Batch, noise_batch
from .forwards import FEW_IMAGES, Forwards
from .network import PassError
from .passes import Passes
from .proxies import PROXIES, Proxy, ProxyError, get_proxy
from .rank import AZ_COMPONENTS

DTYPES = {"float32": torch.float32, "float64": torch.float64}
#: "cpu" is of all threads of this process: what other processes do at the same time is not in it.
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


@dataclass(frozen=True)
class Scores:
    """Scores of one network, and the times that they took.

    Attributes:
        values: score by proxy; a proxy without a score is not in here.
        failures: reason by proxy that has no score.
        passes_s: time in s by shared step: forward passes, backward passes, what equations share.
        equations_s: time in s by proxy of its equation alone, shared steps not included.
        alone_s: time in s by proxy of its equation and of every step behind it. A step that
            several proxies share counts in full for each, so these do not add up.
    """

    values: Mapping[str, float]
    failures: Mapping[str, str]
    passes_s: Mapping[str, float]
    equations_s: Mapping[str, float]
    alone_s: Mapping[str, float]

    @property
    def total_s(self) -> float:
        """Time in s of all steps and equations."""
        return sum(self.passes_s.values()) + sum(self.equations_s.values())

    def __getitem__(self, proxy: str) -> float:
        if proxy in self.failures:
            raise ProxyError(proxy, self.failures[proxy])
        return self.values[proxy]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values)

    def __len__(self) -> int:
        return len(self.values)

    def keys(self) -> KeysView[str]:
        """Names of the proxies that have a score, so that ``dict(scores)`` holds these."""
        return self.values.keys()


def chosen_proxies(proxies: str | Sequence[str]) -> tuple[Proxy, ...]:
    """Proxies by name: "all", one name, several separated by commas, or a sequence.

    "az_nas", a ranking of many networks and not a score of one, stands for its components.

    Raises:
        UnknownNameError: there is no proxy of that name.
    """
    if isinstance(proxies, str):
        proxies = PROXIES.names() if proxies == "all" else proxies.split(",")
    names = [name.strip() for name in proxies]
    parts = [part for n in names for part in (AZ_COMPONENTS if n == "az_nas" else (n,))]
    return tuple(get_proxy(name) for name in dict.fromkeys(parts))


def score(
    network: nn.Module | str,
    images: Batch | torch.Tensor | None = None,
    labels: torch.Tensor | None = None,
    proxies: str | Sequence[str] = "all",
    *,
    space: str = "fbnet",
    n_classes: int = 10,
    seed: int = 0,
    device: str = "cpu",
    dtype: str = "float32",
    few_images: int = FEW_IMAGES,
    clock: str = "wall",
    failures: str = "raise",
) -> Scores:
    """Scores of one network; the network itself is not changed in any way.

    Args:
        network: any module that maps images (n, ...) to logits (n, classes), scored with the
            weights it has; or the id of an architecture, which is built and initialised from
            ``seed``.
        images: batch of floating point, shape (n, channels, height, width); or a ``Batch`` with its
            labels. None takes 64 images of noise, 3x32x32.
        labels: integers of shape (n,); proxies of the loss need them.
        proxies: "all", names separated by commas, or a sequence of names.
        space: space of an architecture that is given by its id.
        n_classes: number of classes of a network built here, and of the labels of noise.
        seed: seeds the initialisation and everything random in a proxy.
        device: name of a device of torch, for example "cuda".
        dtype: type of numbers, "float32" or "float64".
        few_images: number of images of the batch for ``hessian_norm``, ``jacobian_norm``, ``zen``
            and each mini-batch of ``zico``.
        clock: clock that takes the times, "wall" or "cpu" (seconds of all threads of this process).
        failures: "raise", or "keep" to have reasons in ``Scores.failures``.

    Returns:
        One score per proxy.

    Raises:
        ProxyError: a proxy has no value for this network; names it, and the layer where known.
        ArchitectureError: the id is not one of the space.
        UnknownNameError: there is no proxy or space of that name.

    >>> scores = score("8" * 22, proxies="params,macs")
    >>> {name: int(value) for name, value in scores.values.items()}
    {'params': 645210, 'macs': 11473600}
    """
    if failures not in ("raise", "keep"):
        raise BigLittleError(f"failures={failures!r}; expected 'raise' or 'keep'.")
    if dtype not in DTYPES:
        raise BigLittleError(f"dtype {dtype!r}; expected one of {', '.join(DTYPES)}.")
    if clock not in CLOCKS:
        raise BigLittleError(f"clock {clock!r}; expected one of {', '.join(CLOCKS)}.")
    if few_images < 2:
        raise BigLittleError(f"few_images={few_images}; expected at least 2.")
    if images is None:
        images = noise_batch(n_classes=n_classes)
    if isinstance(images, Batch):
        labels = images.labels if labels is None else labels
        images = images.images
    wanted = chosen_proxies(proxies)
    module = build_network(network, n_classes, space, seed) if isinstance(network, str) else network
    where = usable_device(device)

    def passes(needs: Sequence[str]) -> Passes:
        return Passes(
            Forwards(
                module, images, labels, needs, seed, where, DTYPES[dtype], few_images, CLOCKS[clock]
            )
        )

    try:
        scores = _scores(passes, labels is not None, wanted, CLOCKS[clock])
    except PassError as error:
        reason = str(error)
        if failures == "raise":
            raise ProxyError(wanted[0].name if len(wanted) == 1 else "", reason) from error
        return Scores({}, {p.name: reason for p in wanted}, {}, {}, {})
    if failures == "raise" and scores.failures:
        name = next(iter(scores.failures))
        raise ProxyError(name, scores.failures[name])
    return scores


def usable_device(name: str) -> torch.device:
    """A device by torch's name for it.

    Raises:
        BigLittleError: there is no device of that name, or it cannot be used here.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise BigLittleError(f"device {name!r} is not usable here: {error}") from error
    return device


def _scores(
    make: Callable[[Sequence[str]], Passes],
    labelled: bool,
    wanted: Sequence[Proxy],
    clock: Callable[[], float],
) -> Scores:
    given = [proxy for proxy in wanted if labelled or not proxy.labels]
    passes = make(sorted({need for proxy in given for need in proxy.needs}))
    forwards = passes.forwards
    values: dict[str, float] = {}
    failures: dict[str, str] = {}
    equations_s: dict[str, float] = {}
    for proxy in wanted:
        began, before = clock(), sum(forwards.durations_s.values())
        try:
            if proxy.labels:
                _ = forwards.labels
            with forwards.asking(f"proxy {proxy.name}"):
                value = float(proxy.compute(passes))
            if not math.isfinite(value):
                raise PassError(f"its value is {value}; expected a finite number.")
            values[proxy.name] = value
        except PassError as error:
            failures[proxy.name] = str(error)
        except RuntimeError as error:  # of torch: no memory, no convergence
            failures[proxy.name] = f"torch could not compute it: {error}"
        inner = sum(forwards.durations_s.values()) - before
        equations_s[proxy.name] = clock() - began - inner
    alone_s = {p.name: equations_s[p.name] + forwards.behind_s(f"proxy {p.name}") for p in wanted}
    return Scores(values, failures, dict(forwards.durations_s), equations_s, alone_s)


def score_many(
    architectures: Sequence[str],
    images: Batch | torch.Tensor | None = None,
    labels: torch.Tensor | None = None,
    proxies: str | Sequence[str] = "all",
    *,
    space: str = "fbnet",
    n_classes: int = 10,
    seed: int = 0,
    device: str = "cpu",
    dtype: str = "float32",
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Scores]:
    """Scores of many architectures; one that fails keeps its reasons and does not stop the rest.

    Args:
        architectures: ids of architectures in ``space``.
        images: batch of floating point, shape (n, channels, height, width), or a ``Batch``. None
            takes 64 images of noise, 3x32x32.
        labels: integers of shape (n,); proxies of the loss need them.
        proxies: "all", names separated by commas, or a sequence of names.
        space: name of the architectures' space.
        n_classes: number of classes of the networks.
        seed: seeds every network's initialisation.
        device: name of a device of torch, for example "cuda".
        dtype: type of numbers, "float32" or "float64".
        on_progress: called with (done, total).

    Raises:
        ArchitectureError: an id is not one of the space.
        UnknownNameError: there is no proxy or space of that name.
    """
    scores = []
    batch = noise_batch(n_classes=n_classes) if images is None else images
    for done, architecture in enumerate(architectures, 1):
        scores.append(
            score(
                architecture,
                batch,
                labels,
                proxies,
                space=space,
                n_classes=n_classes,
                seed=seed,
                device=device,
                dtype=dtype,
                failures="keep",
            )
        )
        if on_progress is not None:
            on_progress(done, len(architectures))
    return scores
