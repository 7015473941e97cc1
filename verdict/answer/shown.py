"""How an answer shows itself: one short line in Python, a small page in a notebook, a picture when asked for one.

`lines` has the texts, `html` and `plot` lay them out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..base.errors import InputError, VerdictError
from .decimals import above
from .lines import certificate_line, ends

if TYPE_CHECKING:
    from .about import About
    from .results import Radius, Verdict, Witness


class Short:
    """What says itself in one line: its repr."""

    def __repr__(self) -> str:
        return f"<{_SHORT[type(self).__name__](self)}>"


class Shown(Short):
    """An answer that shows itself; `about` finds what it is about, where it is about an input."""

    about: Callable[[], About | None] | None = None

    def _repr_html_(self) -> str:
        from .html import page

        return page(self)

    def statement(self, form: str = "md") -> str:
        """The certification statement of an answer: `form` is md, Markdown, or json (docs/statement.schema.json).

        It names the models and the input with their SHA-256, the property, the threshold and the range, what stands
        behind it, and what was not shown. Raises InputError for an answer that was not asked for, but made by hand.
        """
        from .statement import statement

        if form not in ("md", "json"):
            raise InputError(f"a statement's form is {form!r}, expected md or json")
        made = statement(self)
        return made.markdown() if form == "md" else json.dumps(made.to_dict(), indent=2, allow_nan=False) + "\n"

    def plot(self) -> Any:
        """Draw the answer with Matplotlib and return the axes.

        An image is drawn beside its witness and their difference, other inputs as the entries that moved; an answer
        without a witness as its interval. Raises InputError where Matplotlib is not installed.
        """
        from .plot import drawn

        return drawn(self)


def _change(answer: Verdict | Radius) -> str:
    """The class, and the one that it changes to, by their names where the network has any."""
    if answer.label is None:
        return ""
    try:
        about = None if answer.about is None else answer.about()
    except VerdictError:  # the model's file is gone, and so is nothing else
        about = None
    names = () if about is None else about.classes
    label, target = (str(k) if k is None or k >= len(names) else names[k] for k in (answer.label, answer.target))
    return f", class {label}" if answer.target is None else f", class {label} -> {target}"


def _short_witness(witness: Witness) -> str:
    far = "" if witness.radius is None else f" at {above(witness.radius)}"
    where = "ONNX Runtime too" if witness.deployed else "over the reals"
    return f"Witness {len(witness.point.numerators)} entries{far}: {witness.unsafe}, {where}"


def _short_reason(reason: str) -> str:
    return f": {reason if len(reason) <= 80 else reason[:77] + '...'}" if reason else ""


_SHORT: dict[str, Callable[[Any], str]] = {
    "Verdict": lambda a: f"Verdict {a.status}{_change(a)}" + (f", {a.trust}" if a.trust else _short_reason(a.reason)),
    "Radius": lambda a: f"Radius {ends(a)}, {a.status}{_change(a)}, {a.lower_trust}",
    "Largest": lambda a: f"Largest {ends(a)}, {a.status}, {a.upper_trust}",
    "Pruning": lambda a: f"Pruning {ends(a)}, {a.status}, {a.removed} of {a.weights} weights, {a.trust}",
    "Certificate": lambda a: f"Certificate {certificate_line(a)}",
    "Witness": _short_witness,
}
