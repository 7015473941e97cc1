"""A search for the radius of an image whose interval attack and bounds have left open."""

from __future__ import annotations

from fractions import Fraction

import verdict
from verdict.base.deadline import Deadline
from verdict.models import data
from verdict.network.exact import ExactVector
from verdict.property import LinfBall, misclassification
from verdict.search.points.radius_witness import seek_witness
from verdict.search.radius import RadiusSearch


def new_search() -> RadiusSearch:
    """One that has not begun."""
    network, x = verdict.load("digits-mlp"), data("digits").load()[0][0].ravel()
    label = int(network.evaluate(x[None])[0].argmax())
    family = LinfBall(ExactVector.of(x), Fraction(0), Fraction(1))
    return RadiusSearch(network, family, misclassification(label, network.output_size), Deadline())


def open_search() -> RadiusSearch:
    """One that only an engine can close."""
    found = new_search()
    seek_witness(found)
    found.prove_by_bounds()
    assert found.is_open()
    return found
