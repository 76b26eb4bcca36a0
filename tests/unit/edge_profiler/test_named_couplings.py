"""What networks share by their names."""

import pytest

from biglittle.bench import get_space
from biglittle.bench.errors import ArchitectureError
from biglittle.edge_profiler.named_couplings import named_couplings

SPACE = get_space("fbnet")
A, B = "8" * 22, "0" * 22


@pytest.mark.parametrize(
    ("names", "couplings"),
    [
        ((f"{B}@12", B), ("prefix",)),
        ((f"{B}@4s", f"{B}@12"), ("prefix",)),
        ((f"{A}@12", B), ("sibling",)),
        ((B, f"{B}@12"), ("sibling",)),
        ((f"{B}@12", f"{B}@12s"), ("sibling",)),  # the trunk of the one ends where the other's does
        (("0" * 22, "3" * 22), ("nested",)),
        ((f"{B}@4", A, B), ("sibling", "prefix")),
        ((f"{B}@4", f"{B}@8", "3" * 22, B), ("prefix", "sibling", "prefix")),
    ],
)
def test_couplings_follow_from_names(names, couplings):
    assert named_couplings(SPACE, names) == couplings


def test_a_wrong_exit_is_refused():
    with pytest.raises(ArchitectureError, match="no exit '7'"):
        named_couplings(SPACE, [f"{A}@7", A])
