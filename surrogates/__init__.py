"""Surrogates: accuracy, escalation and latency of what the table does not hold.

Fitting needs the ``train`` extra; predicting needs onnxruntime, imported at the first prediction.
Models of single networks are in ``members/``, models of pairs in ``pairs/``, one a file.
"""

from .build import fit_surrogate
from .data import FitData, fit_data
from .evaluator import SurrogateEvaluator
from .fit import FitSettings, Recipe, held_out
from .intervals import Intervals
from .members import MEMBERS, get_member
from .pairs import PAIR_MODELS, get_pair_model
from .report import report_surrogate
from .surrogate import PredictedNetworks, PredictedPoints, Surrogate

__all__ = [
    "MEMBERS",
    "PAIR_MODELS",
    "FitData",
    "FitSettings",
    "Intervals",
    "PredictedNetworks",
    "PredictedPoints",
    "Recipe",
    "Surrogate",
    "SurrogateEvaluator",
    "fit_data",
    "fit_surrogate",
    "get_member",
    "get_pair_model",
    "held_out",
    "report_surrogate",
]
