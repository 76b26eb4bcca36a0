"""ONNX Runtime with one execution provider: what the entries of this folder share."""

from __future__ import annotations

from typing import Any

from ...bench.errors import MissingExtraError, ProfileError
from ...bench.precision import FP32, PRECISIONS
from . import Run
from ._noise import noise

CPU = "CPUExecutionProvider"


def import_onnxruntime(purpose: str = "profiling a network") -> Any:
    """The module ``onnxruntime``.

    Args:
        purpose: what it is needed for, as the message says.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "profiler", purpose) from error
    return onnxruntime


class OrtRuntime:
    """ONNX Runtime with all graph optimisations, operators one after another.

    Args:
        provider: name of the execution provider that has to run every network.
        precision: number format in which it runs networks.
        options: options of the provider, by precision.
        hint: advice on what to install where the provider is absent.
        in_graph: precision that networks are to have in their own graphs, which the processor's
            provider runs as they are: ``fp32``, or ``int8`` for quantised ones.
    """

    def __init__(
        self,
        provider: str,
        options: dict[str, dict[str, Any]],
        hint: str = "",
        precision: str = FP32,
        in_graph: str = FP32,
    ) -> None:
        self.provider, self.precision, self.in_graph = provider, precision, in_graph
        self._options, self._hint = options, hint

    def at(self, precision: str) -> OrtRuntime:
        """The same runtime in another precision.

        Raises:
            ProfileError: it has no such precision.
        """
        if self.provider == CPU and precision in PRECISIONS:
            return OrtRuntime(self.provider, self._options, self._hint, in_graph=precision)
        if precision not in self._options:
            there = ", ".join(PRECISIONS if self.provider == CPU else self._options)
            raise ProfileError(
                f"{self.provider} runs these networks in {there}, not in {precision!r}."
            )
        return OrtRuntime(self.provider, self._options, self._hint, precision)

    @property
    def in_host_memory(self) -> bool:
        """Whether networks lie in the processor's memory, so that the system's count is theirs."""
        return self.provider == CPU

    @property
    def runs_on(self) -> str:
        """``cpu`` for the processor's provider, else ``gpu``."""
        return "cpu" if self.provider == CPU else "gpu"

    @property
    def description(self) -> str:
        """Name, version and provider.

        Raises:
            MissingExtraError: ``onnxruntime`` is not installed.
        """
        return f"onnxruntime {import_onnxruntime().__version__} {self.provider}"

    def load(self, model: bytes, threads: int) -> Run:
        """A callable that runs the model once on noise of the input's shape and type.

        Images and answers lie in the host's memory, so that a GPU's copies count.

        Raises:
            ProfileError: the provider is not here, or the model cannot be loaded or run.
            MissingExtraError: ``onnxruntime`` is not installed.
        """
        ort = import_onnxruntime()
        available = ort.get_available_providers()
        if self.provider not in available:
            raise ProfileError(
                f"this onnxruntime has no {self.provider} (it has {', '.join(available)}). "
                f"{self._hint}"
            )
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        # Operators one after another: batch 1 is a chain, and a second pool only adds jitter.
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        providers: list[Any] = [(self.provider, self._options[self.precision])]
        if self.provider != CPU:
            providers.append(CPU)  # for what stays on the host, such as shapes
        try:
            session = ort.InferenceSession(model, options, providers=providers)
            (source,) = session.get_inputs()
            feed = {source.name: noise(source.shape, _numpy_type(source.type), source.name)}
            session.run(None, feed)
        except ProfileError:
            raise
        except Exception as error:  # the runtime's errors share no base of their own
            raise ProfileError(f"{self.description} cannot run the network: {error}") from error
        if self.provider not in session.get_providers():
            # It falls back to the CPU without an error, and the figures would be the CPU's.
            raise ProfileError(
                f"{self.provider} did not start, and onnxruntime went on with "
                f"{', '.join(session.get_providers())}; are the driver and its libraries here?"
            )

        def run() -> None:
            session.run(None, feed)

        return run


def _numpy_type(given: str) -> str:
    """NumPy's name of an input's type, which the runtime writes as ``tensor(float)``."""
    name = given.removeprefix("tensor(").removesuffix(")")
    return {"float": "float32", "double": "float64"}.get(name, name)
