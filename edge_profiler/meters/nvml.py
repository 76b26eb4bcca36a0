"""``nvml``: NVIDIA's management library for discrete GPUs, through the module ``pynvml``.

The energy counter is used where the GPU has one (Volta and later), else power is sampled.
Source: NVIDIA, NVML API Reference, nvmlDeviceGetTotalEnergyConsumption, nvmlDeviceGetPowerUsage.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...bench.errors import ProfileError
from . import Meter
from ._power import SampledMeter

SAMPLING_HZ = 20.0  # most GPUs renew their figure every 25 to 100 ms
RAIL = "GPU board, host not included"


class NvmlMeter:
    """Reads the energy counter of one GPU.

    Args:
        nvml: the module.
        handle: of the GPU.
    """

    name, rail, sampling_hz = "nvml", RAIL, None

    def __init__(self, nvml: Any, handle: Any) -> None:
        self._nvml, self._handle = nvml, handle
        self._before_mj: float | None = None

    def start(self) -> None:
        """Notes the counter."""
        self._before_mj = float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))

    def stop(self) -> float | None:
        """Energy in mJ since `start`; None where the counter did not move."""
        if self._before_mj is None:
            return None
        now = float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))
        energy, self._before_mj = now - self._before_mj, None
        return energy if energy > 0 else None


class NvmlKind:
    """Takes the first GPU."""

    def open(self, root: Path = Path("/")) -> Meter:
        """The meter.

        Raises:
            ProfileError: no module ``pynvml``, no driver, no GPU, or one without figures.
        """
        try:
            import pynvml
        except ImportError as error:
            raise ProfileError(
                "meter 'nvml' needs the module pynvml; install it with: pip install nvidia-ml-py"
            ) from error
        try:
            pynvml.nvmlInit()
            handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        except pynvml.NVMLError as error:
            raise ProfileError(f"meter 'nvml': no GPU answers ({error}).") from error
        try:
            pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
        except pynvml.NVMLError:
            return _sampled(pynvml, handle)
        return NvmlMeter(pynvml, handle)


def _sampled(nvml: Any, handle: Any) -> Meter:
    def read() -> float:
        try:
            return float(nvml.nvmlDeviceGetPowerUsage(handle))
        except nvml.NVMLError as error:
            raise ValueError(str(error)) from error

    try:
        read()
    except ValueError as error:
        raise ProfileError(f"meter 'nvml': this GPU gives no power ({error}).") from error
    return SampledMeter("nvml", RAIL, read, SAMPLING_HZ)


METER = NvmlKind()
