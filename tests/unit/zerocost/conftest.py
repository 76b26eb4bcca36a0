"""Tiny networks with everything that makes proxies go wrong, and a tiny batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

N, SIDE, CLASSES = 8, 8, 3


class Odd(nn.Module):
    """Unused operator, grouped and depthwise convolutions, a shared module, in-place sums."""

    def __init__(self, norm: bool = True, inplace: bool = True) -> None:
        super().__init__()
        made = nn.BatchNorm2d if norm else (lambda channels: nn.Identity())
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=not norm), made(8), nn.ReLU(inplace=inplace)
        )
        self.grouped = nn.Conv2d(8, 8, 1, groups=2)
        self.depthwise = nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8)
        self.norm = made(8)
        self.shared = nn.Conv2d(8, 8, 1)
        self.unused = nn.Conv2d(8, 64, 5)
        self.classifier = nn.Linear(8, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        x = functional.relu(self.grouped(x), inplace=True)
        x = self.norm(self.depthwise(x))
        y = self.shared(x)
        y += x
        y = functional.relu(y)
        y = y + self.shared(y)
        return self.classifier(functional.relu(y).mean((2, 3)))


class Broken(nn.Module):
    def __init__(self, how: str) -> None:
        super().__init__()
        self.how, self.conv, self.last = how, nn.Conv2d(3, 4, 3), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> object:
        y = self.last(torch.relu(self.conv(x)).mean((2, 3)))
        if self.how == "tuple":
            return y, y
        if self.how == "detached":
            return y.detach()
        if self.how == "rounded":
            return y.argmax(1, keepdim=True)
        if self.how == "constant":
            return y * 0
        return y


class TwoLayers(nn.Module):
    """relu(x A^T) B^T without biases."""

    def __init__(self, a: tuple[tuple[float, ...], ...], b: tuple[tuple[float, ...], ...]) -> None:
        super().__init__()
        self.first = nn.Linear(len(a[0]), len(a), bias=False)
        self.second = nn.Linear(len(b[0]), len(b), bias=False)
        with torch.no_grad():
            self.first.weight.copy_(torch.tensor(a))
            self.second.weight.copy_(torch.tensor(b))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(functional.relu(self.first(x)))


@dataclass(frozen=True)
class ByHand:
    """A network of two layers that can be worked out by hand, three points and their labels."""

    a: tuple[tuple[float, ...], ...] = ((1.0, -2.0), (0.5, 1.0), (-1.0, 0.25))
    b: tuple[tuple[float, ...], ...] = ((0.5, -1.0, 2.0), (1.0, 0.75, -0.5))
    x: torch.Tensor = field(default_factory=lambda: torch.tensor([[1, 0.25], [-0.5, 2], [2, 1.5]]))
    y: torch.Tensor = field(default_factory=lambda: torch.tensor([0, 1, 1]))

    def network(self, a: Any = None, b: Any = None) -> nn.Module:
        return TwoLayers(a or self.a, b or self.b)


@pytest.fixture
def by_hand() -> ByHand:
    return ByHand()


@pytest.fixture
def broken() -> Callable[[str], nn.Module]:
    """A network with an output that is wrong in the way that is named; "" is right."""
    return Broken


@pytest.fixture
def make() -> Callable[..., nn.Module]:
    """A network from a seed."""

    def build(seed: int = 0, **settings: bool) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return Odd(**settings)

    return build


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(N, 3, SIDE, SIDE, generator=generator)
    return images, torch.randint(CLASSES, (N,), generator=generator)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
