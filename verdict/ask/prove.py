"""Questions as one writes them: `prove(network, that=stays(y, 3), given=near(x, image, "0.02"))`.

What is asked becomes a VNN-LIB 1 query, "is there an input as given for which not that", and goes the way of every
query, certificates included. Inputs that take whole numbers only are branched on around it, until no witness is left
that has a fraction where none may be.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..answer.results import Certificate, Trust, Verdict, weakest
from ..base import arguments
from ..base.deadline import Deadline, limited
from ..base.errors import PropertyError
from ..base.writing import sealed, sealed_place
from ..property.expand import expanded
from ..property.language import Formula, Vector, all_of, inputs, outputs, query_text
from ..property.vnnlib1 import VnnLib1, parse_vnnlib1, query_of
from .arguments import formula, search_options
from .loading import Model, loaded
from .verify import verify
from .wording import names

if TYPE_CHECKING:
    from ..network.network import Network
    from ..property import Box

# What errors call a question that no file keeps.
UNNAMED = "the question"
# Pieces that branching on integer inputs may look at before it gives up.
MOST_PIECES = 10_000


def variables(network: Model, output: str | None = None) -> tuple[Vector, Vector]:
    """(x, y): the inputs and outputs of a network, flat, in its own units, to write formulas with; `output` names the
    one of several outputs that y is."""
    network = loaded(network, output)
    return inputs(network.input_size), outputs(network.output_size)


def question(network: Network, that: Formula, given: Formula) -> str:
    """The VNN-LIB 1 query that has no solution exactly where `that` holds for every input as `given`."""
    return query_text(all_of([given, ~that]), network.input_size, network.output_size)


def _unwritten(network: Network, that: Formula, given: Formula) -> VnnLib1:
    """The same query where no text of it is kept."""
    return query_of(all_of([given, ~that]), network.input_size, network.output_size, UNNAMED)


def emptiness(given: Formula, network: Network, within: Box | None = None) -> str:
    """Why no input, of the set `within` if there is one, is as given; "" where one may be."""
    from ..search.vacuous import NO_POINT, no_input

    cases, empty = expanded(given, network.input_size, network.output_size, UNNAMED)
    if cases:
        return NO_POINT if no_input(cases, within) else ""
    return empty or "the input set is empty: the condition contradicts itself"


def _beyond(reason: str) -> str:
    """What a query without solutions says of itself, where it is the violation that no input fulfils."""
    return _without_lines(reason).replace("the input set is empty", "no input violates the property")


def _without_lines(reason: str) -> str:
    """What contradicts what, without the lines of a query that nobody has seen."""
    return re.sub(r" \(line \d+\)", "", reason)


@limited
def prove(
    network: Model,
    that: Formula | str,
    given: Formula | str,
    *,
    output: str | None = None,
    integers: Sequence[int] = (),
    query: str | Path | None = None,
    timeout: float | None = None,
    **options: Any,
) -> Verdict:
    """Does `that` hold for every input as `given`? Status robust: yes; violated: no, with a witness; else unknown.

    `network` may also be a file, or a shipped model's name, and `output` names the one of its outputs that y is; else y
    are all outputs, one after another. `that` and `given` are formulas over the inputs x and outputs y of `variables`,
    or their text (docs/properties.md); `given` has to leave every input between two bounds. Where it leaves none, the
    property holds, and `reason` says so. `integers` are the numbers of inputs that take whole numbers only. `query`
    keeps the VNN-LIB 1 query in a file, which replaces nothing but such a file that nobody has changed; a certificate's
    is kept beside it (FILE.vnnlib). With integers it is the question without them, and there are no certificates.
    `timeout` is in seconds; the other options are those of `verdict.verify`. Raises PropertyError for a question that
    makes no sense, InputError for a file that cannot be written.
    """
    network, whole = loaded(network, output), sorted(set(arguments.wholes(integers, "integers")))
    options = search_options({"certificate": None, **options})
    timeout, query = arguments.seconds(timeout), arguments.optional_place(query, "query")
    words = names(network) if isinstance(that, str) or isinstance(given, str) else {}
    that, given = formula(that, words, "that"), formula(given, words, "given")
    deadline = Deadline(timeout)
    if any(not 0 <= i < network.input_size for i in whole):
        raise PropertyError(f"integer inputs {whole}: the network has inputs 0 to {network.input_size - 1}")
    certificate = options["certificate"]
    if query is not None:
        text = sealed(question(network, that, given))
        sealed_place(query).write(text.encode())
        asked = parse_vnnlib1(text, query)
    elif certificate is not None:
        # What is proved is what the text says that is kept beside the certificate.
        asked = parse_vnnlib1(question(network, that, given), UNNAMED)
    else:
        asked = _unwritten(network, that, given)
    if not whole:
        answer = verify(asked, network, timeout=timeout, **options)
        if answer.status == "robust":
            answer = replace(answer, reason=emptiness(given, network) or _beyond(answer.reason))
        if answer.certificate is None or query is None or answer.certificate.path is None:
            return answer
        return replace(answer, certificate=replace(answer.certificate, query=Path(query)))
    options = {name: value for name, value in options.items() if name != "certificate"}
    answer = _Branching(network, that, whole, deadline, options).run(given)
    made = None if certificate is None else Certificate(None, reason="certificates do not branch on whole numbers")
    return replace(answer, certificate=made)


class _Branching:
    """One question whose input set is cut into pieces until no witness has a fraction where none may be."""

    def __init__(
        self,
        network: Network,
        that: Formula,
        integers: Sequence[int],
        deadline: Deadline,
        options: dict[str, Any],
    ) -> None:
        self.network, self.that, self.integers = network, that, integers
        self.deadline, self.options = deadline, options
        self.x, _ = variables(network)

    def run(self, given: Formula) -> Verdict:
        answer, piece, open_ = self._ask(given), given, list[Formula]()
        if answer.status == "robust" and answer.reason:  # the input set is empty
            return self._ended(replace(answer, reason=_without_lines(answer.reason)))
        trusts: list[Trust] = []
        for _ in range(MOST_PIECES):
            if answer.status == "robust" and answer.trust is not None:
                trusts.append(answer.trust)
            elif answer.witness is None or not self._fractional(answer.witness.point.fractions()):
                return self._ended(answer)
            else:
                point = answer.witness.point.fractions()
                whole = self._ask(piece & self._rounded(point))
                if whole.status == "violated":
                    return self._ended(whole)
                open_ += self._halves(piece, point)
            if not open_:
                return self._proved(answer, trusts)
            piece = open_.pop()
            # Of a piece without a point, between two whole numbers, everything holds.
            answer = self._ask(piece)
        reason = f"more than {MOST_PIECES} pieces of the integer inputs"
        return replace(self._ended(answer), status="unknown", trust=None, witness=None, semantics=(), reason=reason)

    def _ask(self, piece: Formula) -> Verdict:
        asked = _unwritten(self.network, self.that, piece)
        return verify(asked, self.network, timeout=self.deadline.limit(), **self.options)

    def _proved(self, last: Verdict, trusts: Sequence[Trust]) -> Verdict:
        from ..answer.evidence import Evidence
        from ..answer.gate import judge

        # That nothing is left between two whole numbers is plain arithmetic.
        evidence = Evidence(proof=weakest(Trust.EXACT, *trusts), stages=last.stages)
        return judge(self.network, evidence, None, last.engine, self.deadline.elapsed())

    def _ended(self, answer: Verdict) -> Verdict:
        return replace(answer, seconds=self.deadline.elapsed())

    def _fractional(self, point: Sequence[Fraction]) -> list[int]:
        return [i for i in self.integers if point[i].denominator != 1]

    def _rounded(self, point: Sequence[Fraction]) -> Formula:
        """The point itself, its integer inputs rounded."""
        values = [Fraction(round(p)) if i in self.integers else p for i, p in enumerate(point)]
        return all_of(v == p for v, p in zip(self.x, values, strict=True))

    def _halves(self, piece: Formula, point: Sequence[Fraction]) -> list[Formula]:
        """Two pieces without this point, split on the integer input that is farthest from whole."""
        i = max(self._fractional(point), key=lambda i: min(point[i] % 1, 1 - point[i] % 1))
        below = point[i].numerator // point[i].denominator
        return [piece & (self.x[i] <= below), piece & (self.x[i] >= below + 1)]
