"""Networks with weights by hand, and their evaluation in float32 in an order of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from support.networks import Draft
from verdict.certificate.proof import Goal, Part, ProofTree
from verdict.certificate.write import robust_claim, write_certificate

Layer = tuple[Sequence[Sequence[float]], Sequence[float]]


def layers(path: Path, *parts: Layer) -> Path:
    """A fully connected network: rows of weights and biases of each layer, a ReLU after all but the last."""
    draft, last = Draft(np.random.default_rng(0)), "x"
    for number, (rows, bias) in enumerate(parts):
        weight = draft.constant(np.array(rows, np.float32))
        last = draft.add("Gemm", last if number == 0 else draft.add("Relu", last), weight,
                         draft.constant(np.array(bias, np.float32)), transB=1)
    return draft.save(path, (len(parts[0][0][0]),), len(parts[-1][1]), last)


def in_order(terms: Iterable[float], order: Callable[[list[Any]], Iterable[Any]] = list) -> np.float32:
    """The float32 sum of terms, one after the other, in the order that `order` puts them."""
    total = np.float32(0)
    for term in order([np.float32(t) for t in terms]):
        total = np.float32(total + term)
    return total


def one_leaf(model: Path, center: Sequence[Fraction], eps: Fraction = Fraction(0), classes: int = 2) -> Path:
    """A certificate of one leaf for "class 0 stays", beside the model: the bounds of the whole box must do."""
    parts = [Part(True, [Goal(list(range(classes - 1)), ProofTree())])]
    return write_certificate(model.with_suffix(".vcert"), robust_claim(center, eps, 0), model.read_bytes(), parts)
