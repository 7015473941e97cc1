"""The VNN-LIB 1 reader against random files: the same formula in any layout and notation means the same, and a
broken file gives one error with the file and the line.

The formula is a tree with a direct evaluation of its own; how it is written (white space, comments, numbers as
decimals, in scientific notation or as quotients, declarations in any order) is drawn apart from it.
"""

from __future__ import annotations

import gzip
import random
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from verdict.base.errors import PropertyError
from verdict.checker import UnreadableError
from verdict.checker.readers.vnnlib import read_property
from verdict.cli.main import main
from verdict.network.exact import ExactVector
from verdict.property.vnnlib1 import VnnLib1, parse_vnnlib1, read_vnnlib1

INPUTS = OUTPUTS = 2
NAMES = ("X_0", "X_1", "Y_0", "Y_1")
BOX = (Fraction(-2), Fraction(2))
# A formula: ("and" | "or", parts), ("not", part), (comparison, coefficients by name, constant): c . v <op> d.
Tree = Any
COMPARE = {
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "=": lambda a, b: a == b,
}


def value(tree: Tree, point: dict[str, Fraction]) -> bool:
    """The formula at a point: the independent reading of the language."""
    op, *rest = tree
    if op == "and":
        return all(value(part, point) for part in rest[0])
    if op == "or":
        return any(value(part, point) for part in rest[0])
    if op == "not":
        return not value(rest[0], point)
    coefficients, constant = rest
    return COMPARE[op](sum((c * point[name] for name, c in coefficients.items()), Fraction(0)), constant)


class Writer:
    """Writes a formula with random layout and notation; `rng` decides."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def gap(self) -> str:
        """What may stand between two tokens: at least one blank."""
        blank = self.rng.choice([" ", "  ", "\t", "\n", "\r\n", "\n\n   "])
        if self.rng.random() < 0.1:
            noise = "".join(self.rng.choices("()<=; XY_0 aé\t|\"", k=self.rng.randrange(8)))
            # Bars and quotes open symbols and strings anywhere but in comments, where they mean nothing.
            blank += f";{noise}\n"
        return blank

    def maybe(self) -> str:
        return self.gap() if self.rng.random() < 0.2 else ""

    def node(self, op: str, *parts: str) -> str:
        return f"({self.maybe()}{op}{''.join(self.gap() + part for part in parts)}{self.maybe()})"

    def number(self, number: Fraction) -> str:
        """A decimal in one of its many spellings, or a quotient, or a negation."""
        if self.rng.random() < 0.15:
            factor = self.rng.randint(2, 9)
            return self.node("/", self.number(number * factor), str(factor))
        if number < 0 and self.rng.random() < 0.5:
            return self.node("-", self.number(-number))
        exact = Decimal(number.numerator) / Decimal(number.denominator)
        if Fraction(exact) != number:
            return self.node("/", str(number.numerator), str(number.denominator))
        power = self.rng.randint(-12, 12)
        sign = self.rng.choice(["", "+", "0"]) if power >= 0 else ""
        scientific = f"{exact.scaleb(-power):f}{self.rng.choice('eE')}{sign}{power}"
        plain = f"{exact:f}"
        padded = plain + ("0" * self.rng.randrange(4) if "." in plain else self.rng.choice(["", ".", ".000"]))
        short = padded.replace("0.", ".", 1) if re.match(r"-?0\.\d", padded) else padded
        return self.rng.choice([scientific, plain, padded, short])

    def term(self, coefficients: dict[str, Fraction], constant: Fraction) -> str:
        """c . v - d or parts of it, nested as it comes."""
        parts = []
        for name, c in coefficients.items():
            if c == 1 and self.rng.random() < 0.7:
                parts.append(name)
            elif self.rng.random() < 0.5:
                parts.append(self.node("*", self.number(c), name))
            else:
                parts.append(self.node("*", name, self.number(c)))
        if constant or not parts:
            parts.append(self.number(constant))
        self.rng.shuffle(parts)
        while len(parts) > 1:
            taken = [parts.pop() for _ in range(min(len(parts), self.rng.randint(2, 3)))]
            parts.append(self.node("+", *taken))
        return parts[0]

    def formula(self, tree: Tree) -> str:
        op, *rest = tree
        if op in ("and", "or"):
            return self.node(op, *(self.formula(part) for part in rest[0]))
        if op == "not":
            return self.node("not", self.formula(rest[0]))
        coefficients, constant = rest
        left = {n: c for n, c in coefficients.items() if self.rng.random() < 0.7}
        right = {n: -c for n, c in coefficients.items() if n not in left}
        moved = Fraction(self.rng.randint(-4, 4), 4) if self.rng.random() < 0.3 else Fraction(0)
        return self.node(op, self.term(left, moved), self.term(right, constant + moved))

    def file(self, trees: list[Tree]) -> str:
        names = list(NAMES)
        self.rng.shuffle(names)
        declared = [self.node("declare-const", name, "Real") for name in names]
        asserted = [self.node("assert", self.formula(tree)) for tree in [*map(box, NAMES[:INPUTS]), *trees]]
        self.rng.shuffle(asserted)
        return self.maybe() + "".join(part + self.gap() for part in [*declared, *asserted]) + self.maybe()


def box(name: str) -> Tree:
    one = {name: Fraction(1)}
    return ("and", [(">=", one, BOX[0]), ("<=", one, BOX[1])])


small = st.builds(Fraction, st.integers(-8, 8), st.sampled_from([1, 2, 4, 5, 10, 1000, 3]))
comparisons = st.builds(
    lambda op, coefficients, constant: (op, {n: c for n, c in coefficients.items() if c}, constant),
    st.sampled_from(["<=", ">=", "<", ">", "="]),
    st.dictionaries(st.sampled_from(NAMES), small, min_size=1, max_size=3),
    small,
)
trees = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=4)),
        st.tuples(st.just("not"), inner),
    ),
    max_leaves=10,
)
quarters = st.sampled_from([Fraction(n, 4) for n in range(-9, 10)])
samples = st.lists(st.lists(quarters, min_size=4, max_size=4), min_size=1, max_size=20)


def holds(asked: VnnLib1, sample: list[Fraction]) -> bool:
    x, y = ExactVector.of(sample[:INPUTS]), ExactVector.of(sample[INPUTS:])
    return any(case.holds(x, y) for case in asked.cases)


@settings(max_examples=300, deadline=None)
@given(st.lists(trees, min_size=1, max_size=3), samples, st.integers(0, 2**32))
def test_layout_and_notation_do_not_change_the_meaning(asserted: list[Tree], points: Any, seed: int) -> None:
    text = Writer(random.Random(seed)).file(asserted)
    asked = parse_vnnlib1(text)
    for sample in points:
        point = dict(zip(NAMES, sample, strict=True))
        inside = all(BOX[0] <= v <= BOX[1] for v in sample[:INPUTS])
        expected = inside and all(value(tree, point) for tree in asserted)
        assert holds(asked, sample) == expected, text


def plain(tree: Tree) -> Tree:
    """The formula without `not` and `=`, which the checker does not read."""
    op, *rest = tree
    if op in ("and", "or"):
        return op, [plain(part) for part in rest[0]]
    return plain(rest[0]) if op == "not" else ("<=" if op == "=" else op, *rest)


@settings(max_examples=300, deadline=None)
@given(st.lists(trees.map(plain), min_size=1, max_size=3), samples, st.integers(0, 2**32))
def test_the_checker_reads_no_smaller_set(asserted: list[Tree], points: Any, seed: int) -> None:
    """The checker's reader shares no code with the other: what it reads, it reads with all its solutions."""
    text = Writer(random.Random(seed)).file(asserted)
    try:
        disjuncts = read_property(text, INPUTS, OUTPUTS)
    except UnreadableError:
        return
    for sample in points:
        x, values = sample[:INPUTS], [*sample[INPUTS:], *sample[:INPUTS]]
        point = dict(zip(NAMES, sample, strict=True))
        inside = all(BOX[0] <= v <= BOX[1] for v in x)
        if inside and all(value(tree, point) for tree in asserted):
            assert any(
                all(a <= v <= b for a, v, b in zip(d.lower, x, d.upper, strict=True))
                and all(v <= limit for v, limit in zip(d.matrix @ np.array(values), d.offset, strict=True))
                for d in disjuncts
            ), text


