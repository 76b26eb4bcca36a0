"""Scoring as work that a runner hands to its workers, one network under one seed a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch

from ..bench.plugin_travel import PluginFile
from .batch import Batch
from .score import score


@dataclass(frozen=True)
class ScoreRow:
    """Scores of one network under one seed.

    Attributes:
        scores: score by proxy; NaN where there is none.
        alone_s: time in s by proxy, of its equation and passes.
        total_s: time in s of all proxies at once.
        failures: reason by proxy that has no score.
    """

    scores: Mapping[str, float]
    alone_s: Mapping[str, float]
    total_s: float
    failures: dict[str, str]


@dataclass(frozen=True)
class ScoreWork:
    """Scores networks on one batch; a job is an architecture and a seed.

    Attributes:
        batch: images that all are scored on.
        proxies: names of the proxies to compute.
        space: name of the architectures' space.
        n_classes: number of classes of the networks.
        device: name of a device of torch.
        dtype: type of numbers, "float32" or "float64".
        clock: clock that takes the times.
        threads: threads of torch, of which others may round otherwise.
        plugins: files of proxies and spaces of one's own.
    """

    batch: Batch
    proxies: tuple[str, ...]
    space: str
    n_classes: int
    device: str
    dtype: str
    clock: str
    threads: int
    plugins: tuple[PluginFile, ...] = ()

    def start(self) -> Callable[[tuple[str, int]], ScoreRow]:
        """What scores one network under one seed."""
        for plugin in self.plugins:
            plugin.load()
        if torch.get_num_threads() != self.threads:
            torch.set_num_threads(self.threads)
        return self._row

    def sent(self) -> ScoreWork:
        """The same with the content of all plug-ins."""
        return replace(self, plugins=tuple(plugin.sent() for plugin in self.plugins))

    def _row(self, job: tuple[str, int]) -> ScoreRow:
        architecture, seed = job
        scores = score(
            architecture,
            self.batch,
            proxies=self.proxies,
            space=self.space,
            n_classes=self.n_classes,
            seed=seed,
            device=self.device,
            dtype=self.dtype,
            clock=self.clock,
            failures="keep",
        )
        return ScoreRow(
            {p: scores.values.get(p, float("nan")) for p in self.proxies},
            {p: scores.alone_s.get(p, float("nan")) for p in self.proxies},
            scores.total_s,
            dict(scores.failures),
        )
