"""Verdict: an exact verifier for neural networks.

    import verdict
    network = verdict.load("digits-mlp")
    verdict.maxeps(network, x, range=(0, 1))

Importing this package loads no solver, no ONNX and no NumPy: each name below is fetched on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .answer.results import Largest, Pruning, Radius, Trust, Verdict, Witness
    from .answer.table import Certified, Radii
    from .ask.answering import ask
    from .ask.families import maxradius
    from .ask.loading import load
    from .ask.many import certify, radii
    from .ask.monotone import maxfall, monotone
    from .ask.options import Options
    from .ask.pairs import general, imitates, maxdelta, maxgeneral, maxmove, region
    from .ask.prove import prove, variables
    from .ask.pruning import maxpruning
    from .ask.question import Question
    from .ask.radius import maxeps
    from .ask.robust import bounds_of, robust
    from .ask.verify import check, verify
    from .ask.weights import maxweights
    from .base.errors import InputError, ModelError, PropertyError, SolverError, UnsupportedError, VerdictError
    from .checker import Report
    from .network.network import Network
    from .report.page import write_report
    from .store.store import Store

__version__ = "0.1.0"

_HOMES = {
    "Question": "ask.question",
    "Options": "ask.options",
    "bounds_of": "ask.robust",
    "load": "ask.loading",
    "certify": "ask.many",
    "radii": "ask.many",
    "Certified": "answer.table",
    "Radii": "answer.table",
    "robust": "ask.robust",
    "maxeps": "ask.radius",
    "verify": "ask.verify",
    "check": "ask.verify",
    "prove": "ask.prove",
    "variables": "ask.prove",
    "general": "ask.pairs",
    "imitates": "ask.pairs",
    "maxdelta": "ask.pairs",
    "maxfall": "ask.monotone",
    "monotone": "ask.monotone",
    "maxgeneral": "ask.pairs",
    "maxmove": "ask.pairs",
    "maxradius": "ask.families",
    "region": "ask.pairs",
    "residual": "ask.residual",
    "maxweights": "ask.weights",
    "maxpruning": "ask.pruning",
    "Pruning": "answer.results",
    "Report": "checker",
    "Store": "store.store",
    "write_report": "report.page",
    "Network": "network.network",
    "Largest": "answer.results",
    "Radius": "answer.results",
    "Trust": "answer.results",
    "Verdict": "answer.results",
    "Witness": "answer.results",
    "VerdictError": "base.errors",
    "ModelError": "base.errors",
    "UnsupportedError": "base.errors",
    "InputError": "base.errors",
    "PropertyError": "base.errors",
    "SolverError": "base.errors",
}

__all__ = [
    "Certified",
    "InputError",
    "Largest",
    "ModelError",
    "Network",
    "Options",
    "PropertyError",
    "Pruning",
    "Question",
    "Radii",
    "Radius",
    "Report",
    "SolverError",
    "Store",
    "Trust",
    "UnsupportedError",
    "Verdict",
    "VerdictError",
    "Witness",
    "__version__",
    "ask",
    "bounds_of",
    "certify",
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
    "monotone",
    "prove",
    "radii",
    "region",
    "residual",
    "robust",
    "variables",
    "verify",
    "write_report",
]


def __dir__() -> list[str]:
    """The API, for `dir(verdict)` and completion."""
    return sorted(__all__)


def __getattr__(name: str) -> Any:
    if name == "ask":
        # The package of that name, which can be called (`verdict.ask.answering.ask`).
        return importlib.import_module(f"{__name__}.ask")
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
