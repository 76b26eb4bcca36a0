"""Keeps freed memory with the process while it trains.

A training step frees and asks again for the same large activations. glibc gives blocks above
32 MiB back to the kernel at once, and every page of the next one costs a fault: the wider the
network, the more of the step that is (``tests/perf/test_training.py`` has the ratio).
"""

from __future__ import annotations

import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h of glibc


def keep_freed_memory() -> bool:
    """Tells glibc to keep freed blocks; returns whether it did (False: another C library)."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    return bool(mallopt(_M_MMAP_MAX, 0) and mallopt(_M_TRIM_THRESHOLD, -1))
