"""``nvml``: NVIDIA's management library for discrete GPUs, through the module ``pynvml``.

The energy counter is used where the GPU has one (Volta and later), else power is sampled. The GPU
is the one that runs the networks: CUDA's first, which NVML need not count first.
Source: NVIDIA, NVML API Reference, nvmlDeviceGetTotalEnergyConsumption, nvmlDeviceGetPowerUsage;
CUDA C Programming Guide, "CUDA Environment Variables".
"""

from __future__ import annotations

import ctypes
import os
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
        nvml: the module ``pynvml``, initialised before.
        handle: handle that NVML gives the GPU.
    """

    name, rail, sampling_hz, covers = "nvml", RAIL, None, frozenset({"gpu"})

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
    """Takes the GPU that CUDA takes."""

    def open(self, root: Path = Path("/")) -> Meter:
        """The meter.

        Raises:
            ProfileError: no module ``pynvml``, no driver, no GPU, one without figures, or a part
                of one, which has no meter of its own.
        """
        try:
            import pynvml
        except ImportError as error:
            raise ProfileError(
                "meter 'nvml' needs the module pynvml; install it with: pip install nvidia-ml-py"
            ) from error
        try:
            pynvml.nvmlInit()
            handle = _cuda_device(pynvml)
        except pynvml.NVMLError as error:
            raise ProfileError(f"meter 'nvml': no GPU answers ({error}).") from error
        if _is_divided(pynvml, handle):
            raise _of_a_part("this GPU is divided (MIG), so that networks run on")
        try:
            pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)
        except pynvml.NVMLError:
            return _sampled(pynvml, handle)
        return NvmlMeter(pynvml, handle)


def _cuda_device(nvml: Any) -> Any:
    """Handle of CUDA's device 0, which is the one that a runtime here uses.

    Which one that is the driver says; where it does not answer, ``CUDA_VISIBLE_DEVICES`` does.
    """
    text = os.environ.get("CUDA_VISIBLE_DEVICES")
    first = "0" if text is None else text.split(",")[0].strip()
    if first.startswith("MIG"):
        raise _of_a_part(f"CUDA_VISIBLE_DEVICES names {first[:12]}...,")
    if (bus := cuda_bus_id()) is not None:
        return nvml.nvmlDeviceGetHandleByPciBusId(bus.encode())
    if first.isdecimal():
        return nvml.nvmlDeviceGetHandleByIndex(int(first))
    if first.startswith("GPU-"):
        for index in range(nvml.nvmlDeviceGetCount()):  # CUDA takes an abbreviated UUID, NVML none
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            uuid = nvml.nvmlDeviceGetUUID(handle)
            if (uuid.decode() if isinstance(uuid, bytes) else uuid).startswith(first):
                return handle
    raise ProfileError(
        f"meter 'nvml': CUDA_VISIBLE_DEVICES is {text!r}, so that CUDA sees no GPU that this "
        "meter could measure; unset it, or name the GPU's index or UUID."
    )


def _of_a_part(why: str) -> ProfileError:
    return ProfileError(
        f"meter 'nvml': {why} a part of a GPU; the board is measured as a whole, with whatever "
        "runs on its other parts. Use the meter none."
    )


def _is_divided(nvml: Any, handle: Any) -> bool:
    """Whether a GPU is divided into parts (MIG), of which CUDA uses one."""
    try:
        return bool(nvml.nvmlDeviceGetMigMode(handle)[0])
    except (nvml.NVMLError, AttributeError):  # it cannot be, or the module does not know of it
        return False


def cuda_bus_id() -> str | None:
    """PCI bus id of CUDA's device 0; None without a driver, or where that sees no GPU.

    The driver heeds ``CUDA_VISIBLE_DEVICES`` and ``CUDA_DEVICE_ORDER``, whose default puts the
    fastest GPU first, while NVML counts by bus.
    """
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
        device, text = ctypes.c_int(), ctypes.create_string_buffer(32)
        if cuda.cuInit(0) or cuda.cuDeviceGet(ctypes.byref(device), 0):
            return None
        if cuda.cuDeviceGetPCIBusId(text, len(text), device):
            return None
    except (OSError, AttributeError):
        return None
    return text.value.decode() or None


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
    return SampledMeter("nvml", RAIL, read, SAMPLING_HZ, covers=frozenset({"gpu"}))


METER = NvmlKind()
