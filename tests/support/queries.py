"""Random VNN-LIB 2 queries, with a meaning of their own that shares nothing with Verdict's reader.

A formula is a tree of tuples: ("and"/"or", parts...) or (relation, {variable: coefficient}, limit), which says that
the sum of coefficients times variables stands in the relation to the limit. Variables are named as in the file.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import numpy as np

RELATIONS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def true(formula, values: Mapping[str, Fraction]) -> bool:
    """Whether values satisfy a formula."""
    if formula[0] in ("and", "or"):
        return (all if formula[0] == "and" else any)(true(part, values) for part in formula[1:])
    relation, terms, limit = formula
    return RELATIONS[relation](sum((c * values[v] for v, c in terms.items()), Fraction(0)), limit)


def random_formula(rng: random.Random, variables: Sequence[str], depth: int, relations=tuple(RELATIONS)):
    """A tree of at most 2 ** depth comparisons."""
    if depth == 0 or rng.random() < 0.3:
        chosen = rng.sample(list(variables), min(len(variables), rng.randint(1, 3)))
        terms = {v: Fraction(rng.choice([-4, -2, -1, 1, 2, 3]), rng.choice([1, 2, 10])) for v in chosen}
        return rng.choice(relations), terms, Fraction(rng.randint(-20, 20), 10)
    return (rng.choice(["and", "or"]), *(random_formula(rng, variables, depth - 1, relations) for _ in range(2)))


def decimal(value: Fraction) -> str:
    """A rational with a denominator of 2s and 5s, as an exact decimal."""
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
    whole = str(abs(value) * 10**digits)
    whole = whole.rjust(digits + 1, "0")
    text = f"{whole[:-digits]}.{whole[-digits:]}" if digits else f"{whole}.0"
    return f"-{text}" if value < 0 else text


def text(formula, rng: random.Random | None = None) -> str:
    """The formula in VNN-LIB 2; with `rng` its sums are written in one of several equal ways."""
    if formula[0] in ("and", "or"):
        return f"({formula[0]} {' '.join(text(part, rng) for part in formula[1:])})"
    relation, terms, limit = formula
    way = rng.randint(0, 2) if rng else 0
    products = [f"(* {decimal(c)} {v})" if c != 1 else v for v, c in terms.items()]
    if way == 1:
        # (a - -b ...) and the limit on the left.
        flipped = {"<=": ">=", "<": ">", ">=": "<=", ">": "<"}.get(relation, relation)
        negated = "".join(f" (* {decimal(-c)} {v})" for v, c in list(terms.items())[1:])
        head = products[0]
        return f"({flipped} {decimal(limit)} {f'(- {head}{negated})' if negated else head})"
    if way == 2:
        return f"({relation} (+ {' '.join(products)} (- {decimal(limit)})) 0.0)"
    return f"({relation} (+ {' '.join(products)}) {decimal(limit)})"


def polytopes(formula, columns: Mapping[str, int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """The closed disjunctive normal form: (C, d) for every conjunction, C over the columns."""
    if formula[0] == "or":
        return [p for part in formula[1:] for p in polytopes(part, columns)]
    if formula[0] == "and":
        products = itertools.product(*(polytopes(part, columns) for part in formula[1:]))
        return [(np.vstack([c for c, _ in ps]), np.concatenate([d for _, d in ps])) for ps in products]
    relation, terms, limit = formula
    row = np.zeros((1, len(columns)))
    for variable, c in terms.items():
        row[0, columns[variable]] = float(c)
    below, above = (row, np.array([float(limit)])), (-row, np.array([-float(limit)]))
    if relation == "==":
        return [(np.vstack([row, -row]), np.concatenate([below[1], above[1]]))]
    return {"<=": [below], "<": [below], ">=": [above], ">": [above], "!=": [below, above]}[relation]
