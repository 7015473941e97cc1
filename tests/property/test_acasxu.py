"""The ACAS Xu properties in the vocabulary are those of the VNN-LIB files: the same sets exactly, the same answers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from support.networks import Draft

import verdict
from verdict.base.errors import PropertyError
from verdict.network.exact import ExactVector
from verdict.property.language import all_of, inputs, outputs, query_text
from verdict.property.language.acasxu import PROPERTIES, acasxu
from verdict.property.vnnlib1 import VnnLib1, parse_vnnlib1

DISTANT = "0.6 0.679857769 -0.5 0.5 -0.5 0.5 0.45 0.5 -0.5 -0.45"
LEFT = "-0.129289109 0.700434925 0.11140846 0.499999896 -0.499999896 -0.499204121 -0.5 0.5 -0.5 0.5"
RIGHT = "-0.129289109 0.700434925 -0.499999896 -0.11140846 -0.499999896 -0.499204121 -0.5 0.5 -0.5 0.5"
# What the files say: the ends of X_0 to X_4 in each box, and the unsafe outputs; "01" stands for (<= Y_0 Y_1).
FILES: dict[int, tuple[list[str], str | list[str]]] = {
    1: ([DISTANT], "(>= Y_0 3.991125645861615)"),
    2: ([DISTANT], ["10 20 30 40"]),
    3: (["-0.303531156 -0.298552812 -0.009549297 0.009549297 0.493380324 0.5 0.3 0.5 0.3 0.5"], ["01 02 03 04"]),
    4: (
        ["-0.303531156 -0.298552812 -0.009549297 0.009549297 0.0 0.0 0.318181818 0.5 0.083333333 0.166666667"],
        ["01 02 03 04"],
    ),
    5: (
        [
            "-0.324274257 -0.321785085 0.031830989 0.063661977 -0.499999896 -0.499204121 -0.5 -0.227272727 "
            "-0.5 -0.166666667"
        ],
        ["04", "14", "24", "34"],
    ),
    6: ([LEFT, RIGHT], ["10", "20", "30", "40"]),
    7: (
        ["-0.328422877 0.679857769 -0.499999896 0.499999896 -0.499999896 0.499999896 -0.5 0.5 -0.5 0.5"],
        ["30 31 32", "40 41 42"],
    ),
    8: (
        [
            "-0.328422877 0.679857769 -0.499999896 -0.374999922 -0.015915494 0.015915494 -0.045454545 0.5 "
            "0.0 0.5"
        ],
        ["20 21", "30 31", "40 41"],
    ),
    9: (
        [
            "-0.295233916 -0.212261512 -0.063661977 -0.022281692 -0.499999896 -0.498408347 -0.5 -0.454545455 "
            "-0.5 -0.375"
        ],
        ["03", "13", "23", "43"],
    ),
    10: (
        ["0.268978427 0.679857769 0.11140846 0.499999896 -0.499999896 -0.498408347 0.227272727 0.5 0.0 0.5"],
        ["10", "20", "30", "40"],
    ),
}


def file_text(number: int) -> str:
    """The VNN-LIB 1 text of a property."""
    boxes, unsafe = FILES[number]
    declared = [f"(declare-const {letter}_{i} Real)" for letter in "XY" for i in range(5)]
    inside = []
    for ends in boxes:
        numbers = ends.split()
        pairs = [f"(>= X_{i} {numbers[2 * i]}) (<= X_{i} {numbers[2 * i + 1]})" for i in range(5)]
        inside.append(f"(and {' '.join(pairs)})")
    if isinstance(unsafe, str):
        outside = [unsafe]
    else:
        rows = [[f"(<= Y_{a} Y_{b})" for a, b in polytope.split()] for polytope in unsafe]
        outside = [f"(and {' '.join(row)})" for row in rows]
    return "\n".join([*declared, f"(assert (or {' '.join(inside)}))", f"(assert (or {' '.join(outside)}))"])


def sets(query: VnnLib1) -> Any:
    """Its boxes and polytopes as numbers, in an order of their own."""
    return sorted(
        (case.inputs.lower, case.inputs.upper, case.strict, sorted(
            sorted((tuple(row), limit) for row, limit in zip(
                polytope.matrix.fractions().tolist(), polytope.offset.fractions().ravel().tolist(), strict=True
            ))
            for polytope in case.unsafe.polytopes
        ))
        for case in query.cases
    )


@pytest.mark.parametrize("number", PROPERTIES)
def test_the_sets_are_the_files(number: int) -> None:
    that, given = acasxu(number, inputs(5), outputs(5))
    asked = parse_vnnlib1(query_text(all_of([given, ~that]), 5, 5))
    assert sets(asked) == sets(parse_vnnlib1(file_text(number)))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> verdict.Network:
    """Five inputs, two layers of ReLUs and five scores, as ACAS Xu has them, small."""
    draft = Draft(np.random.default_rng(0))
    hidden = draft.add("Relu", draft.gemm(draft.add("Relu", draft.gemm("x", 5, 6)), 6, 6))
    path = draft.save(tmp_path_factory.mktemp("acasxu") / "small.onnx", (5,), 5, draft.gemm(hidden, 6, 5))
    return verdict.load(path)


@pytest.mark.parametrize("number", PROPERTIES)
def test_the_answers_are_the_files(number: int, network: verdict.Network) -> None:
    x, y = verdict.variables(network)
    that, given = acasxu(number, x, y)
    said = verdict.prove(network, that, given, timeout=60)
    asked = parse_vnnlib1(file_text(number))
    assert said.status == verdict.verify(asked, network, engine="smt", timeout=60).status
    assert said.status in ("robust", "violated")
    if said.witness is not None:
        point = said.witness.point.fractions()
        assert given.holds(point, ())
        assert not that.holds(point, said.witness.outputs.fractions())
        return
    rng = np.random.default_rng(number)
    for case in asked.cases:
        for sample in case.inputs.sample(50, rng):
            point = [Fraction(value) for value in sample.tolist()]
            assert that.holds(point, network.evaluate_exact(ExactVector.of(point)).fractions())


def test_nonsense_is_refused() -> None:
    with pytest.raises(PropertyError, match="no property 11"):
        acasxu(11, inputs(5), outputs(5))
    with pytest.raises(PropertyError, match="2 inputs and 5 outputs"):
        acasxu(1, inputs(2), outputs(5))
