"""What a question is about, for the answer to show: its input, and what shipped models and data say of their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..answer.about import About
from .claims import claim_of
from .loading import shipped_path

if TYPE_CHECKING:
    from ..network.exact import FloatArray
    from ..network.names import Names
    from ..network.network import Network
    from .question import Question


def about_of(question: Question) -> About:
    """The only input of a question about one model, and its claim; of other questions the claim alone."""
    values = None if question.point is None or len(question.models) != 1 else question.point.values()
    if values is None or question.point is None or isinstance(values, dict):
        return About(np.zeros(0), claim=claim_of(question))
    x = np.asarray(values, dtype=np.float64)
    network = question.model.network
    data, known = _shipped(network, question), _known(network, question)
    image: Any = question.point.image or (None if data is None else data.image_shape) or _image(x.shape, network)
    return About(
        x.reshape(-1),
        tuple(image) if image and np.prod(image) == x.size else (),
        known.features if len(known.features) == x.size else (),
        known.classes,
        _scales(question, x.size),
        claim_of(question),
    )


def _scales(question: Question, size: int) -> FloatArray | None:
    """The scales of the question, 1 for entries that are fixed or free."""
    scales = question.domain.scales
    if scales is None or len(scales) != size:
        return None
    return np.array([float(scale) if scale else 1.0 for scale in scales])


def _image(shape: tuple[int, ...], network: Network | None) -> tuple[int, ...]:
    """The shape of an image, without axes of one: two axes, or three of which the first holds one or three channels."""
    found = shape
    if len([n for n in shape if n > 1]) < 2 and network is not None and len(network.inputs) == 1:
        found = network.inputs[0].shape
    while len(found) > 2 and found[0] == 1:
        found = found[1:]
    is_image = (len(found) == 3 and found[0] == 3) or len(found) == 2
    return tuple(found) if is_image and min(found[-2:]) > 1 else ()


def _known(network: Network | None, question: Question) -> Names:
    """The names of the network that is asked about: its own, or those in its file."""
    return question.model.load().names if network is None else network.names


def _shipped(network: Network | None, question: Question) -> Any:
    """The data that a shipped model was tried on; None where it is none."""
    from verdict.models import datasets, models

    path = shipped_path(question.model.path) if network is None else network.path
    for model in models().values():
        if model.path == path:
            return None if model.data is None else datasets()[model.data]
    return None
