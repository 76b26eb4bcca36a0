"""A network and its exit as one module: what it answers, shares and refuses."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from biglittle.bench.errors import ArchitectureError  # noqa: E402
from biglittle.bench.networks import build_network  # noqa: E402
from biglittle.cotrain.prefix import (  # noqa: E402
    OWN,
    HeadOnTrunk,
    PrefixPair,
    fresh_exit,
    prefix_fault,
    take_trunk,
)

BIG = "0" + "8" * 20 + "0"
CELL = "012340"


@pytest.mark.parametrize(
    ("space", "little", "big"),
    [
        ("fbnet", f"{BIG}@12", BIG),
        ("fbnet", f"{BIG}@4s", f"{BIG}@12"),
        ("nb201", f"{CELL}@4", CELL),
        ("nb201", f"{CELL}@4s", f"{CELL}@9"),
    ],
)
def test_both_answer_as_they_do_alone(space: str, little: str, big: str) -> None:
    exit_, whole = build_network(little, 10, space, 0), build_network(big, 10, space, 1)
    take_trunk(exit_, whole)
    pair = PrefixPair(exit_, whole).eval()
    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    networks = pair.networks()
    assert [n.name for n in networks] == [little, big]
    with torch.no_grad():
        logits = pair(images)
        for name, network, alone in zip(
            ("little", "big"), networks, (exit_.eval(), whole.eval()), strict=True
        ):
            torch.testing.assert_close(logits[name], alone(images))
            torch.testing.assert_close(logits[name], network(images))


def test_the_trunk_is_there_once_and_learns_from_both() -> None:
    pair = PrefixPair(build_network(f"{BIG}@12", 10, seed=0), build_network(BIG, 10, seed=1))
    whole = sum(p.numel() for p in build_network(BIG, 10).parameters())
    head = pair.exit_head, pair.exit_classifier
    n_head = sum(p.numel() for part in head for p in part.parameters())
    assert sum(p.numel() for p in pair.parameters()) == whole + n_head
    logits = pair(torch.randn(4, 3, 32, 32))
    stem = next(pair.big.stem.parameters())
    for out in logits.values():
        (gradient,) = torch.autograd.grad(out.square().sum(), stem, retain_graph=True)
        assert gradient.abs().sum() > 0


def test_an_exit_of_random_weights_has_the_trunk_it_was_given() -> None:
    whole = build_network(BIG, 10, seed=1)
    one, same, other = (fresh_exit(whole, "12", seed) for seed in (0, 0, 1))
    for name, value in one.state_dict().items():
        assert torch.equal(value, same.state_dict()[name])
        if not name.startswith(OWN):
            assert torch.equal(value, whole.state_dict()[name])
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    with pytest.raises(ArchitectureError, match="exit"):
        fresh_exit(whole, "13", 0)


def test_a_trunk_that_stands_still_does_not_move() -> None:
    head = HeadOnTrunk(build_network(f"{BIG}@12", 10, seed=0).eval()).train()
    before = {k: v.clone() for k, v in head.little.state_dict().items()}
    head(torch.randn(4, 3, 32, 32)).sum().backward()
    for name, parameter in head.little.named_parameters():
        assert (parameter.grad is not None) == name.startswith(OWN)
    for name, value in head.little.state_dict().items():
        assert name.startswith(OWN) or torch.equal(value, before[name])


@pytest.mark.parametrize(
    ("little", "big", "words"),
    [
        (f"{BIG}@12", "8" * 22, "an exit of another architecture"),
        (BIG, BIG, "a whole network"),
        (f"{BIG}@12", f"{BIG}@12s", "does not run on from exit 12"),
        (f"{BIG}@12", f"{BIG}@8", "does not run on"),
    ],
)
def test_what_is_no_prefix_pair_is_told_in_one_line(little: str, big: str, words: str) -> None:
    fault = prefix_fault(little, big, "fbnet")
    assert fault is not None
    assert words in fault
    with pytest.raises(ArchitectureError, match=words) as error:
        PrefixPair(build_network(little, 10), build_network(big, 10))
    assert "\n" not in str(error.value)


def test_an_exit_that_the_space_does_not_have_is_an_error() -> None:
    assert prefix_fault(f"{BIG}@12", BIG, "fbnet") is None
    with pytest.raises(ArchitectureError, match="13"):
        prefix_fault(f"{BIG}@13", BIG, "fbnet")
