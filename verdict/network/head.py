"""Heads: what a file computes behind the network's scores and that keeps which of them is larger.

A head is a chain of steps that keep the order of the entries (Sigmoid, Softmax, Log, ...), and perhaps the choice of
the largest and the label that this class has. Verdict reasons about the scores, and asks ONNX Runtime for the file's
own answer: here is what that must be, how far rounding may move it, and what it says of the scores' order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from .exact import FloatArray

# A class as the file names it.
Label: TypeAlias = int | float | str
# Values and how far a run that rounds may be from them.
Spread: TypeAlias = tuple[FloatArray, FloatArray]
# What one step of ONNX Runtime in float32 may add, absolutely: its functions are approximations.
ROUNDING = 1e-6


@dataclass(frozen=True)
class Head:
    """The steps behind the scores, first to last, and the labels of the classes where the largest is chosen.

    `is_single`: the file gives one number, a probability z, and the scores are 0 and its logit. `keys` are those of the
    maps that a ZipMap makes of the numbers. `is_closed`: of a comparison, whether it holds where the number in front is
    0; None where that differs from entry to entry.
    """

    steps: tuple[str, ...] = ()
    labels: tuple[Label, ...] | None = None
    keys: tuple[Label, ...] | None = None
    is_single: bool = False
    is_closed: bool | None = False

    def __str__(self) -> str:
        if self.labels is not None and not self.is_choice:
            return "ArgMax"
        return " of ".join(reversed(self.steps))

    @property
    def limits(self) -> str:
        """Where the head may stand, in words."""
        if self.is_open_choice:
            return (
                "a comparison is read where it is a number, cast to a float type, where a Where or a Mul chooses by "
                "it, and, of one number, at the output as the label of two classes"
            )
        return f"{self} is supported only at the output"

    def then(self, step: str) -> Head:
        """This head with one more step."""
        return replace(self, steps=(*self.steps, step))

    @property
    def is_choice(self) -> bool:
        """Whether it ends with a comparison of the number in front of it with the value of the steps at 0."""
        return self.steps[-1:] == (COMPARISON,)

    @property
    def is_open_choice(self) -> bool:
        """The same, and no label is made of it: 1 where it holds, and else 0."""
        return self.is_choice and self.labels is None

    @property
    def is_sign(self) -> bool:
        """Whether only the sign is left."""
        return self.steps[-1:] == (SIGN,)

    @property
    def is_jump(self) -> bool:
        """Whether it is a sign or a comparison that may be read as a number."""
        return self.is_sign or self.is_open_choice

    @property
    def is_elementwise(self) -> bool:
        """Whether each entry is a function of its own score alone."""
        return self.labels is None and self.keys is None and set(self.steps) <= {"Sigmoid", "Log"}

    @property
    def is_positive(self) -> bool:
        """Whether all entries are above zero."""
        return self.labels is None and bool(self.steps) and self.steps[-1] in POSITIVE

    @property
    def is_one_number(self) -> bool:
        """Whether the file's tensor has one entry, however many scores there are."""
        return self.labels is not None or self.steps[-1:] == (TOTAL,)

    def file_size(self, scores: int) -> int:
        """How many numbers the file gives for so many scores."""
        return 1 if self.labels is not None or self.is_single else scores

    def through(self, scores: FloatArray, error: FloatArray) -> Spread | None:
        """What ONNX Runtime must give for these scores, each within its error, and how far it may be from it.

        A class is given by its position. None where rounding decides between classes.
        """
        spread = (scores, error)
        with np.errstate(all="ignore"):
            for step in self.steps:
                spread = STEPS[step](*spread)
        values, most = spread
        if self.labels is None:
            return (values[1:], most[1:]) if self.is_single else spread
        best = int(values.argmax())
        rivals = np.delete(values + most, best)
        clear = not len(rivals) or values[best] - most[best] > rivals.max()
        return (np.array([float(best)]), np.zeros(1)) if clear else None

    def order(self, outputs: FloatArray, scores: int) -> FloatArray:
        """Scores in the order that the file's numbers have. Equal ones go to the first, as in the choice of a class:
        where a float32 Sigmoid has become 1 for two classes the file says no more."""
        if self.labels is not None:
            chosen = np.zeros(scores)
            chosen[int(outputs[0])] = 1.0
            return chosen
        if self.is_single:
            middle, _ = replace(self, is_single=False).through(np.zeros(1), np.zeros(1)) or (np.zeros(1), None)
            outputs = np.concatenate([middle, outputs])
        ranks = np.empty(scores)
        ranks[np.lexsort((-np.arange(scores), outputs))] = np.arange(scores)
        return ranks


TOTAL, COMPARISON, SIGN = "ReduceSum", "comparison", "Sign"


def _sigmoid(x: FloatArray, most: FloatArray) -> Spread:
    return 1 / (1 + np.exp(-x)), most / 4 + ROUNDING


def _log_softmax(x: FloatArray, most: FloatArray) -> Spread:
    shifted = x - x.max()
    log = shifted - np.log(np.exp(shifted).sum())
    # It moves by at most twice the largest change of its input, and so does Softmax.
    return log, np.full_like(x, 2 * most.max() + ROUNDING * (1 + np.abs(log)))


def _softmax(x: FloatArray, most: FloatArray) -> Spread:
    log, spread = _log_softmax(x, most)
    return np.exp(log), spread


def _log(x: FloatArray, most: FloatArray) -> Spread:
    low = np.log(np.maximum(x - most, 0))
    return np.log(x), np.maximum(np.log(x + most) - np.log(x), np.log(x) - low) + ROUNDING * (1 + np.abs(np.log(x)))


def _divided(norm: Callable[[FloatArray], float]) -> Callable[[FloatArray, FloatArray], Spread]:
    """Positive numbers divided by a norm of them, which moves by at most the sum of what they move by."""

    def step(x: FloatArray, most: FloatArray) -> Spread:
        by = norm(x)
        room = by - most.sum()
        return x / by, (most + x / by * most.sum()) / room + ROUNDING if room > 0 else np.full_like(x, np.inf)

    return step


STEPS: dict[str, Callable[[FloatArray, FloatArray], Spread]] = {
    COMPARISON: lambda x, most: (x, most),
    "Sigmoid": _sigmoid,
    "Softmax": _softmax,
    "LogSoftmax": _log_softmax,
    "Log": _log,
    "L1": _divided(lambda x: float(x.sum())),
    "L2": _divided(lambda x: float(np.linalg.norm(x))),
    "MAX": _divided(lambda x: float(x.max())),
}
POSITIVE = frozenset({"Sigmoid", "Softmax", "L1", "L2", "MAX"})
