"""What every zero-cost proxy is worth: rank correlation with accuracy, beside MACs and parameters.

    python -m biglittle.data_tables.evidence zerocost/score --which nb201 --working W --shard 0/2
    python -m biglittle.data_tables.evidence zerocost/score --which published-cifar10 --working W
    python -m biglittle.data_tables.evidence zerocost/few --working W
    python -m pytest tests/perf/test_proxies.py --benchmark-only --benchmark-json=W/speed-1.json
    python -m biglittle.data_tables.evidence zerocost/report --working W

``score`` leaves ``W/SET-SHARD.h5`` and goes on from it after any kill; all networks under one seed
of initialisation come before any under the next, and ``report`` takes the seeds that are complete.
A set ``published-`` is for the proxies that figures are published of: more cells, on a batch with
as many pixels and classes as the data set. ``few`` compares proxies of a mini-batch with the same
of the whole batch. ``report`` reads all of this, what is there of it. NAS-Bench-201's accuracies
are not ours to ship: they are looked for in ``$BIGLITTLE_REFERENCE_DATA``.

A correlation is of scores with accuracy, so that 1 means the proxy ranks as training would. Scores
of each seed of initialisation are correlated by themselves and averaged; the interval resamples
networks (bootstrap, 95 %). Networks without a score are left out and counted. Times of proxies are
of the processor, so what else the machine did is not in them; those of ``speed*.json``, of one
run each, are of the clock.
"""