# Errors about the whole file rather than a place in it.
WHOLE = re.compile(r"has no (lower|upper) bound|found \d+ declared|too many cases")
PIECES = [*"()|;\"=-+.0e \n\té\0", "<=", "and", "or", "not", "X_0", "Y_7", "1e99999", "nan", "declare-const", "(assert"]


def mutated(text: str, rng: random.Random) -> str:
    """The text with one to four cuts, insertions, copies or swaps."""
    for _ in range(rng.randint(1, 4)):
        at, size = rng.randrange(len(text) + 1), rng.choice([0, 1, 1, 3, 20])
        cut = text[at : at + size]
        change = rng.choice(["", rng.choice(PIECES), cut + cut, cut[::-1], cut.upper()])
        text = text[:at] + change + text[at + size :]
    return text


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(trees, min_size=1, max_size=3), st.integers(0, 2**32))
def test_a_broken_file_gives_an_error_with_its_name_and_line(tmp_path: Path, asserted: list[Tree], seed: int) -> None:
    rng = random.Random(seed)
    text = mutated(Writer(rng).file(asserted), rng)
    path = tmp_path / "broken.vnnlib"
    path.write_bytes(text.encode())
    try:
        asked = read_vnnlib1(path)
    except PropertyError as error:
        message = str(error)
        assert message.startswith((f"{path}: ", f"{path}, line "))
        assert "\n" not in message
        found = re.search(r"line (\d+)", message)
        assert found or WHOLE.search(message), message
        assert found is None or 1 <= int(found[1]) <= text.count("\n") + 1
    else:
        assert {len(case.inputs.lower) for case in asked.cases} <= {asked.inputs}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.booleans())
def test_noise_is_a_property_error(tmp_path: Path, data: bytes, packed: bool) -> None:
    path = tmp_path / "noise.vnnlib"
    path.write_bytes(gzip.compress(data)[: -1 or None] if packed else data)
    with pytest.raises(PropertyError, match=re.escape(str(path))):
        read_vnnlib1(path)


def test_the_command_line_never_shows_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng, refused = random.Random(7), 0
    half = [("or", [("<=", {"Y_0": Fraction(1)}, Fraction(n)) for n in range(3)])]
    for number in range(40):
        path = tmp_path / f"{number}.vnnlib"
        path.write_bytes(mutated(Writer(rng).file(half), rng).encode())
        try:
            read_vnnlib1(path)
        except PropertyError:
            refused += 1
            code = main(["verify", str(path), "--network", "xor"])
            out, err = capsys.readouterr()
            assert (code, out) == (2, "")
            assert err.startswith(f"error: {path}")
            assert err.count("\n") == 1
    assert refused > 10


@pytest.mark.parametrize("wide", [3000, 12000])
def test_disjuncts_cost_linear_time_and_stay_one_union(wide: int) -> None:
    parts = [("<=", {"Y_0": Fraction(1), "Y_1": Fraction(n)}, Fraction(1, n + 1)) for n in range(wide)]
    asked = parse_vnnlib1(Writer(random.Random(1)).file([("or", parts)]))
    (case,) = asked.cases
    assert len(case.unsafe.polytopes) == wide
