"""Every zero-cost proxy keeps the same promises, whatever its equation is."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from biglittle.bench.errors import UnknownNameError
from biglittle.testing import ProxyContract
from biglittle.zerocost import PROXIES, get_proxy


class TestProxies(ProxyContract):
    names = PROXIES.shipped()
    data_free = ("params", "macs", "l2_norm", "synflow", "zen")
    weights_alone = ("l2_norm",)


def test_unknown_proxy_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="synflow"):
        get_proxy("sinflow")
