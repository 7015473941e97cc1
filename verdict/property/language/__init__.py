"""The vocabulary in which questions are asked: `x[0] <= 1`, `y[3] > y[5]`, `near(...)`, `stays(...)`."""

from ..formula import Formula, all_of, any_of
from ..vnnlib1_write import query_text
from .expression import Expression, Vector, inputs, outputs

__all__ = ["Expression", "Formula", "Vector", "all_of", "any_of", "inputs", "outputs", "query_text"]
