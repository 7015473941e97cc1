"""Random small graphs over all primitives, for property tests."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from verdict.network.builder import Builder
from verdict.network.exact import Coefficients
from verdict.network.graph import Graph
from verdict.network.maps import Conv, Dense, Diagonal, Index, LinearMap, Total


def _random_map(rng: np.random.Generator, size: int) -> LinearMap:
    kind = rng.integers(6)
    if kind == 0:
        return Diagonal(Coefficients.from_fractions([Fraction(int(n), 7) for n in rng.integers(-9, 9, size)]))
    if kind == 1:
        return Index(rng.integers(-1, size, rng.integers(1, 7)), size)
    if kind == 2:
        return Total((size,), (0,))
    if kind == 3 and size % 2 == 0:
        kernel = Coefficients(rng.standard_normal((4, 1, 2)).astype(np.float32))
        return Conv(kernel, (2, size // 2), groups=2, strides=(1,), pads=((1, 1),), dilations=(1,))
    weight = rng.standard_normal((rng.integers(1, 7), size)).astype(np.float32)
    return Dense(Coefficients(weight))


def random_graph(seed: int, steps: int) -> Graph:
    """A graph whose every kind of node, merge and fold occurs for some seed."""
    rng = np.random.default_rng(seed)
    builder = Builder(int(rng.integers(1, 6)))
    nodes = [0, builder.constant(Coefficients(rng.standard_normal(3).astype(np.float32)))]
    for _ in range(steps):
        a = int(rng.choice(nodes))
        alike = [n for n in nodes if builder.size(n) == builder.size(a)]
        b = int(rng.choice(alike))
        choice = rng.integers(6)
        if choice == 0:
            node = builder.relu(a)
        elif choice == 1:
            node = builder.maximum(a, b)
        elif choice == 2:
            node = builder.minimum(a, b)
        elif choice == 3:
            node = builder.subtract(a, b)
        else:
            linear = _random_map(rng, builder.size(a))
            bias = Coefficients(rng.standard_normal(linear.out_size).astype(np.float32))
            node = builder.affine([(linear, a)], bias if rng.random() < 0.6 else None)
        nodes.append(node)
    return builder.finish(nodes[-1])


graphs = st.builds(random_graph, st.integers(0, 10**6), st.integers(1, 9))
