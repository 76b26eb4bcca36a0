"""TensorRT's calls on a stand-in of its API, and on the real package where it is installed."""

from __future__ import annotations

import sys
import types
import warnings

import numpy as np
import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ProfileError
from biglittle.edge_profiler import get_runtime, onnx_model
from biglittle.edge_profiler.runtimes import tensorrt as wrapper
from biglittle.edge_profiler.runtimes.tensorrt import TensorRt, build_engine, import_tensorrt

pytest.importorskip("onnx")
MODEL = onnx_model(get_space("fbnet"), "8" * 22, 10).SerializeToString()


# ---- TensorRT's Python API, as far as it is called -----------------------------------------------
class FakeTensorRt(types.SimpleNamespace):
    def __init__(self, flags=("FP16", "INT8", "TF32"), refuses="", builds=True):
        log = []
        super().__init__(__name__="tensorrt", __version__="10.0.0", log=log)
        self.Logger = lambda level: "logger"
        self.Logger.ERROR = 1
        self.MemoryPoolType = types.SimpleNamespace(WORKSPACE="workspace")
        self.BuilderFlag = types.SimpleNamespace(**{f: f for f in flags})

        class Parser:
            num_errors = 1

            def __init__(self, network, logger):
                assert (network, logger) == ("network", "logger")

            def parse(self, model):
                log.append(("parse", len(model)))
                return not refuses

            def get_error(self, i):
                return refuses

        class Config:
            def set_memory_pool_limit(self, pool, n_bytes):
                log.append(("workspace", n_bytes))

            def set_flag(self, flag):
                log.append(("set", flag))

            def clear_flag(self, flag):
                log.append(("clear", flag))

            def create_timing_cache(self, content):
                log.append(("cache", content))
                return "cache"

            def set_timing_cache(self, cache, ignore_mismatch):
                assert (cache, ignore_mismatch) == ("cache", False)

            def get_timing_cache(self):
                return types.SimpleNamespace(serialize=lambda: b"timed")

        class Builder:
            def __init__(self, logger):
                assert logger == "logger"

            def create_network(self, flags):
                assert flags == 0
                return "network"

            def create_builder_config(self):
                return Config()

            def build_serialized_network(self, network, config):
                return bytearray(2**20) if builds else None

        self.OnnxParser, self.Builder = Parser, Builder


def test_an_engine_is_built_with_its_precision_and_the_timing_cache_kept(tmp_path):
    cache = tmp_path / "trt" / "timing.cache"
    trt = FakeTensorRt()
    engine, facts = build_engine(trt, b"model", "fp16", cache)
    assert (len(engine), facts["engine_mib"], facts["timing_cache"]) == (2**20, 1.0, False)
    assert facts["build_s"] >= 0
    assert {("set", "FP16"), ("cache", b""), ("parse", 5)} <= set(trt.log)
    assert cache.read_bytes() == b"timed"
    trt = FakeTensorRt()
    assert build_engine(trt, b"model", "fp32", cache)[1]["timing_cache"] is True
    assert {("clear", "TF32"), ("cache", b"timed")} <= set(trt.log)


@pytest.mark.parametrize(
    ("trt", "precision", "words"),
    [
        (FakeTensorRt(refuses="no importer for NonMaxThing"), "fp32", "NonMaxThing"),
        (FakeTensorRt(builds=False), "fp32", "cannot build"),
        (FakeTensorRt(flags=()), "fp16", "keeps the precision"),
        (FakeTensorRt(), "fp8", "not 'fp8'"),
    ],
)
def test_what_cannot_be_built_is_a_profile_error(trt, precision, words):
    with pytest.raises(ProfileError, match=words):
        build_engine(trt, b"model", precision)


def test_without_the_package_there_is_one_line(monkeypatch):
    for package in wrapper.PACKAGES:
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ProfileError, match="needs NVIDIA's package tensorrt"):
        get_runtime("tensorrt").load(MODEL, 1)


def test_facts_of_the_engine_reach_the_run(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorrt", FakeTensorRt())
    seen = []
    runtime = TensorRt("fp16", tmp_path / "c", run_engine=lambda *given: seen.append(given))
    runtime.load(MODEL, 1)
    assert seen[0][2]["engine_mib"] == 1.0
    assert runtime.description == "tensorrt 10.0.0"


def test_noise_for_calibration_has_the_shape_of_the_images():
    images = wrapper._noise(MODEL)
    assert (images.shape, images.dtype) == ((64, 3, 32, 32), np.float32)


def test_the_real_package_builds_an_engine(tmp_path):
    try:
        trt = import_tensorrt()
    except ProfileError as error:
        warnings.warn(f"TensorRT's own parser and builder were NOT tested: {error}", stacklevel=1)
        pytest.skip(str(error))
    engine, facts = build_engine(trt, MODEL, "fp32", tmp_path / "cache")
    assert len(engine) > 1000
    assert facts["build_s"] > 0
