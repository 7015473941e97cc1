"""Proved radii as a score of scikit-learn's model selection: `cross_val_score(model, X, y, scoring=RadiusScorer())`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .base.errors import InputError
from .base.number import Number, radius_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from .answer.table import Certified, Radii

__all__ = ["RadiusScorer"]


@dataclass
class RadiusScorer:
    """A scorer for `scoring=` of `cross_val_score`, `GridSearchCV` and the like: larger is more robust.

    Without `eps` the score is the mean proved radius, in the units of X; an input that does not get its true class has
    the radius 0. With `eps` it is the certified accuracy there: the share of inputs, between 0 and 1, whose true class
    is proved to stay within `eps`. What is left open counts as not proved, so a limit can only lower the score.

    `most` is how many inputs of each fold are asked, the first ones, None for all; `timeout` is in seconds for each
    input. `options` are those of `verdict.radii` and `verdict.certify`: range, norm, engine, ... `table` is the table
    of the last fold. The estimator is one that `verdict.load` takes. Raises InputError, ModelError and
    UnsupportedError.

    >>> from verdict.sklearn import RadiusScorer
    >>> RadiusScorer(eps="0.1", timeout=2, range=(0, 1))
    RadiusScorer(eps='0.1', most=None, timeout=2, options={'range': (0, 1)})

    Source: certified accuracy as in Wong & Kolter 1711.00851.
    """

    eps: Number | None = None
    most: int | None = None
    timeout: float | None = 10
    options: dict[str, Any] = field(default_factory=dict)
    table: Certified | Radii | None = field(default=None, repr=False, compare=False)

    def __init__(
        self, eps: Number | None = None, *, most: int | None = None, timeout: float | None = 10, **options: Any
    ) -> None:
        if eps is not None:
            radius_of(eps)
        if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 1):
            raise InputError(f"most is {most!r}, expected a number of inputs, at least 1")
        self.eps, self.most, self.timeout, self.options, self.table = eps, most, timeout, options, None

    def __call__(self, estimator: Any, X: npt.ArrayLike, y: npt.ArrayLike) -> float:
        """The score of a fitted estimator on inputs X, (count, features), with classes y, (count,). Raises as above."""
        from .ask.loading import load
        from .ask.many import certify, radii

        network, count = load(estimator), self.most
        said: dict[str, Any] = {"timeout": self.timeout, "progress": False, **self.options}
        inputs, labels = _first(X, count), _first(y, count)
        if self.eps is not None:
            table = certify(network, inputs, labels, eps=self.eps, **said)
            self.table, shares = table, table.accuracy
            return shares[0].accuracy if shares else 0.0
        found = radii(network, inputs, labels, **said)
        self.table = found
        return found.mean


def _first(values: Any, count: int | None) -> Any:
    """The first rows, of an array or a table."""
    import numpy as np

    return np.asarray(values)[:count]
