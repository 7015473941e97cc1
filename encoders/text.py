"""What a solver is asked, as text that people and other solvers read: SMT-LIB 2, LP and MPS.

The SMT-LIB script is the question itself, in exact rationals: sat if and only if there is a solution over the reals.
LP and MPS hold the model of one case and polytope, min margin: the network reaches the polytope where the least
margin is at most 0. They are what `encoders.smt` and `encoders.milp` give the engines, with names and comments.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from verdict.base.visible import visible
from verdict.bounds import Bounds
from verdict.encoders import smt
from verdict.encoders.envelopes import Relaxation, lacking
from verdict.encoders.writer import Encoding
from verdict.network.functions import Feature
from verdict.network.graph import Graph, kind_of
from verdict.property import Box
from verdict.property.formula import Formula, comparisons
from verdict.property.vnnlib_linear import Variable
from verdict.solvers import mps
from verdict.solvers.model import LinearModel

# Into how many pieces a function is cut that a script relaxes.
PIECES = 4
# LP readers have a limit on the length of a line, of 255 characters or more.
_LINE = 200


def smt2(
    formula: Formula, graph: Graph, box: Box, bounds: Bounds, names: Mapping[Variable, str], comments: Sequence[str]
) -> Iterator[str]:
    """The pieces of a script; `box` holds every solution, and `bounds` on it enter as lemmas. What has no formula is
    relaxed (`relaxed`)."""
    products = any(c.polynomial.degree > 1 for c in comparisons(formula))
    relaxation = Relaxation(graph, bounds, lacking(graph))
    relaxation.halve(PIECES - 1)
    yield "".join(f"; {visible(comment)}\n" for comment in comments) + smt.prelude(graph, products, relaxation)
    yield "; the inputs\n" + "".join(f";   {smt.name(0, i)} is {names[i]}\n" for i in range(graph.input_size)).rstrip()
    yield smt.inputs_in_box(box)
    pieces = list(smt.network(graph, bounds, relaxation=relaxation))
    for number, piece in zip(range(1, len(graph.nodes)), pieces, strict=True):
        node = graph.nodes[number]
        origin = graph.names[number] if number < len(graph.names) else ""
        yield f"; node {number}, {kind_of(node)} of {node.size}{f', {origin}' if origin else ''}\n{piece}"
    outputs = (f";   {smt.name(graph.output, i)} is {names[-1 - i]}\n" for i in range(graph.output_size))
    yield "; the outputs\n" + "".join(outputs).rstrip()
    yield "; what is asked\n" + smt.formula(formula, graph, bounds)
    yield "(check-sat)\n(get-model)\n"


def relaxed(graph: Graph, feature: Feature) -> list[str]:
    """What a formula says first that relaxes the functions without a feature, if there are any."""
    names = sorted({bent.name for bent in graph.bent.values() if not bent.has(feature)})
    if not names:
        return []
    return [
        f"A RELAXATION: the value of each {', '.join(names)} is any number between lines around it, in {PIECES} pieces",
        "no solution here: there is none over the real numbers; a solution here says nothing",
    ]


def column_names(encoding: Encoding, graph: Graph) -> list[str]:
    """Names of a model's columns: inputs x0, x1, ...; for neuron i of ReLU node k its pre-activation zk_i, its value
    yk_i where that is another column, and the binary ak_i; t0, t1, ... of the input set; what is left is the margin.

    Of entry i of a relaxed node k there are its value yk_i and what it reads, zk_i and wk_i; of its piece j the binary
    ak_i_j and copies of these.
    """
    names = ["margin"] * encoding.model.columns
    names[: encoding.input_size] = [f"x{i}" for i in range(encoding.input_size)]
    for i, column in enumerate(encoding.auxiliary.tolist()):
        names[column] = f"t{i}"
    for node, envelope in encoding.envelopes.items():
        letters = [*"zw"[: len(envelope.sources)], "y"]
        for letter, numbers in zip(letters, [*(s for _, s in envelope.sources), envelope.value], strict=True):
            for i, column in enumerate(numbers.columns.tolist()):
                names[column] = f"{letter}{node}_{i}"
        for i, k, columns in envelope.choices:
            for letter, column in zip(["a", *letters], columns, strict=True):
                names[column] = f"{letter}{node}_{i}_{k}"
    matrix = encoding.model.matrix
    for node, (neurons, first, _) in encoding.definitions.items():
        for k, neuron in enumerate(neurons.tolist()):
            # The row M x - z = -c ends in its own column, the youngest.
            row = slice(matrix.indptr[first + k], matrix.indptr[first + k + 1])
            names[int(matrix.indices[row].max())] = f"z{node}_{neuron}"
        relu = encoding.relus[node]
        for neuron, after, binary in zip(relu.neurons.tolist(), relu.after.tolist(), relu.binary.tolist(), strict=True):
            names[after], names[binary] = f"y{node}_{neuron}", f"a{node}_{neuron}"
    return names


def units(encoding: Encoding) -> Iterator[str]:
    """A remark on each neuron that the model counts in units of its own, because its bounds are tiny."""
    for node, (neurons, _, scales) in encoding.definitions.items():
        for neuron, scale in zip(neurons.tolist(), scales.tolist(), strict=True):
            if scale != 1:
                yield f"z{node}_{neuron} (and y{node}_{neuron}) in units of {scale!r}"
    for node, envelope in encoding.envelopes.items():
        named = [*zip("zw", (s for _, s in envelope.sources), strict=False), ("y", envelope.value)]
        for letter, numbers in named:
            for i in np.flatnonzero(numbers.unit != 1).tolist():
                unit, middle = float(numbers.unit[i]), float(numbers.middle[i])
                yield f"{letter}{node}_{i} from {middle!r} on in units of {unit!r}"


def write_mps(model: LinearModel, names: Sequence[str], comments: Sequence[str], path: Path) -> None:
    """A free MPS file."""
    mps.write(model, path, names, [visible(comment) for comment in comments])


def write_lp(model: LinearModel, names: Sequence[str], comments: Sequence[str], path: Path) -> None:
    """A file in the LP format of CPLEX, which HiGHS, SCIP, CBC and Gurobi read; every number in full precision."""
    with path.open("w", encoding="ascii") as out:
        out.writelines(f"\\ {visible(comment)}\n" for comment in comments)
        costs = [(float(c), name) for c, name in zip(model.objective, names, strict=True) if c]
        out.write(f"Minimize\n obj: {_sum(costs)}\nSubject To\n")
        for i, (low, high) in enumerate(zip(model.row_lower.tolist(), model.row_upper.tolist(), strict=True)):
            span = slice(model.matrix.indptr[i], model.matrix.indptr[i + 1])
            columns, data = model.matrix.indices[span].tolist(), model.matrix.data[span].tolist()
            left = _sum([(a, names[j]) for a, j in zip(data, columns, strict=True)] or [(0.0, names[0])])
            sides = [("=", low)] if low == high else [(">=", low), ("<=", high)]
            for relation, side in sides:
                if math.isfinite(side):
                    out.write(f" r{i}{'u' if relation == '<=' else ''}: {left} {relation} {side + 0.0!r}\n")
        out.write("Bounds\n")
        for name, low, high in zip(names, model.lower.tolist(), model.upper.tolist(), strict=True):
            ends = (_end(low), name, _end(high))
            out.write(f" {name} free\n" if math.isinf(low) and math.isinf(high) else f" {' <= '.join(ends)}\n")
        whole = [name for name, integer in zip(names, model.integer, strict=True) if integer]
        if whole:
            out.write("General\n" + "".join(f" {name}\n" for name in whole))
        out.write("End\n")


def _end(value: float) -> str:
    return repr(value) if math.isfinite(value) else "-inf" if value < 0 else "+inf"


def _sum(terms: Sequence[tuple[float, str]]) -> str:
    """The sum, on as many lines as its length asks for."""
    lines, line = [], ""
    for c, name in terms:
        sign = "-" if math.copysign(1.0, c) < 0 else "+"
        part = f"{sign} {abs(c)!r} {name}"
        if len(line) + len(part) > _LINE:
            lines.append(line)
            line = " "
        line = f"{line} {part}"
    return "\n".join([*lines, line]).strip()
