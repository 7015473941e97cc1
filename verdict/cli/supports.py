"""`verdict supports`: what can be verified, in the terms of the VNN-LIB standard (section 5.4).

Tools ask this before they send a query. Element types are those over which proofs hold: the real numbers. Queries in
float32 and float64 are answered too, see docs/vnnlib.md, but what is proved of them is proved over the reals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from verdict.cli.declared import Argument
from verdict.cli.exitcodes import OK
from verdict.cli.printing import put


def _opsets() -> list[str]:
    from verdict.ops.importer.onnx_import import OPSETS

    return [str(OPSETS[0]), str(OPSETS[-1])]


# What is read of an operator that is not read wherever it stands; tools take such a line for no claim.
_PARTLY = {
    "ArgMax": "at the output",
    "Cast": "to float32 and float64",
    "LogSoftmax": "at the output",
    "Mul": "by constants and by itself",
    "Sigmoid": "inside, and at the output its scores",
    "Softmax": "at the output",
    "Where": "where it is continuous",
}


def _operators() -> list[str]:
    from verdict.ops.lowering import operators
    from verdict.ops.smooth import exponents

    names = sorted(name for name, operator in operators().items() if operator.lower is not None)
    partly = {**_PARTLY, "Pow": f"by a constant: {exponents('and')}"}
    return [f"{name} * {partly[name]}" if name in partly else name for name in names]


def _engines() -> list[str]:
    from verdict.search.engines.registry import engines

    return [f"{name} * {', '.join(e.features.sets)}; proofs: {e.features.exactness}" for name, e in engines().items()]


# The theories of section 4: hidden nodes, inputs and outputs, networks, comparisons, arithmetic.
CAPABILITIES: dict[str, Callable[[], list[str]]] = {
    "onnx-opset-versions": _opsets,
    "onnx-element-types": lambda: ["real"],
    "onnx-operators": _operators,
    "vnnlib-versions": lambda: ["1.0", "2.0"],
    "hidden-node-theories": lambda: ["NH", "H"],
    "multiple-input-output-theories": lambda: ["SIO", "MIO"],
    # The standard's own parser refuses other types.
    "multiple-network-theories": lambda: ["SNET", "MENET", "MINET * networks of the same element types", "MNET"],
    "multiple-node-comparison-theories": lambda: ["SNC", "MNC"],
    "arithmetic-complexity-theories": lambda: ["BND", "OUTC", "LIN", "POLY"],
    "optimised-disjunctive-reasoning": lambda: ["true"],
    "serialise-assignments": lambda: ["true"],
}
# Not the standard's: what `--engine` may be.
OWN = {"engines": _engines}
# The standard's own example spells this one differently.
_ALIASES = {"multiple-inputs-output-theories": "multiple-input-output-theories"}


def command(
    capability: Annotated[str, Argument(metavar="--CAPABILITY", help="One of " + ", ".join(CAPABILITIES) + ".")],
) -> int:
    """Say what Verdict supports, one answer a line, as the VNN-LIB standard asks."""
    from verdict.base.errors import InputError

    name = capability.removeprefix("--")
    answer = (CAPABILITIES | OWN).get(_ALIASES.get(name, name))
    if answer is None:
        raise InputError(f"{capability} is no capability, expected one of --{', --'.join(CAPABILITIES)}")
    put("\n".join(answer()))
    return OK
