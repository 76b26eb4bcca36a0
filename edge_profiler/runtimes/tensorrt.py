"""``tensorrt``: an engine built from the ONNX model by TensorRT 10 itself, fp32, fp16 or int8.

`parse` and `build_engine` need the package alone; running needs a GPU, whose memory and events are
reached through the driver's own library, so that nothing else has to be installed.

Source: NVIDIA TensorRT 10 documentation, Python API; CUDA Driver API reference.
"""

from __future__ import annotations

import ctypes
import importlib
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...bench.errors import ProfileError
from ...bench.files import replacing
from . import Run
from ._noise import noise

#: The package of data centres and Jetsons, and the one for RTX cards, which builds without a GPU.
PACKAGES = ("tensorrt", "tensorrt_rtx")
WORKSPACE_BYTES = 256 * 2**20
CALIBRATION_IMAGES = 64
PRECISIONS = ("fp32", "fp16", "int8")


def import_tensorrt() -> Any:
    """The module, whichever of the two packages is installed.

    Raises:
        ProfileError: neither of the two packages is installed.
    """
    for name in PACKAGES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ProfileError(
        "runtime 'tensorrt' needs NVIDIA's package tensorrt (on a Jetson it comes with JetPack)."
    )


def parse(trt: Any, builder: Any, logger: Any, model: bytes) -> tuple[Any, Any]:
    """The network that a serialised ONNX model makes, and the parser that has to outlive it.

    Raises:
        ProfileError: an operator that TensorRT does not know; the message names it.
    """
    network = builder.create_network(0)  # batches are explicit since TensorRT 10
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(model):
        errors = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise ProfileError(f"TensorRT cannot take the network over: {errors[:400]}")
    return network, parser


def build_engine(
    trt: Any,
    model: bytes,
    precision: str = "fp32",
    timing_cache: Path | None = None,
    calibrator: Any = None,
) -> tuple[bytes, dict[str, Any]]:
    """A serialised engine, and facts: ``engine_mib``, ``build_s`` and ``timing_cache`` in use.

    Args:
        trt: TensorRT's module, from `import_tensorrt`.
        model: a serialised ONNX model.
        precision: ``fp32``, ``fp16`` or ``int8``.
        timing_cache: file of what was timed before, kept for the next build; None: no cache.
        calibrator: an ``IInt8Calibrator``, which ``int8`` needs.

    Raises:
        ProfileError: the model cannot be parsed or built, or not in this precision.
    """
    began = time.perf_counter()
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network, _parser = parse(trt, builder, logger, model)
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    if precision not in PRECISIONS:
        raise ProfileError(f"TensorRT builds {', '.join(PRECISIONS)}, not {precision!r}.")
    if precision != "fp32":
        flag = getattr(trt.BuilderFlag, precision.upper(), None)
        if flag is None:
            raise ProfileError(
                f"{trt.__name__} {trt.__version__} keeps the precision of the ONNX model and "
                f"cannot make {precision} of it."
            )
        config.set_flag(flag)
    elif hasattr(trt.BuilderFlag, "TF32"):
        config.clear_flag(trt.BuilderFlag.TF32)  # on unless cleared, and it is not fp32
    if calibrator is not None:
        config.int8_calibrator = calibrator
    timings = timing_cache.read_bytes() if timing_cache and timing_cache.is_file() else b""
    cache = None
    if timing_cache is not None and hasattr(config, "create_timing_cache"):
        cache = config.create_timing_cache(timings)
        config.set_timing_cache(cache, False)  # False: not from another GPU or version
    built = builder.build_serialized_network(network, config)
    if built is None:
        raise ProfileError(f"TensorRT cannot build the network in {precision}.")
    engine = bytes(built)
    if timing_cache is not None and cache is not None:
        timing_cache.parent.mkdir(parents=True, exist_ok=True)
        with replacing(timing_cache) as partial:
            partial.write_bytes(bytes(config.get_timing_cache().serialize()))
    return engine, {
        "engine_mib": round(len(engine) / 2**20, 6),
        "build_s": round(time.perf_counter() - began, 6),
        "timing_cache": bool(timings),
    }


