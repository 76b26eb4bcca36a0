"""What the page says of bits per stage, worked out on made-up networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

from biglittle.bench.bits import BITS, bits_text
from biglittle.data_tables.evidence import mixed_precision as step
from biglittle.searchers.bit_sensitivity import Sensitivity, random_bits, uniform

AGREEMENT = {
    **{"bits_same_class": 0.99, "bits_difference": 1e-4, "bits_accuracy": 0.8},
    **{"fp32_same_class": 0.98, "fp32_difference": 3e-3, "fp32_accuracy": 0.81},
}


def made_up(seed: int, off: float) -> dict[str, Any]:
    """A network whose mixed assignments lose what its stages do, and so much more."""
    rng = np.random.default_rng(seed)
    losses = rng.uniform(0.005, 0.02, (8, 2, 3)) * [1.0, 0.1, 0.0]
    one = Sensitivity("fbnet", "8088880080000088808880", 10, 500, 0.8, losses, losses * 2)
    rows = []
    for i, bits in enumerate([*(uniform(8, b) for b in BITS[::-1]), *random_bits(rng, 8, 6)]):
        accuracy = float(one.predicted_accuracy(bits)) - off * (i > 0)
        rows.append({"bits": bits_text(bits), "accuracy": accuracy})
    return {
        "network": one.network,
        "macs": 15_000_000,
        "sensitivity": one.as_dict(),
        "agreement": AGREEMENT,
        "rows": rows,
    }


@pytest.mark.parametrize("off", [0.0, 0.03])
def test_losses_that_add_up_are_found_to(off: float) -> None:
    report = step.additive([made_up(seed, off) for seed in range(3)])
    assert report["n"] == 18
    assert report["losses"]["spearman"] == pytest.approx(1.0)
    assert report["losses"]["low"] <= report["losses"]["high"] <= 1.0
    for word, mean in (("error", off), ("bias", -off)):
        assert report[word]["mean"] == pytest.approx(mean, abs=1e-4)
        assert report[word]["low"] <= report[word]["mean"] + 1e-6
    assert np.array(report["points"]).shape == (18, 2)


def test_the_page_says_what_the_figures_are() -> None:
    rows = [made_up(seed, 0.0) for seed in range(2)]
    trial = {"network": "8" * 22, "bits": "w4a4", "before": 0.4, "with_bits": 0.6}
    figures = {
        "networks": rows,
        "trials": [{**trial, "without": 0.45, "fp32_after": 0.7}],
        "additive": step.additive(rows),
        "conditions": {"cores": 2, "cpu": "a", "python": "3", "numpy": "2"},
        **{"images": 500, "mixed": 6, "calibration_images": 512, "steps": 9, "batch": 8},
        "weights_sha256": "0" * 64,
    }
    texts = {mark: text(figures) for mark, text in step.STEP.texts.items()}
    assert "99.00 % of 500 val images" in texts["bits_agreement"]
    stage = next(line for line in texts["bits_sensitivity"].splitlines() if line.startswith("| 1 "))
    assert stage.count(" - ") == 6  # all layers of the first stage are skipped in both
    assert "**1.00 (1.00 to 1.00)**" in texts["bits_additive"]
    assert "| 40.00 | 60.00 | 45.00 | 70.00 |" in texts["bits_training"]
