"""Multiply-accumulates of what is no plain convolution: counted, or a reason instead of a score."""

from __future__ import annotations

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from biglittle.zerocost import score  # noqa: E402
from biglittle.zerocost.forwards import Forwards  # noqa: E402
from biglittle.zerocost.passes import Passes  # noqa: E402
from biglittle.zerocost.watching import Macs  # noqa: E402

TOKENS, WIDTH, HIDDEN = 16, 8, 12
EMBEDDING, CLASSIFIER = TOKENS * 3 * WIDTH, WIDTH * 3
ATTENTION = 2 * TOKENS * TOKENS * WIDTH  # queries times keys, and what they weigh times values
PROJECTIONS = 4 * TOKENS * WIDTH * WIDTH
IMAGES = torch.randn(4, 3, 4, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(4) % 3


class Tokens(nn.Module):
    """Pixels are tokens; something happens to them, and their mean is classified."""

    def __init__(self, between: Callable[..., torch.Tensor], module: nn.Module | None) -> None:
        super().__init__()
        self.embedding, self.classifier = nn.Linear(3, WIDTH), nn.Linear(WIDTH, 3)
        self.module, self.between = module, between

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embedding(x.flatten(2).transpose(1, 2))
        x = self.between(x) if self.module is None else self.between(x, self.module)
        return self.classifier(functional.relu(x).mean(1))


def _score(between: Callable[..., torch.Tensor], module: nn.Module | None, names: str = "macs"):  # type: ignore[no-untyped-def]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return score(Tokens(between, module), IMAGES, LABELS, names, failures="keep")


ENCODER = {"dim_feedforward": HIDDEN, "batch_first": True}
SQUARE = torch.eye(TOKENS)


@pytest.mark.parametrize(
    ("between", "module", "expected"),
    [
        (lambda x: functional.scaled_dot_product_attention(x, x, x), None, ATTENTION),
        (
            lambda x: functional.scaled_dot_product_attention(x, x, x, is_causal=True),
            None,
            ATTENTION,
        ),
        (
            lambda x, m: m(x, x, x)[0],
            lambda: nn.MultiheadAttention(WIDTH, 2, batch_first=True),
            ATTENTION + PROJECTIONS,
        ),
        (
            lambda x, m: m(x, x, x, need_weights=False)[0],
            lambda: nn.MultiheadAttention(WIDTH, 2, batch_first=True),
            ATTENTION + PROJECTIONS,
        ),
        (
            lambda x, m: m(x),
            lambda: nn.TransformerEncoderLayer(WIDTH, 2, **ENCODER),
            ATTENTION + PROJECTIONS + 2 * TOKENS * WIDTH * HIDDEN,
        ),
        (
            lambda x, m: m(x)[0],
            lambda: nn.LSTM(WIDTH, WIDTH, batch_first=True),
            TOKENS * 4 * 2 * WIDTH * WIDTH,
        ),
        (
            lambda x, m: m(x)[0],
            lambda: nn.GRU(WIDTH, WIDTH, batch_first=True),
            TOKENS * 3 * 2 * WIDTH * WIDTH,
        ),
        (lambda x, m: m(x, x), lambda: nn.Bilinear(WIDTH, WIDTH, WIDTH), TOKENS * WIDTH**3),
        (lambda x: torch.einsum("ij,bjk->bik", SQUARE, x), None, TOKENS * TOKENS * WIDTH),
        (lambda x: x + torch.mv(x[0], x[0, 0])[:, None], None, TOKENS * WIDTH),
        (lambda x: x * torch.dot(x[0, 0], x[0, 1]), None, WIDTH),
        (lambda x: functional.layer_norm(functional.gelu(x), (WIDTH,)).cumsum(1), None, 0),
        (lambda x: torch.cat([x[:, :4], torch.stack([x[:, 4]] * 12, 1)], 1), None, 0),
    ],
)
def test_products_are_counted(
    between: Callable[..., torch.Tensor], module: Callable[[], nn.Module] | None, expected: int
) -> None:
    scores = _score(between, module and module())
    assert scores.failures == {}
    assert scores["macs"] == EMBEDDING + expected + CLASSIFIER


@pytest.mark.parametrize(
    ("between", "operation"),
    [
        (lambda x: torch.fft.fft(x).real, "aten::_fft"),
        (lambda x: x * torch.cdist(x, x).mean(), "aten::_cdist_forward"),
        (lambda x: x + torch.linalg.inv(SQUARE + x @ x.transpose(1, 2)).mean(), "linalg_inv"),
    ],
)
def test_what_no_formula_gives_is_a_reason_and_not_too_small_a_score(
    between: Callable[..., torch.Tensor], operation: str
) -> None:
    scores = _score(between, None, "macs,params")
    assert operation in scores.failures["macs"]
    assert scores["params"] == 3 * WIDTH + WIDTH + WIDTH * 3 + 3


def test_an_operation_of_another_library_is_a_reason() -> None:
    library = torch.library.Library("biglittle_tests", "DEF")
    library.define("mystery(Tensor x) -> Tensor")
    library.impl("mystery", lambda x: x.clone(), "CompositeExplicitAutograd")
    scores = _score(lambda x: torch.ops.biglittle_tests.mystery(x), None)
    assert "biglittle_tests::mystery" in scores.failures["macs"]


def test_inference_mode_hides_nothing() -> None:
    layer, x = nn.Linear(5, 3), torch.randn(2, 4, 5)
    with torch.inference_mode(), Macs.counting() as counter:
        layer(x)
        functional.scaled_dot_product_attention(x, x, x)
    assert counter.total == 2 * 4 * 5 * 3 + 2 * 2 * 4 * 4 * 5
    assert counter.uncounted == set()


def test_matrices_of_attention_and_recurrent_layers_are_layers_of_their_own() -> None:
    for module, names in (
        (nn.MultiheadAttention(WIDTH, 2, batch_first=True), ["in_proj_weight", "out_proj"]),
        (nn.LSTM(WIDTH, WIDTH, batch_first=True), ["weight_ih_l0", "weight_hh_l0"]),
    ):
        network = Tokens(
            lambda x, m: (m(x, x, x) if isinstance(m, nn.MultiheadAttention) else m(x))[0], module
        )
        expected = ["embedding", "classifier", *(f"module.{name}" for name in names)]
        needs = ["gradients", "synaptic_flow", "weights"]
        passes = Passes(Forwards(network, IMAGES, LABELS, needs))
        for need in needs:
            layers = getattr(passes, need)
            assert [w.layer for w in layers] == expected
            assert all(bool((w.gradient != 0).any()) for w in layers)
