"""Pointwise functions, one a file: what a node of kind `Pointwise` applies entry by entry."""

from .base import Feature, Form, Function, Piece
from .relu import RELU
from .sigmoid import SIGMOID
from .tanh import TANH

__all__ = ["RELU", "SIGMOID", "TANH", "Feature", "Form", "Function", "Piece"]
