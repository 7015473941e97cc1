"""The Python API: load a network, ask whether it is robust, ask how far an input can move.

Everything here is thin: it checks the arguments, builds the problem, lets an engine search and the gate
judge. The command line is a shell around these functions. Each has a file of its own.
"""

from __future__ import annotations

from .deciding import bounds_of, robust, robustness
from .loading import load
from .number import Number, exact
from .querying import check, verify
from .question import center_of
from .radii import maxeps

__all__ = ["Number", "bounds_of", "center_of", "check", "exact", "load", "maxeps", "robust", "robustness", "verify"]
