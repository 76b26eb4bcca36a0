"""Surrogates: accuracy, escalation and latency of what the table does not hold.

Fitting needs the ``train`` extra; predicting needs onnxruntime, imported at the first prediction.
"""

from .evaluator import SurrogateEvaluator
from .fit import FitSettings, fit_surrogate, held_out
from .report import report_surrogate
from .surrogate import PredictedNetworks, Surrogate

__all__ = [
    "FitSettings",
    "PredictedNetworks",
    "Surrogate",
    "SurrogateEvaluator",
    "fit_surrogate",
    "held_out",
    "report_surrogate",
]
