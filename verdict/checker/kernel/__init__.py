"""The kernel of the checker: tree walk, bounds, lemmas and the rule. Everything that decides whether a proof is one.

Readers say what was asked, arithmetics compute without ever rounding in the proof's favour, and all stored numbers are
hints that cannot be wrong. docs/certificate.md counts the lines that an `accepted` rests on.
"""
