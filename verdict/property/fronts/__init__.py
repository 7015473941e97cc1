"""Perturbations that are a small network in front, one class in one file; `register` adds another."""

from .blur import Blur
from .brightness import Brightness
from .contrast import Contrast
from .front import Front, Together, from_text, named, names, register
from .path import Direction, Path

__all__ = [
    "Blur",
    "Brightness",
    "Contrast",
    "Direction",
    "Front",
    "Path",
    "Together",
    "from_text",
    "named",
    "names",
    "register",
]
