"""Every method of bounding, by name: the one list that commands, engines and benchmarks read.

A method takes an input set and a deadline and bounds every node, the output included; what does not fit in the time
keeps looser bounds. Every file of this package is imported, and each enters its methods: a new one is a new file here.
"""

import importlib
import pkgutil

from .choose import TIGHTEN_SECONDS, TIGHTEN_SHARE, choose
from .method import METHODS, Method, Result, method

for _info in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_info.name}")

__all__ = [
    "METHODS",
    "TIGHTEN_SECONDS",
    "TIGHTEN_SHARE",
    "Method",
    "Result",
    "choose",
    "method",
]
