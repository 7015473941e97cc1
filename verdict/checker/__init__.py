"""The independent checker of certificates: it shares no code with the prover and imports nothing else of Verdict.

It needs NumPy and ONNX's file parser. `check` reads the network and the property itself; see docs/certificate.md.
"""

from .arithmetic import TIERS
from .check import Report, check, open_leaves
from .errors import OutOfTimeError, RejectedError, UnreadableError
from .memory import Memory

__all__ = ["TIERS", "Memory", "OutOfTimeError", "RejectedError", "Report", "UnreadableError", "check", "open_leaves"]
