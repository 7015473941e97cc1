"""Pointwise functions, one a file: what a node of kind `Pointwise` applies entry by entry."""

from .base import Feature, Form, Function, Piece
from .relu import RELU

__all__ = ["RELU", "Feature", "Form", "Function", "Piece"]
