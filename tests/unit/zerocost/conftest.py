"""Tiny networks with everything that makes proxies go wrong, and a tiny batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
