"""Pointwise functions, one a file: what a node of kind `Pointwise` applies entry by entry."""

from .base import Feature, Form, Function, Piece
from .exp import EXP
from .relu import RELU
from .sigmoid import SIGMOID
from .square import SQUARE
from .step import STEP
from .tanh import TANH

__all__ = ["EXP", "RELU", "SIGMOID", "SQUARE", "STEP", "TANH", "Feature", "Form", "Function", "Piece"]
