"""The norms in which a ball is measured, one class in one file; `register` adds another."""

from .l1 import L1
from .l2 import L2
from .linf import Linf
from .norm import Cuts, Norm, names, norm_of, register

__all__ = ["L1", "L2", "Cuts", "Linf", "Norm", "names", "norm_of", "register"]
