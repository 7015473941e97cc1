"""Pointwise functions, one a file: what a node of kind `Pointwise` applies entry by entry.

Those that the graph itself is simplified by are at hand here.
"""

from .base import Feature, Form, Function, Piece
from .relu import RELU
from .square import SQUARE
from .step import STEP

__all__ = ["RELU", "SQUARE", "STEP", "Feature", "Form", "Function", "Piece"]
