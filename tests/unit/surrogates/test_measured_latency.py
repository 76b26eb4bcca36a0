"""A latency model of networks that were measured whole."""

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.agreement import spearman
from biglittle.bench.errors import SurrogateError
from biglittle.surrogates.measured_latency import fit_measured_latency
from biglittle.surrogates.networks import Networks


def test_measured_networks_teach_others_latency():
    pytest.importorskip("xgboost")
    pytest.importorskip("onnx")
    space = get_space("nb201")
    genomes = space.sample(np.random.default_rng(0), 90)
    networks = Networks(space, space.choices, 10, genomes)
    rng = np.random.default_rng(1)
    latency = (1 + space.macs(genomes, 10) / 1e7) * rng.lognormal(0, 0.03, 90)
    model = fit_measured_latency(networks.take(np.arange(60)), latency[:60])
    test = networks.take(np.arange(60, 90))
    said = model.predict(test)
    assert spearman(said, latency[60:]) > 0.85
    other = get_space("fbnet")
    with pytest.raises(SurrogateError, match="another space"):
        model.predict(Networks(other, other.choices, 10, other.parse("8" * 22)))
