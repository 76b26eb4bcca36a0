"""Resident memory: counted where the system counts, absent where it does not."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import pytest

from biglittle.bench import get_space
from biglittle.edge_profiler import Protocol, profile_networks
from biglittle.edge_profiler.memory import Rise, resident_mib, rise_of

STATUS = "Name:\tpython3\nVmHWM:\t{peak} kB\nVmRSS:\t{now} kB\n"
SPACE = get_space("fbnet")


@pytest.fixture
def fake(tmp_path: Path) -> Path:
    here = tmp_path / "proc" / "self"
    here.mkdir(parents=True)
    (here / "status").write_text(STATUS.format(now=10240, peak=20480))
    (here / "clear_refs").write_text("")
    return tmp_path


def test_the_rise_is_taken_from_the_systems_own_count(fake: Path) -> None:
    assert resident_mib(fake) == (10.0, 20.0)

    def work() -> str:
        assert (fake / "proc/self/clear_refs").read_text() == "5"  # the peak was set back
        (fake / "proc/self/status").write_text(STATUS.format(now=12288, peak=30720))
        return "made"

    assert rise_of(work, fake) == ("made", Rise(peak_mib=20.0, kept_mib=2.0))


def test_where_nothing_is_counted_there_is_no_figure(fake: Path) -> None:
    assert rise_of(lambda: 3, fake / "another-system") == (3, None)
    (fake / "proc/self/clear_refs").unlink()
    assert rise_of(lambda: 3, fake) == (3, None)
    assert not (fake / "proc/self/clear_refs").exists()
    (fake / "proc/self/status").write_text("VmRSS:\tmuch\n")
    assert resident_mib(fake) is None


@pytest.mark.skipif(sys.platform != "linux", reason="another system counts otherwise")
def test_memory_that_is_gone_again_is_in_the_peak_alone() -> None:
    def touch() -> None:  # a mapping of its own: what malloc does with freed blocks plays no part
        with mmap.mmap(-1, 32 * 2**20) as pages:
            for start in range(0, len(pages), mmap.PAGESIZE):
                pages[start] = 1

    _, rise = rise_of(touch)
    if rise is None:
        pytest.skip("this system lets no process set its peak back")
    assert rise.peak_mib == pytest.approx(32, abs=4)
    assert rise.kept_mib < 8


class Grows:
    """A runtime whose networks take the memory they are told to."""

    description, precision, in_host_memory = "grows 1.0", "fp32", True

    def __init__(self, root: Path, peak_mib: float) -> None:
        self.root, self.peak_mib, self.now_ns = root, peak_mib, 0

    def clock(self) -> int:
        return self.now_ns

    def load(self, model: bytes, threads: int):
        now, peak = (int(1024 * (10 + m)) for m in (self.peak_mib / 2, self.peak_mib))
        status = self.root / "proc/self/status"
        status.write_text(STATUS.format(now=now, peak=peak))

        def run() -> None:
            self.now_ns += 1_000_000
            status.write_text(STATUS.format(now=10240, peak=peak))

        return run


@pytest.mark.parametrize(("peak_mib", "found"), [(40.0, (40.0, 20.0)), (1.0, (None, None))])
def test_a_network_has_its_memory_unless_less_than_its_weights_was_seen(
    fake: Path, peak_mib: float, found: tuple[float | None, float | None]
) -> None:
    pytest.importorskip("onnx")
    runtime = Grows(fake, peak_mib)
    protocol = Protocol(warm_up=1, rounds=1, runs_per_round=2, idle_gap_s=0)
    for in_host_memory, wanted in ((True, found), (False, (None, None))):
        runtime.in_host_memory = in_host_memory
        got = profile_networks(
            SPACE, ["8" * 22], 10, protocol, runtime, clock=runtime.clock, root=fake
        )
        (entry,) = got["networks"]
        assert (entry["peak_memory_mib"], entry["resident_memory_mib"]) == wanted
