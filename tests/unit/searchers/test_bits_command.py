"""``biglittle bits`` on images of noise: what it says, what it keeps, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from biglittle.bench.datasets import Images, get_dataset  # noqa: E402
from biglittle.bench.networks import build_network  # noqa: E402
from biglittle.cotrain.fake_quantised import fake_quantised  # noqa: E402
from biglittle.cotrain.images import normalised  # noqa: E402
from biglittle.cotrain.recalibrate import recalibrated  # noqa: E402
from biglittle.searchers import bit_sensitivity, bits_lab  # noqa: E402

NAME = "8088880080000088808880"


@pytest.fixture
def bits(command_line, random_weights: Path):  # type: ignore[no-untyped-def]
    """Runs the verb on images of noise and a supernet of random weights."""
    usual = ("--from", str(random_weights), "--images", "16", "--budget", "300")
    return lambda *arguments: command_line("bits", *usual, *arguments)


def test_a_front_is_predicted_and_some_of_it_is_run(bits, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "out"
    code, text, err = bits(NAME, "--check", "2", "--out", str(out), "--json")
    assert code == 0, err
    report = json.loads(text)
    assert report == json.loads((out / "bits.json").read_text())
    assert report["config"]["images"] == 16
    assert report["config"]["split"] == "val"
    front = report["front"]
    assert all(point["provenance"]["accuracy"] == "predicted" for point in front)
    for name in ("bitops", "accuracy"):
        assert (np.diff([point[name] for point in front]) > 0).all()
    assert {row["network"] for row in report["checked"]} <= {point["network"] for point in front}
    code, text, err = bits(front[-1]["network"], "--json")
    assert code == 0, err
    (row,) = json.loads(text)["run"]
    assert row["provenance"]["accuracy"] == "simulated"
    assert row["bitops"] == front[-1]["bitops"]
    checked = {one["network"]: one["simulated"] for one in report["checked"]}
    assert row["accuracy"] == pytest.approx(checked.get(row["network"], row["accuracy"]))


def test_what_is_kept_is_not_measured_again(
    bits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    given = (NAME, "--check", "0", "--out", str(tmp_path / "out"), "--json")
    code, first, err = bits(*given)
    assert code == 0, err

    def refused(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(bits_lab, "measured_sensitivity", refused)
    code, second, err = bits(*given)
    assert code == 0, err
    assert json.loads(first)["front"] == json.loads(second)["front"]
    with pytest.raises(AssertionError, match="measured again"):  # of other images
        bits(*given, "--images", "12")


def test_the_text_says_how_accuracies_came_about(bits) -> None:  # type: ignore[no-untyped-def]
    code, text, err = bits(NAME, f"{NAME}:w4a8", "--check", "1")
    assert code == 0, err
    assert f"{NAME}:w4a8: " in text
    for words in ("simulated, 16 images of val", "Accuracy is predicted", "GBitOps"):
        assert words in text


def test_a_pair_with_bits_is_exact_on_its_images(bits) -> None:  # type: ignore[no-untyped-def]
    little, big = f"{NAME}:w4a4", f"{'3' * 22}:w8a8"
    code, text, err = bits(little, big, "--pair", "--json")
    assert code == 0, err
    report = json.loads(text)
    alone, pair = report["run"], report["pair"]
    assert (pair["little"], pair["big"]) == (little, big)
    points = pair["points"]
    assert points[0]["accuracy"] == alone[0]["accuracy"]
    assert points[0]["bitops"] == alone[0]["bitops"]
    for point in points:  # the mean of two costs
        mean = alone[0]["bitops"] + point["escalation_rate"] * alone[1]["bitops"]
        assert point["bitops"] == pytest.approx(mean, abs=1)
        assert point["escalation_rate"] * 16 == round(point["escalation_rate"] * 16)
    for name in ("bitops", "accuracy"):
        assert (np.diff([point[name] for point in points]) > 0).all()
    assert pair["weights_mib"] == pytest.approx(sum(n["weights_mib"] for n in alone), abs=1e-5)
    code, text, err = bits(little, big, "--pair")
    assert f"{little} -> {big}" in text
    assert "accuracy simulated on 16 images" in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["123"], "3 characters"),
        ([f"{NAME}:w5a8"], "5 bits; expected 4, 6 or 8"),
        ([f"{NAME}:w4a8.w4a8"], "2 entries; expected 8"),
        ([f"{NAME}:int8"], "is in int8"),
        ([NAME, "--images", "0"], "--images 0 is not usable"),
        ([NAME, "--check", "-1"], "--check -1 is not usable"),
        ([f"{NAME}@12"], "no exit heads"),
        ([NAME, f"{NAME}:w4a8", "--pair"], f"got {NAME} without bits"),
        ([f"{NAME}:w4a8", f"{NAME}:w4a8", "--pair"], "got 1 different networks"),
    ],
)
def test_bad_input_is_refused(bits, arguments: list[str], words: str) -> None:  # type: ignore[no-untyped-def]
    code, text, err = bits(*arguments)
    assert code == 1
    assert words in " ".join(err.split())
    assert text == ""


def test_single_stages_are_those_of_whole_runs() -> None:
    rng = np.random.default_rng(1)
    images = Images(
        rng.integers(0, 256, (70, 32, 32, 3)).astype(np.uint8),
        rng.integers(0, 10, 70).astype(np.uint8),
    )
    data = get_dataset("cifar10")
    shown = normalised(images, data).contiguous().numpy()
    name = "8088880080000088808880@4"
    plain = recalibrated(build_network(name, 10, seed=0), torch.from_numpy(shown))
    network = fake_quantised(plain, None, shown)
    own = bit_sensitivity.measured_sensitivity(network, images, data)
    assert own.network == name
    assert own.accuracy == bit_sensitivity.measured_accuracy(network, images, data)
    assert (own.losses[0] == 0).all()  # a stage whose layers are skipped
    for k, pair, side in ((1, (4, 8), 0), (2, (8, 4), 1)):
        network.set_bits(tuple(pair if i == k else (8, 8) for i in range(3)))
        whole = bit_sensitivity.measured_accuracy(network, images, data)
        assert own.losses[k, side, 0] == pytest.approx(own.accuracy - whole)
        assert own.divergences[k, side, 0] > own.divergences[k, side, 1] > 0
