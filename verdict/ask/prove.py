"""Questions as one writes them: `prove(network, that=stays(y, 3), given=near(x, image, "0.02"))`.

What is asked becomes a VNN-LIB 1 query, "is there an input as given for which not that", and goes the way of every
query, certificates included. Inputs that take whole numbers only are branched on around it, until no witness is left
that has a fraction where none may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..answer.results import Certificate, Verdict
from ..base.deadline import limited
from ..base.errors import PropertyError
from ..base.writing import sealed, sealed_place
from ..property.language import Formula, Vector
from ..property.vnnlib1 import parse_vnnlib1
from .answering import ask_with
from .arguments import formula
from .integers import NO_CERTIFICATE, Cuts, decide_whole
from .loading import Model, loaded
from .prepared import center_of
from .queries import UNNAMED, asked_as_query, beyond, emptiness, unwritten
from .question import Question
from .run import Run
from .verify import decided
from .wording import named_variables, names, read_formulas

if TYPE_CHECKING:
    from ..network.network import Network


def variables(network: Model, output: str | None = None) -> tuple[Vector, Vector]:
    """(x, y): the inputs and outputs of a network, flat, in its own units, to write formulas with; `output` names the
    one of several outputs that y is. Where features and classes have names, these are indices too: `x["age"]`.

    Raises ModelError and what else `load` raises, InputError for an output that is not there.

    >>> import verdict
    >>> x, y = verdict.variables("xor")
    >>> len(x), len(y)
    (2, 2)
    """
    return named_variables(loaded(network, output))


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

    >>> import verdict
    >>> x, y = verdict.variables("xor")
    >>> verdict.prove("xor", that=y[0] + y[1] == 1, given=(x >= 0) & (x <= 1)).status
    'robust'

    Source: Katz et al. 1702.01135 (properties as F and not G); docs/properties.md.
    """
    question = Question.of("prove", [network], that=that, given=given, output=output, integers=integers)
    found: Verdict = ask_with(question, {"timeout": timeout, "query": query, **options})
    return found


def answer(question: Question, run: Run) -> Verdict:
    """The answer to a question of the kind prove."""
    network, point, aim = question.model.load(), question.point, question.aim
    whole = Cuts(network.input_size, question.domain.integers or (), PropertyError)
    given = question.domain.given
    if point is None:
        words = names(network) if isinstance(aim.that, str) or isinstance(given, str) else {}
        that, given = formula(aim.that, words, "that"), formula(given, words, "given")
    else:
        read = read_formulas(network, center_of(network, point.values()), aim, given, point.image)
        that, given = formula(read[0], {}, "that"), formula(read[1], {}, "given")
    kept = run.options.query
    if not whole.integers:
        return proved(network, that, given, run, kept)
    if kept is not None:
        _keep(asked_as_query(network, that, given), kept)

    def under(condition: Formula) -> Verdict:
        part = Run(run.within(run.whole, certificate=None), run.on_progress)
        return proved(network, that, given & condition, part)

    found = decide_whole(network, whole, under, run.whole)
    return found if run.certificate is None else replace(found, certificate=Certificate(None, reason=NO_CERTIFICATE))


def proved(network: Network, that: Formula, given: Formula, run: Run, kept: str | Path | None = None) -> Verdict:
    """The answer to "does `that` hold for every input as `given`", with the query kept in a file if one is named."""
    if kept is not None:
        asked = parse_vnnlib1(_keep(asked_as_query(network, that, given), kept), kept)
    elif run.certificate is not None:
        # What is proved is what the text says that is kept beside the certificate.
        asked = parse_vnnlib1(sealed(asked_as_query(network, that, given)), UNNAMED)
    else:
        asked = unwritten(network, that, given)
    found = decided(asked, network, run)
    if found.status == "robust":
        found = replace(found, reason=emptiness(given, network) or beyond(found.reason))
    if kept is None or found.certificate is None or found.certificate.path is None:
        return found
    return replace(found, certificate=replace(found.certificate, query=Path(kept)))


def _keep(text: str, place: str | Path) -> str:
    """Write a query to a file; the text that is there then."""
    text = sealed(text)
    sealed_place(Path(place)).write(text.encode())
    return text
