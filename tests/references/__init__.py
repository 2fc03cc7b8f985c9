"""Independent float64 references of every method, one short function each; `REFERENCES` is the table."""

from . import center, coding, contrastive, distillation, moments, predictors, sliced
from .registry import REFERENCES, Reference

__all__ = [
    "REFERENCES",
    "Reference",
    "center",
    "coding",
    "contrastive",
    "distillation",
    "moments",
    "predictors",
    "sliced",
]
