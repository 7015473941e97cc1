"""What is asked: input sets, the families of sets that grow with a radius, and unsafe sets."""

from .box import Box
from .linf import LinfBall
from .norm_ball import NormBall
from .perturbation import Perturbation
from .problem import Problem
from .scaled import ScaledBall
from .unsafe import Polytope, UnsafeSet, misclassification

__all__ = [
    "Box",
    "LinfBall",
    "NormBall",
    "Perturbation",
    "Polytope",
    "Problem",
    "ScaledBall",
    "UnsafeSet",
    "misclassification",
]
