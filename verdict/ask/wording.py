"""The words that a formula as text may use about one network and, where there is one, one input of it.

They are those of `verdict.property.language.words`; here they get to know the network: its numbers of inputs and
outputs, which outputs are class scores, and the class of the input.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from ..base.errors import InputError
from ..network.exact import ExactVector
from ..network.network import Network
from ..property.language import Formula, Vector, inputs, outputs
from .arguments import formula
from .parts import Aim


def names(
    network: Network,
    center: ExactVector | None = None,
    label: int | None = None,
    shape: Sequence[int] | None = None,
) -> dict[str, Any]:
    """The vocabulary; `label` is by default the network's own class of the input, `shape` that of the input tensor."""
    from ..network.evaluate import classify
    from ..ops.importer.outputs import classes
    from ..property.language.named import named
    from ..property.language.words import words

    x, y = named_variables(network)
    if shape is None:
        shape = network.inputs[0].shape if len(network.inputs) == 1 else ()
    if center is not None and label is None:
        with contextlib.suppress(InputError):  # no output is one of classes: the words that speak of one will say so
            label = classify(network.evaluate(center.floats()[None])[0][classes(network)])
    points = None if center is None else center.fractions()
    known = words(x, y, points, label, shape, lambda: y[classes(network)])
    return named(known, x, network.features, network.classes)


def named_variables(network: Network) -> tuple[Vector, Vector]:
    """The inputs and outputs with their names, where they are known; outputs are not where they are not the classes."""
    size = network.output_size
    return inputs(network.input_size, network.features), outputs(
        size, network.classes if len(network.classes) == size else ()
    )


def refuse_unused(that: Any, given: Any, label: Any, target: Any) -> None:
    """Raise InputError for a label or a target that a question about a formula would leave unsaid."""
    from ..property.language.written import asks_for_label

    if that is None:
        return
    if target is not None:
        raise InputError("a target goes with the class alone: with a formula (that) write beats(TARGET)")
    if label is not None and not any(isinstance(f, str) and asks_for_label(f) for f in (that, given)):
        raise InputError("the formula (that) does not use the label: write stays(), margin(M), top(K) or label")


def read_formulas(
    network: Network, center: ExactVector, aim: Aim, given: Formula | str | None, shape: Sequence[int] | None = None
) -> tuple[Formula | None, Formula | None]:
    """What is to hold and the condition, from text where they are that; None where they are not given."""
    is_text = isinstance(aim.that, str) or isinstance(given, str)
    known = names(network, center, aim.label, shape) if is_text else {}
    found = (None if f is None else formula(f, known, w) for f, w in ((aim.that, "that"), (given, "given")))
    return next(found), next(found)
