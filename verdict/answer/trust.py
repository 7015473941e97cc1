"""Trust: what stands behind an answer, strongest first, and the same in words."""

from __future__ import annotations

import enum
from fractions import Fraction


class Trust(str, enum.Enum):
    """What stands behind an answer, strongest first (design section 3)."""

    REPLAYED = "replayed"  # a witness, evaluated in exact rationals and in ONNX Runtime
    EXACT = "exact"  # a witness evaluated in exact rationals, or plain exact arithmetic
    CERTIFIED = "certified"  # a certificate that the independent checker accepted in exact arithmetic
    Z3 = "z3-exact"  # Z3's exact arithmetic: no tolerance, but no certificate either
    RIGOROUS = "rigorous"  # float64 bounds that charge their own rounding
    SOLVER = "solver"  # a floating-point solver's word alone

    def __str__(self) -> str:
        return self.value


# Proofs from weakest to strongest: a proof in several parts is as good as its weakest part.
_STRENGTH = [Trust.SOLVER, Trust.RIGOROUS, Trust.Z3, Trust.CERTIFIED, Trust.EXACT]


def weakest(*trusts: Trust) -> Trust:
    """The weakest of several proofs' trusts."""
    return min(trusts, key=_STRENGTH.index)


PROOFS = {
    Trust.EXACT: "exact arithmetic",
    Trust.CERTIFIED: "a certificate that the independent checker accepted in exact arithmetic",
    Trust.Z3: "Z3's exact arithmetic; no certificate",
    Trust.RIGOROUS: "float64 bounds that charge their own rounding",
    Trust.SOLVER: "the MILP solver's word, within its tolerances; no certificate",
}
SEMANTICS = {
    ("real",): "the network over the real numbers; float32 rounding is not covered",
    ("real", "float32"): "the network over the real numbers and every float32 evaluation order",
}
REFUTATIONS = {
    Trust.REPLAYED: "replayed in exact arithmetic, and ONNX Runtime is wrong nearby",
    Trust.EXACT: "replayed in exact arithmetic; no input nearby is known where ONNX Runtime is wrong",
}


def holds_for(semantics: tuple[str, ...], assumed: Fraction | None) -> str:
    """What an answer holds for, and within how many ulps of their values that assumes functions to be computed; "" of
    a counterexample."""
    found = SEMANTICS.get(semantics, "")
    if assumed is None or "float32" not in semantics:
        return found
    within = f"with every function computed within {assumed} ulp of its value, or of 1 where that is larger"
    return f"{found}, {within} (assumed)"
