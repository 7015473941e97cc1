"""Balls around points of small random networks that hold no input of another class, by brute force."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

import verdict
from verdict.network.exact import ExactVector, FloatArray
from verdict.network.graph import Graph
from verdict.property import LinfBall, UnsafeSet, misclassification

from .brute import least_radius
from .networks import random_network


def safe_box(seed: int, folder: Path, share: float) -> tuple[Graph, UnsafeSet, FloatArray, FloatArray]:
    """A network, what is unsafe, and the ends of the ball of this share of the least unsafe radius in [-2, 2]^n."""
    network = verdict.load(random_network(np.random.default_rng([seed, 29]), "dense", folder))
    graph, x = network.graph, np.random.default_rng(seed).integers(-8, 9, network.input_size) / 8
    label = int(network.evaluate(x[None])[0].argmax())
    radius = min(share * least_radius(graph, x, label, -2, 2), 4.0)
    low, high = LinfBall(ExactVector.of(x), Fraction(-2), Fraction(2)).floats(radius)
    return graph, misclassification(label, graph.output_size), low, high
