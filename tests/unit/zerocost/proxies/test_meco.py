"""Smallest eigenvalues of correlations of maps by hand."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")


from biglittle.zerocost.proxies.meco import smallest_eigenvalue  # noqa: E402


def test_meco_of_maps_by_hand() -> None:
    maps = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(0))
    expected = np.linalg.eigvalsh(np.corrcoef(maps.flatten(1).double().numpy()))[0]
    assert smallest_eigenvalue(maps) == pytest.approx(expected)
    assert smallest_eigenvalue(torch.cat([maps, maps[:1]])) == pytest.approx(0, abs=1e-9)
    assert smallest_eigenvalue(torch.randn(9, 2, 4)) == 0.0  # no more positions than channels
    maps[1] = 0.25
    assert smallest_eigenvalue(maps) == 0.0
