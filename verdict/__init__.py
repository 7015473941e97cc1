"""Verdict: an exact verifier for neural networks.

    import verdict
    network = verdict.load("digits-mlp")
    verdict.maxeps(network, x, range=(0, 1))

Importing this package loads no solver, no ONNX and no NumPy: each name below is fetched on first use.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

if "numpy" not in sys.modules:
    # Many small matrix products: BLAS threads only wait for each other (up to 15 times slower, PERFORMANCE.md).
    # Verdict uses the cores itself; a user who set these variables is left alone. For NumPy first see `blas`.
    for _variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(_variable, "1")

if TYPE_CHECKING:
    from .api import bounds_of, check, load, maxeps, robust, verify
    from .checker import Report
    from .errors import InputError, ModelError, PropertyError, SolverError, UnsupportedError, VerdictError
    from .network.network import Network
    from .proving import prove, variables
    from .pruning import maxpruning
    from .relations import general, imitates, maxdelta, maxfall, maxgeneral, maxmove, maxradius, region
    from .results import Largest, Pruning, Radius, Trust, Verdict, Witness
    from .weights import maxweights

__version__ = "0.1.0"

_HOMES = {
    "bounds_of": "api",
    "load": "api",
    "robust": "api",
    "maxeps": "api",
    "verify": "api",
    "check": "api",
    "prove": "proving",
    "variables": "proving",
    "general": "relations",
    "imitates": "relations",
    "maxdelta": "relations",
    "maxfall": "relations",
    "maxgeneral": "relations",
    "maxmove": "relations",
    "maxradius": "relations",
    "region": "relations",
    "maxweights": "weights",
    "maxpruning": "pruning",
    "Pruning": "results",
    "Report": "checker",
    "Network": "network.network",
    "Largest": "results",
    "Radius": "results",
    "Trust": "results",
    "Verdict": "results",
    "Witness": "results",
    "VerdictError": "errors",
    "ModelError": "errors",
    "UnsupportedError": "errors",
    "InputError": "errors",
    "PropertyError": "errors",
    "SolverError": "errors",
}

__all__ = [
    "InputError",
    "Largest",
    "ModelError",
    "Network",
    "PropertyError",
    "Pruning",
    "Radius",
    "Report",
    "SolverError",
    "Trust",
    "UnsupportedError",
    "Verdict",
    "VerdictError",
    "Witness",
    "__version__",
    "bounds_of",
    "check",
    "general",
    "imitates",
    "load",
    "maxdelta",
    "maxeps",
    "maxfall",
    "maxgeneral",
    "maxmove",
    "maxpruning",
    "maxradius",
    "maxweights",
    "prove",
    "region",
    "robust",
    "variables",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
