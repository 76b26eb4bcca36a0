"""Latency or energy of a whole network from its operators, with an interval.

A network is a graph of operators with shapes, of any space or from any ONNX file. What its
operators do is added up by class (counts, MACs, traffic, and rooflines), and a sum of these with
coefficients of at least 0 is fitted to relative errors. Boosted trees may correct the sum by a
factor, where such networks were measured; a model without trees is a few numbers, is additive over
operators, and does not bend where nothing was measured. The interval is split conformal on
relative residuals.

Source: sums over operators as in Cai et al. 2019, "ProxylessNAS"; the roofline of Williams et al.
2009; split conformal intervals of Lei et al. 2018, "Distribution-free predictive inference".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bench.cost import BYTES_PER_VALUE
from ..bench.errors import SurrogateError
from ..bench.graph import Graph, GraphBuilder, lowered
from ..bench.operators import Operator
from .extras import import_extra

Array = NDArray[np.float64]
#: MACs per byte at which a roofline bends: small, middle and large cores.
RIDGES = (0.5, 2.0, 8.0)
WEIGHTED = ("dense", "pointwise", "grouped", "depthwise", "linear")
OTHERS = ("add", "pool", "shuffle", "elementwise")
#: A convolution that nothing reads, left in by runtimes that multiply its output by zero.
DANGLING = "dangling"
_OF_WEIGHTED = ("count", "macs", "lanes", "traffic", "weights", *(f"roof{r:g}" for r in RIDGES))
NAMES = (
    "networks",
    *(f"{kind}.{what}" for kind in WEIGHTED for what in _OF_WEIGHTED),
    *(f"{kind}.{what}" for kind in OTHERS for what in ("count", "traffic")),
    *(f"{DANGLING}.{what}" for what in ("count", "macs", "traffic")),
)
_INDEX = {name: i for i, name in enumerate(NAMES)}
RIDGE = 1e-4  # of coefficients of columns that are scaled to deviation 1
MIN_ROWS = 20


def operator_class(op: Operator) -> str | None:
    """The class whose sums an operator adds to; None for what runtimes fuse or fold."""
    if op.kind == "linear":
        return "linear"
    if op.kind == "conv":
        if op.groups > 1:
            return "depthwise" if op.groups == op.in_channels else "grouped"
        return "pointwise" if op.taps == 1 else "dense"
    if op.kind in ("avg_pool", "max_pool", "global_avg_pool"):
        return "pool"
    if op.kind in ("batch_norm", "zero"):
        return None
    if op.kind == "channel_shuffle":
        return "shuffle"
    return "add" if op.kind == "add" else "elementwise"


@lru_cache(maxsize=65536)
def _terms(op: Operator, dangling: bool) -> tuple[tuple[int, float], ...]:
    kind = operator_class(op)
    if kind is None:
        return ()
    traffic = (op.in_size + op.out_size) * BYTES_PER_VALUE / 1e6
    macs = op.macs / 1e6
    if dangling:
        given = {"count": 1.0, "macs": macs, "traffic": traffic}
        return tuple((_INDEX[f"{DANGLING}.{k}"], v) for k, v in given.items())
    given = {"count": 1.0, "traffic": traffic}
    if kind in WEIGHTED:
        weights = op.params * BYTES_PER_VALUE / 1e6
        # MACs on few input channels fill vector lanes badly.
        given |= {"macs": macs, "weights": weights}
        given["lanes"] = macs * op.groups / max(op.in_channels, 1)
        given |= {f"roof{r:g}": max(macs, r * (traffic + weights)) for r in RIDGES}
    return tuple((_INDEX[f"{kind}.{k}"], v) for k, v in given.items())


def _counted(graph: Graph) -> Counter[tuple[Operator, bool]]:
    kept, dangling = lowered(graph)
    counts: Counter[tuple[Operator, bool]] = Counter()
    for node in kept:
        op = node.operator
        fused = op.kind in ("relu", "activation") and all(
            i >= 0 and kept[i].operator.kind in ("batch_norm", "conv", "linear")
            for i in node.inputs
        )
        if not fused:
            counts[op, False] += 1
    for op in dangling:
        counts[op, True] += 1
    return counts


def operator_features(graphs: Sequence[Graph]) -> Array:
    """Sums over the operators of each network, shape (n, len(NAMES)), columns as ``NAMES``.

    MACs in millions, traffic and weights in 1e6 bytes of float32. Batch norms, and activations
    right after what they are fused with, count nothing.

    Args:
        graphs: the networks.
    """
    out = np.zeros((len(graphs), len(NAMES)))
    for row, graph in zip(out, graphs, strict=True):
        row[0] = 1.0
        for (op, dangling), times in _counted(graph).items():
            for column, value in _terms(op, dangling):
                row[column] += times * value
    return out


def chain_features(operators: Sequence[Operator]) -> Array:
    """The same for a part of a network whose operators follow one another, shape (len(NAMES),).

    An ``add`` adds what came into the part. The constant per network is not in it.
    """
    builder = GraphBuilder()
    if not operators:
        return np.zeros(len(NAMES))
    builder.chain(operators, -1)
    row: Array = operator_features([builder.graph()])[0]
    row[0] = 0.0
    return row


@dataclass(frozen=True)
class OperatorModel:
    """A fitted sum over operators, perhaps with a correction.

    Attributes:
        coefficients: of the columns ``NAMES``, at least 0, shape (len(NAMES),).
        trees: corrects the logarithm of the sum, or None.
        low: what a prediction is multiplied by for the lower end of its interval.
        high: the same for the upper end.
        coverage: nominal share of networks inside.
    """

    coefficients: Array
    trees: Any
    low: float = 1.0
    high: float = 1.0
    coverage: float = 0.0

    def predict(self, features: Array) -> Array:
        """Predicted figure of networks, shape (n,), from their ``operator_features``."""
        total = np.asarray(features @ self.coefficients)
        if self.trees is None:
            return total
        return np.asarray(total * np.exp(self.trees.predict(_with_log(features, total))))

    def interval(self, features: Array) -> tuple[Array, Array]:
        """Lower and upper end around ``predict``, each of shape (n,)."""
        predicted = self.predict(features)
        return predicted * self.low, predicted * self.high


def _with_log(features: Array, total: Array) -> Array:
    return np.column_stack([features, np.log(np.maximum(total, 1e-12))])


def fit_sum(features: Array, figure: Array, ridge: float = RIDGE) -> Array:
    """Coefficients of at least 0 with the least squares of relative errors, shape (k,).

    Args:
        features: shape (n, k).
        figure: what was measured, above 0, shape (n,).
        ridge: penalty on columns that are scaled to a root mean square of 1 relative to ``figure``.

    Raises:
        SurrogateError: too few rows, or a figure that is not above 0.
        MissingExtraError: scipy is not installed.
    """
    if len(figure) < MIN_ROWS or not (np.isfinite(figure).all() and (figure > 0).all()):
        raise SurrogateError(
            f"a model of operators was given {len(figure)} figures, the smallest "
            f"{min(figure, default=0.0):g}; expected at least {MIN_ROWS}, all above 0."
        )
    relative = features / figure[:, None]
    scale = np.sqrt(np.mean(relative**2, axis=0))
    # What is the same in all networks is the constant's business: alone it would be guessed.
    constant = np.ptp(features, axis=0) <= 1e-9 * np.abs(features).max(axis=0)
    constant[0] = False
    used = np.flatnonzero((scale > 0) & ~constant)
    k = len(used)
    left = np.vstack([relative[:, used] / scale[used], np.sqrt(ridge * len(figure)) * np.eye(k)])
    right = np.concatenate([np.ones(len(figure)), np.zeros(k)])
    solution, _ = import_extra("scipy.optimize").nnls(left, right, maxiter=50 * k)
    out = np.zeros(features.shape[1])
    out[used] = solution / scale[used]
    return out


def conformal_factors(predicted: Array, measured: Array, coverage: float) -> tuple[float, float]:
    """Factors around a prediction that hold ``coverage`` of further networks like these.

    Each end leaves out half of the rest, counted with one more network than there are.

    Args:
        predicted: for networks that the model was not fitted on, shape (n,).
        measured: of the same, shape (n,).
        coverage: share inside, below 1.

    Raises:
        SurrogateError: too few networks for that coverage.
    """
    ratios = np.sort(measured / predicted)
    n, miss = len(ratios), (1 - coverage) / 2
    rank = int(np.floor(miss * (n + 1) + 1e-9)) - 1  # 0.05 times 100 is 5
    if rank < 0:
        raise SurrogateError(
            f"{n} held-out networks cannot calibrate an interval of {coverage:.0%}; expected at "
            f"least {int(np.ceil(1 / miss)) - 1}, or a lower coverage."
        )
    return float(min(ratios[rank], 1.0)), float(max(ratios[n - 1 - rank], 1.0))


def fit_operator_model(
    features: Array,
    figure: Array,
    seed: int = 0,
    coverage: float = 0.9,
    trees: bool = True,
    calibration: float = 0.25,
) -> OperatorModel:
    """A model of measured networks; a share of them is kept back for the interval.

    Args:
        features: ``operator_features`` of the networks, shape (n, len(NAMES)).
        figure: latency or energy, in any unit, above 0, shape (n,).
        seed: of the split and the trees.
        coverage: nominal share of networks inside the interval.
        trees: whether boosted trees correct the sum; not for networks unlike the measured ones.
        calibration: share of the networks that only serve the interval.

    Raises:
        SurrogateError: too few rows, or a figure that is not above 0.
        MissingExtraError: scipy or xgboost is not installed.
    """
    order = np.random.default_rng(seed).permutation(len(figure))
    kept_back = order[: round(calibration * len(figure))]
    train = order[len(kept_back) :]
    coefficients = fit_sum(features[train], figure[train])
    booster = None
    if trees:
        total = features[train] @ coefficients
        booster = import_extra("xgboost").XGBRegressor(
            n_estimators=500,
            learning_rate=0.04,
            max_depth=5,
            subsample=0.7,
            colsample_bytree=0.6,
            reg_lambda=1.0,
            n_jobs=1,
            random_state=seed,
        )
        booster.fit(_with_log(features[train], total), np.log(figure[train] / total))
    bare = OperatorModel(coefficients, booster)
    low, high = conformal_factors(bare.predict(features[kept_back]), figure[kept_back], coverage)
    return OperatorModel(coefficients, booster, low, high, coverage)
