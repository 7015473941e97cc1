"""A perturbation that is a small network in front: x' = clip(x + matrix p), where p are a few parameters.

The input is fixed and the parameters are what moves, so brightness, contrast or blur of an image is one number in its
own unit, and the question is again a box in front of a network (see `verdict.compose.behind`). Whoever needs another
one writes one class with the `matrix` of its parameters and registers it under a name.
"""

from __future__ import annotations

import importlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, ClassVar, TypeVar

import numpy as np

from ...base.errors import InputError
from ...network.exact import FloatArray


class Front(ABC):
    """One family of perturbations of an input, with parameters p that are zero at the input itself."""

    unit: ClassVar[str]
    """What a radius of one is, in words."""

    @abstractmethod
    def matrix(self, x: FloatArray, shape: tuple[int, ...], low: float | None, high: float | None) -> FloatArray:
        """What each parameter adds to the input, (parameters, inputs).

        `x` (inputs,) is the input, `shape` its shape in the network, [low, high] its valid range, None where unlimited.
        """

    def limits(self) -> tuple[Fraction | None, Fraction | None]:
        """The ends of the parameters beyond which they mean nothing, None where they always do."""
        return None, None


class Together(Front):
    """Several perturbations at once: what they add to the input is added up, and each moves by the radius."""

    unit = "each in its own unit"

    def __init__(self, fronts: Sequence[Front]) -> None:
        self.fronts = tuple(fronts)
        ends = {front.limits() for front in self.fronts}
        # One range for all: the narrowest, so that no parameter leaves its own.
        self._low = max((low for low, _ in ends if low is not None), default=None)
        self._high = min((high for _, high in ends if high is not None), default=None)

    def matrix(self, x: FloatArray, shape: tuple[int, ...], low: float | None, high: float | None) -> FloatArray:
        return np.concatenate([front.matrix(x, shape, low, high) for front in self.fronts])

    def limits(self) -> tuple[Fraction | None, Fraction | None]:
        return self._low, self._high


Class = TypeVar("Class", bound=type[Front])
_REGISTRY: dict[str, type[Front]] = {}


def register(name: str) -> Callable[[Class], Class]:
    """A class decorator: `perturbation="NAME"` and `--perturbation NAME` then mean this class."""

    def enter(cls: Class) -> Class:
        _REGISTRY[name] = cls
        return cls

    return enter


def names() -> list[str]:
    """The names registered so far."""
    return sorted(_REGISTRY)


def named(front: Front) -> str:
    """The name by which `from_text` finds the class of a perturbation."""
    cls = type(front)
    return next((name for name, known in _REGISTRY.items() if known is cls), f"{cls.__module__}.{cls.__qualname__}")


def from_text(
    text: str, read: Callable[[str], FloatArray] | None = None, given: Mapping[str, Any] | None = None
) -> Front:
    """The perturbation that a text such as `brightness`, `blur:sigma=1.5` or `brightness+contrast` names.

    Behind the colon stand the arguments of the class; what is no number is an input, which `read` finds. A name with
    dots, `my_package.fog.Fog`, is a class that is imported. Arguments can also be `given`, as they are.
    Raises InputError for what there is not.
    """
    fronts = [_one(part, read, given or {}) for part in text.split("+")]
    return fronts[0] if len(fronts) == 1 else Together(fronts)


def _one(text: str, read: Callable[[str], FloatArray] | None, given: Mapping[str, Any]) -> Front:
    name, _, rest = text.strip().partition(":")
    cls = _class(name)
    arguments = dict(given)
    for word in filter(None, rest.split(",")):
        key, mark, value = word.partition("=")
        if not mark:
            raise InputError(f"perturbation {text!r}: {word!r} is no argument, expected one such as sigma=1.5")
        arguments[key.strip()] = _value(text, value.strip(), read)
    try:
        inspect.signature(cls).bind(**arguments)
    except TypeError as error:
        expected = ", ".join(inspect.signature(cls).parameters) or "none"
        raise InputError(f"perturbation {text!r}: {error}; its arguments are: {expected}") from None
    return cls(**arguments)


def _class(name: str) -> type[Front]:
    if name in _REGISTRY:
        return _REGISTRY[name]
    module, dot, last = name.rpartition(".")
    if not dot:
        raise InputError(
            f"perturbation {name!r} is not one of {', '.join(names())}, nor a class such as package.module.Class"
        )
    try:
        found = getattr(importlib.import_module(module), last)
    except (ImportError, AttributeError) as error:
        raise InputError(f"perturbation {name!r}: cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Front)):
        raise InputError(f"perturbation {name!r}: is no subclass of verdict.property.fronts.Front")
    return found


def _value(text: str, value: str, read: Callable[[str], FloatArray] | None) -> Fraction | FloatArray:
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError):
        if read is None:
            raise InputError(f"perturbation {text!r}: {value!r} is no number such as 1.5 or 3/2") from None
        return read(value)
