"""Which networks and which batches proxies are judged on."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from biglittle.bench import Benchmark  # noqa: E402
from biglittle.data_tables.evidence.zerocost import (  # noqa: E402
    _sets,
)
from biglittle.zerocost import Batch  # noqa: E402


def test_the_sample_of_the_table_has_all_sizes_and_all_trained_alone() -> None:
    table = Benchmark.load(_sets.TABLE).table
    some = _sets.stratified(table, 10)
    assert some == _sets.stratified(table, 10)
    assert len(set(some)) == 10
    rows = table.rows("inherited")
    macs = dict(
        zip(table.networks["architecture"][rows], table.networks["macs"][rows], strict=True)
    )
    tenths = np.array_split(np.sort(list(macs.values())), 10)
    sizes = np.sort([macs[a] for a in some])
    for part, size in zip(tenths, sizes, strict=True):
        assert part[0] <= size <= part[-1]
    assert [macs[a] for a in some] != sorted(macs[a] for a in some)
    _, ids = _sets.architectures("table", n_networks=10)
    alone = {str(table.networks["architecture"][r]) for t in _sets.ALONE for r in table.rows(t)}
    assert set(ids) == set(some) | alone
    assert len(_sets.stratified(table, 10**6)) == len(rows)


def test_a_batch_is_like_its_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.arange(64 * 3 * 32 * 32, dtype=torch.float32).reshape(64, 3, 32, 32)
    first = Batch(images, torch.zeros(64, dtype=torch.int64), "made up")
    monkeypatch.setattr(_sets, "dataset_batch", lambda *args: first)
    assert _sets.batch_of("nb201") is first
    small = _sets.batch_of("published-imagenet16-120")
    assert small.images.shape == (64, 3, 16, 16)
    assert float(small.images[0, 0, 0, 0]) == (0 + 1 + 32 + 33) / 4
    assert 60 < int(small.labels.max()) < 120
    assert small.name == "made up, 16 pixels, 120 classes at random"
    assert torch.equal(_sets.batch_of("published-cifar100").images, images)
