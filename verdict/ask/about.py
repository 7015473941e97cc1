"""What a question is about, for the answer to show: its input, and what shipped models and data say of their names."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ..answer.about import About
from .loading import shipped_path
from .parts import hash_of

if TYPE_CHECKING:
    from ..network.exact import FloatArray
    from ..network.network import Network
    from ..property.language import Formula
    from .parts import Domain
    from .question import Question


def about_of(question: Question) -> About | None:
    """The input of a question, None where it has several."""
    if question.point is None or len(question.models) != 1:
        return None
    values = question.point.values()
    if isinstance(values, dict):
        return None
    x = np.asarray(values, dtype=np.float64)
    network = question.model.network
    model, data = _shipped(question)
    image: Any = question.point.image or (None if data is None else data.image_shape) or _image(x.shape, network)
    return About(
        x.reshape(-1),
        tuple(image) if image and np.prod(image) == x.size else (),
        _names(None if data is None else data.feature_names, x.size),
        () if model is None or model.classes is None else model.classes,
        _scales(question, x.size),
        **_said(question, x),
    )


def _said(question: Question, x: FloatArray) -> dict[str, Any]:
    """What a statement says of the question, in words; nothing of questions that are not about a ball of inputs."""
    if question.kind not in ("robust", "maxeps"):
        return {}
    domain, aim, file = question.domain, question.aim, question.model
    digest = file.sha256 or f"{hash_of(shipped_path(file.path))}, the file as it is now"
    output = f", output {file.output}" if file.output else ""
    low, high = domain.range or (None, None)
    return {
        "model": f"{os.path.basename(file.path)} (SHA-256 {digest}){output}",
        "place": f"{question.point.source or 'the input'} (SHA-256 of its numbers as float64: {_digest(x)})"
        if question.point else "",
        "property": "" if aim.that is None else f"the property {_formula(aim.that)}",
        "measure": _measure(domain),
        "limits": "all real inputs" if low is None else f"the input range [{low}, {high}]",
        "target": aim.target,
        "given": "" if domain.given is None else _formula(domain.given),
        "eps": domain.eps,
    }


def _digest(x: FloatArray) -> str:
    """The hash of the numbers as little-endian float64, flat."""
    return hashlib.sha256(np.ascontiguousarray(x, "<f8").tobytes()).hexdigest()


def _digest_of(scales: Sequence[Fraction | None]) -> str:
    """The hash of the scales as rationals, one a line, "free" for those that have none."""
    return hashlib.sha256("".join(f"{'free' if s is None else s}\n" for s in scales).encode()).hexdigest()


def _formula(formula: Formula | str) -> str:
    return formula if isinstance(formula, str) else "that was given as a formula"


def _measure(domain: Domain) -> str:
    """What the threshold is measured in."""
    from ..property.norms import norm_of

    if domain.perturbation is not None:
        named = domain.perturbation
        return f"of the perturbation {named if isinstance(named, str) else type(named).__name__.lower()}"
    scaled = "" if domain.scales is None else f", scales with the SHA-256 {_digest_of(domain.scales)}"
    before = ", before normalisation" if domain.mean is not None or domain.std is not None else ""
    whole = f", entries {', '.join(map(str, domain.integers))} whole numbers" if domain.integers else ""
    return norm_of(domain.norm or "linf").title + scaled + before + whole


def _scales(question: Question, size: int) -> FloatArray | None:
    """The scales of the question, 1 for entries that are fixed or free."""
    scales = question.domain.scales
    if scales is None or len(scales) != size:
        return None
    return np.array([float(scale) if scale else 1.0 for scale in scales])


def _names(names: tuple[str, ...] | None, size: int) -> tuple[str, ...]:
    return names if names is not None and len(names) == size else ()


def _image(shape: tuple[int, ...], network: Network | None) -> tuple[int, ...]:
    """The shape of an image, without axes of one: two axes, or three of which the first holds one or three channels."""
    found = shape
    if len([n for n in shape if n > 1]) < 2 and network is not None and len(network.inputs) == 1:
        found = network.inputs[0].shape
    while len(found) > 2 and found[0] == 1:
        found = found[1:]
    is_image = (len(found) == 3 and found[0] == 3) or len(found) == 2
    return tuple(found) if is_image and min(found[-2:]) > 1 else ()


def _shipped(question: Question) -> tuple[Any, Any]:
    """The shipped model that is asked about, and the data that it was tried on; None where it is none."""
    from verdict.models import datasets, models

    network = question.model.network
    path = shipped_path(question.model.path) if network is None else network.path
    for model in models().values():
        if model.path == path:
            return model, None if model.data is None else datasets()[model.data]
    return None, None
