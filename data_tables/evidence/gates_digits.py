"""Which gate routes best on other people's models: small and large classifiers of digits.

Little networks are logistic regressions on coarse images, big ones are multilayer perceptrons on
whole ones, all of scikit-learn on its digits. Here logits are known, so that the energy is among
the gates. Each of several random splits has models of its own; thresholds are chosen on val.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from ...bench.gates import GATES, get_gate
from ...bench.gates.energy import log_sum_exp
from ...bench.table_contents import Predictions, encode_predictions
from ._page import Step
from ._routing import BASE, Z, compared, splits_of, table_of

N_CLASSES, RATE, TRAIN = 10, 0.2, 500
COARSE = (2, 4)  # rows and columns of the images that little networks see


def measure(
    repeats: Annotated[int, typer.Option(help="Random splits, each with models of its own.")] = 20,
) -> dict[str, Any]:
    """Gains of all gates, the mean over random splits, and intervals over these."""
    import sklearn
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    gates = [
        name
        for name in GATES.names()
        if (rule := get_gate(name)).deployable and rule.kind != "stage"
    ]
    parts = []
    for seed in range(repeats):
        order = np.random.default_rng(seed).permutation(len(labels))
        split = np.split(order, [TRAIN, (TRAIN + len(labels)) // 2])
        logits = _logits(images / 16.0, labels, split, seed)
        predictions = {
            name: _predictions([each[part] for each in logits], labels[part])
            for name, part in zip(("val", "test"), split[1:], strict=True)
        }
        splits = splits_of(predictions.__getitem__, N_CLASSES)
        pairs = [(little, len(COARSE)) for little in range(len(COARSE))]
        parts.append(compared(splits, gates, pairs, RATE, N_CLASSES))
    joined = {gate: _joined(parts, gate) for gate in gates}
    means = {n: float(np.mean([p[n] for p in parts])) for n in ("little", "big_better_by")}
    return {"repeats": repeats, "train": TRAIN, "test": len(split[2]), "rate": RATE,
            "scikit_learn": sklearn.__version__, "gates": joined, **means}  # fmt: skip


def _joined(parts: list[dict[str, Any]], gate: str) -> dict[str, Any]:
    """The mean of a gate's figures over splits; its interval over `margin` is over splits."""
    rows = [part["gates"][gate] for part in parts]
    names = [n for n, value in rows[0].items() if value is not None]
    out: dict[str, Any] = {n: float(np.mean([row[n] for row in rows])) for n in names}
    over = np.array([row["over_base"] for row in rows])
    half = Z * float(over.std(ddof=1)) / len(over) ** 0.5 if len(over) > 1 else float("inf")
    ece = None if rows[0]["ece"] is None else out["ece"]
    return {**out, "ece": ece, "low": float(over.mean()) - half, "high": float(over.mean()) + half}


def _logits(
    images: NDArray[np.float64], labels: NDArray[Any], split: list[NDArray[np.intp]], seed: int
) -> list[NDArray[np.float64]]:
    """Logits of all images by each little network and by the big one, (n_images, 10) each."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier

    train, out = split[0], []
    for size in COARSE:
        step = 8 // size
        blocks = images.reshape(-1, size, step, size, step).mean(axis=(2, 4))
        coarse = blocks.reshape(len(images), -1)
        little = LogisticRegression(C=10.0, max_iter=2000).fit(coarse[train], labels[train])
        out.append(little.decision_function(coarse))
    big = MLPClassifier((64,), max_iter=400, random_state=seed).fit(images[train], labels[train])
    hidden = np.maximum(images @ big.coefs_[0] + big.intercepts_[0], 0.0)
    return [*out, hidden @ big.coefs_[1] + big.intercepts_[1]]


def _predictions(logits: list[NDArray[np.float64]], labels: NDArray[Any]) -> Predictions:
    """The answers of some networks, with what tables store and the energy's log-sum-exp."""
    truth, rows = labels.astype(np.uint8), []
    for each in logits:
        odds = np.exp(each - each.max(axis=1, keepdims=True))
        rows.append(encode_predictions(odds / odds.sum(axis=1, keepdims=True), truth))
    return Predictions(
        truth,
        np.array([top1 for top1, _ in rows]),
        {name: np.array([codes[name] for _, codes in rows]) for name in rows[0][1]},
        {"log_sum_exp": np.array([log_sum_exp(each) for each in logits])},
    )


def digits_section(figures: dict[str, Any]) -> str:
    """The comparison as Markdown."""
    lines = [
        *table_of(figures),
        "",
        f"The same for logistic regressions on images of {' and '.join(f'{n}x{n}' for n in COARSE)}"
        f" pixels ({100 * figures['little']:.1f} % on test) and a perceptron on whole ones (better "
        f"by {100 * figures['big_better_by']:.1f} points), scikit-learn {figures['scikit_learn']}'s"
        f" digits: the mean of {figures['repeats']} random splits with {figures['test']} test "
        f"images each, intervals over splits, {100 * figures['rate']:.0f} % of val escalated at "
        f"most. `{BASE}` is the gate that others are held against. Step `gates_digits`.",
    ]
    return "\n".join(lines)


STEP = Step(measure, {"gates_digits": digits_section})
