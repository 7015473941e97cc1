"""From a problem and its bounds to a formula that a solver takes; imported as verdict.encoders.

`milp` writes a solver-neutral mixed-integer linear model, `smt` an SMT-LIB 2 formula in exact rationals. Both
take the tightest bounds at hand: stable ReLUs become linear, and what cannot happen is never encoded.
"""
