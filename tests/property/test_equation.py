"""Equations as text: what is read, and what is refused with its place."""

from __future__ import annotations

from fractions import Fraction

import pytest

from verdict.base.errors import PropertyError
from verdict.property.language.equation import PI_VALUE, domain_of, names_of, number_in, place_of, read


def test_numbers() -> None:
    for text, value in (
        ("2 + 3*4", 14), ("-2^2", -4), ("2^3", 8), ("(1 - 3)/4", Fraction(-1, 2)),
        ("0.01/pi", Fraction(1, 100) / PI_VALUE),
        ("1e-3", Fraction(1, 1000)), (".5 - -1", Fraction(3, 2)), ("2**2**2", 16),
    ):  # fmt: skip
        assert number_in(text, "it") == value
        assert number_in(str(read(text)), "it") == value


@pytest.mark.parametrize(("text", "said"), [
    ("1 +", "found the end at character 4"), ("u $ 2", "found '\\$' at character 3"), ("sin(x", "found the end at"),
    ("d(u)", "found '\\)' at character 4"), ("d(u, 2)", "found '2' at character 6"),
    ("u x", "found 'x' at character 3"),
    ("d(u, x, 1.5)", "found '1.5' at character 9"), ("", "found the end at character 1"), ("(" * 90 + "1", "nested"),
    ("u)", "found '\\)' at character 2"),
])  # fmt: skip
def test_what_is_no_equation(text: str, said: str) -> None:
    with pytest.raises(PropertyError, match=said):
        read(text)


def test_domains() -> None:
    assert domain_of("t:0:1, x:-1:1/2", ("t", "x")) == {"t": (0, 1), "x": (-1, Fraction(1, 2))}
    assert place_of("t=0,x=pi/2", ("t", "x")) == {"t": 0, "x": PI_VALUE / 2}
    for text, said in (
        ("t:0", "'t:0', expected VARIABLE:LOW:HIGH"), ("y:0:1", "names 'y'"), ("t:1:0", "low <= high"),
        ("t:0:1,t:0:1", "'t' twice"), ("t:0:u", "expected a number"), ("t:0:1:2", "expected VARIABLE"),
    ):
        with pytest.raises(PropertyError, match=said):
            domain_of(text, ("t", "x"))
    with pytest.raises(PropertyError, match="VARIABLE=NUMBER"):
        place_of("t:0", ("t",))
    for text in ("u,u", "sin", "", "u_x", "d", "2"):
        with pytest.raises(PropertyError):
            names_of(text, "unknown")