class _Cuda:
    """The few calls of the CUDA driver that timing takes."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise ProfileError(f"runtime 'tensorrt': no CUDA driver here ({error}).") from error
        self.call("cuInit", ctypes.c_uint(0))
        device, context = ctypes.c_int(), ctypes.c_void_p()
        self.call("cuDeviceGet", ctypes.byref(device), ctypes.c_int(0))
        self.call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.call("cuCtxSetCurrent", context)

    def call(self, name: str, *arguments: Any) -> None:
        code = getattr(self._library, name)(*arguments)
        if code != 0:
            raise ProfileError(f"runtime 'tensorrt': {name} failed with CUDA error {code}.")

    def allocate(self, n_bytes: int) -> int:
        pointer = ctypes.c_uint64()
        self.call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(max(n_bytes, 1)))
        return pointer.value

    def free(self, pointer: int) -> None:
        self._library.cuMemFree_v2(ctypes.c_uint64(pointer))

    def copy_in(self, pointer: int, array: NDArray[Any]) -> None:
        source = array.ctypes.data_as(ctypes.c_void_p)
        n_bytes = ctypes.c_size_t(array.nbytes)
        self.call("cuMemcpyHtoD_v2", ctypes.c_uint64(pointer), source, n_bytes)

    def handle(self, create: str) -> ctypes.c_void_p:
        made = ctypes.c_void_p()
        self.call(create, ctypes.byref(made), ctypes.c_uint(0))
        return made


class _EngineRun:
    """Runs an engine once and waits; events on the GPU time it without the host.

    Attributes:
        facts: facts of the build, from `build_engine`.
        event_ms: milliseconds of every run between its events.
    """

    def __init__(self, trt: Any, engine: bytes, facts: dict[str, Any]) -> None:
        self.facts, self.event_ms = facts, list[float]()
        self._cuda = cuda = _Cuda()
        self._runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))
        self._engine = self._runtime.deserialize_cuda_engine(engine)
        if self._engine is None:
            raise ProfileError("TensorRT cannot load the engine it built on this GPU.")
        self._context = self._engine.create_execution_context()
        self._stream = cuda.handle("cuStreamCreate")
        self._events = [cuda.handle("cuEventCreate") for _ in range(2)]
        self._pointers: list[int] = []
        for i in range(self._engine.num_io_tensors):
            name = self._engine.get_tensor_name(i)
            shape = tuple(self._engine.get_tensor_shape(name))
            dtype = np.dtype(trt.nptype(self._engine.get_tensor_dtype(name)))
            pointer = cuda.allocate(math.prod(shape) * dtype.itemsize)
            self._pointers.append(pointer)
            if self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
                cuda.copy_in(pointer, noise(shape, dtype.name, name))
            self._context.set_tensor_address(name, pointer)

    def __call__(self) -> None:
        cuda, stream = self._cuda, self._stream
        cuda.call("cuEventRecord", self._events[0], stream)
        if not self._context.execute_async_v3(stream.value or 0):
            raise ProfileError("TensorRT could not run the engine.")
        cuda.call("cuEventRecord", self._events[1], stream)
        cuda.call("cuStreamSynchronize", stream)
        took = ctypes.c_float()
        cuda.call("cuEventElapsedTime", ctypes.byref(took), *self._events)
        self.event_ms.append(took.value)

    def __del__(self) -> None:
        for pointer in getattr(self, "_pointers", ()):
            self._cuda.free(pointer)


def make_calibrator(trt: Any, images: NDArray[np.float32], cache: Path | None = None) -> Any:
    """An entropy calibrator that shows TensorRT images one by one.

    Args:
        trt: TensorRT's module, from `import_tensorrt`.
        images: shape (n, channels, height, width).
        cache: file in which the scales are kept; None: none.

    Raises:
        ProfileError: no GPU, or a package without calibration.
    """
    base = getattr(trt, "IInt8EntropyCalibrator2", None)
    if base is None:
        raise ProfileError(f"{trt.__name__} {trt.__version__} does not calibrate int8.")
    cuda = _Cuda()

    class Calibrator(base):  # type: ignore[misc, valid-type]
        def __init__(self) -> None:
            super().__init__()
            self._next, self._pointer = 0, cuda.allocate(images[0].nbytes)

        def get_batch_size(self) -> int:
            return 1

        def get_batch(self, names: list[str]) -> list[int] | None:
            if self._next >= len(images):
                return None
            cuda.copy_in(self._pointer, np.ascontiguousarray(images[self._next][None]))
            self._next += 1
            return [self._pointer]

        def read_calibration_cache(self) -> bytes | None:
            return cache.read_bytes() if cache is not None and cache.is_file() else None

        def write_calibration_cache(self, content: bytes) -> None:
            if cache is not None:
                with replacing(cache) as partial:
                    partial.write_bytes(bytes(content))

    return Calibrator()


class TensorRt:
    """TensorRT by itself; an engine is built for every network.

    Args:
        precision: ``fp32``, ``fp16`` or ``int8``.
        timing_cache: file of the timing cache; None: in the user's folder.
        calibration: images for ``int8``, (n, channels, height, width); None: normal noise, which
            serves latency and not accuracy.
        run_engine: makes a run of an engine; another one for tests.
    """

    runs_on = "gpu"

    def __init__(
        self,
        precision: str = "fp32",
        timing_cache: Path | None = None,
        calibration: NDArray[np.float32] | None = None,
        run_engine: Callable[[Any, bytes, dict[str, Any]], Run] = _EngineRun,
    ) -> None:
        self.precision, self._cache = precision, timing_cache
        self._calibration, self._run_engine = calibration, run_engine

    def at(self, precision: str) -> TensorRt:
        """The same runtime in another precision.

        Raises:
            ProfileError: it has no such precision.
        """
        if precision not in PRECISIONS:
            raise ProfileError(f"TensorRT builds {', '.join(PRECISIONS)}, not {precision!r}.")
        return TensorRt(precision, self._cache, self._calibration, self._run_engine)

    @property
    def description(self) -> str:
        """Name and version.

        Raises:
            ProfileError: the package is not installed.
        """
        trt = import_tensorrt()
        return f"{trt.__name__} {trt.__version__}"

    def load(self, model: bytes, threads: int) -> Run:
        """A callable that runs the engine once on normal noise; ``threads`` means nothing here.

        Images and answers stay in the GPU's memory.

        Raises:
            ProfileError: no package, no GPU, or a network that cannot be built.
        """
        trt = import_tensorrt()
        calibrator = None
        if self.precision == "int8":
            images = self._calibration
            if images is None:
                images = _noise(model)
            calibrator = make_calibrator(trt, images)
        engine, facts = build_engine(
            trt, model, self.precision, self._cache or _default_cache(), calibrator
        )
        return self._run_engine(trt, engine, facts)


def _noise(model: bytes) -> NDArray[np.float32]:
    from ..onnx_graph import import_onnx

    (source,) = import_onnx().load_from_string(model).graph.input
    shape = [d.dim_value for d in source.type.tensor_type.shape.dim][1:]
    rng = np.random.default_rng(0)
    return np.asarray(rng.standard_normal((CALIBRATION_IMAGES, *shape)), np.float32)


def _default_cache() -> Path:
    from ...bench.datasets import data_folder

    return data_folder() / "tensorrt" / "timing.cache"


RUNTIME = TensorRt()
