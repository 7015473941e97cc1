"""The radius of weight perturbations over several layers: bounds from below, an attack from above.

If all weights change by at most eps, layer l adds some t with |t_i| <= eps * sum_j |h_j| to what it gives, and bounds
of the h before it follow from the t of the layers before that: a box of (t_1, t_2, ...) that holds all there is, and
more.
What linear bounds and branch and bound exclude on it is proved. The attack follows the gradient's sign with respect to
the weights (Goodfellow et al. 1412.6572) and then bisects along it; what it finds is evaluated exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from ..answer.replay import replay_exactly, scores
from ..answer.results import Trust, Witness
from ..base.deadline import Deadline
from ..bounds import linear_bounds, output_bounds
from ..bounds.rounding import gamma
from ..compose.layers import Layer, shaken, up_to, with_weights
from ..network.evaluate import evaluate_all, vjp
from ..network.exact import ExactVector, FloatArray, float_above
from ..network.network import Network
from ..property import Polytope, UnsafeSet
from .effort import Effort
from .engines.parts.bab import branch_and_bound
from .radius import Progress

# Bisections of the radius from below and along a direction from above; rounds of new directions.
PROOFS, STEPS, ROUNDS = 14, 24, 4
# The sizes of changes that are looked at, and where the attack begins: what floats of 32 bits hold, and some room.
LEAST, FIRST, MOST = 2.0**-120, 2.0**-10, 2.0**120
# The attack's share of the time, and the seconds that a proof may take while there is no limit.
SHARE, SECONDS = 0.3, 10.0
Weights = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Change:
    """The layers whose weights change, each by at most a radius or, `relative`, by such a part of itself."""

    layers: Sequence[Layer]
    relative: bool


class WeightSearch:
    """The radii at which the input `x` stays out of the unsafe set, whatever the chosen layers' weights do."""

    def __init__(
        self,
        network: Network,
        change: Change,
        x: ExactVector,
        unsafe: UnsafeSet,
        deadline: Deadline,
        on_progress: Callable[[Any], object] | None = None,
    ) -> None:
        self.network, self.chosen, self.x, self.unsafe = network, list(change.layers), x, unsafe
        self.deadline, self._on_progress = deadline, on_progress
        self.original: Weights = {layer.weight: layer.values for layer in change.layers}
        ones = {name: np.ones(values.shape) for name, values in self.original.items()}
        self.units = {name: np.abs(values) for name, values in self.original.items()} if change.relative else ones
        self.lower, self.trust = Fraction(0), Trust.EXACT
        self.upper: Fraction | None = None
        self.closest: Witness | None = None
        self.stages: dict[str, float] = {}
        self.notes: list[str] = []

    def run(self) -> None:
        """Tighten both ends until the time is up or nothing more is gained."""
        here = replay_exactly(self.network, self.unsafe, self.x, Fraction(0))
        if here is not None:
            self.upper, self.closest = Fraction(0), here
            return
        self._timed("attack", self._attack)
        self._timed("bounds", self._prove)
        self.notes.append("bounds prove the lower end and an attack finds the upper one: here they need not meet")

    def _timed(self, stage: str, work: Callable[[], None]) -> None:
        started = self.deadline.elapsed()
        try:
            work()
        finally:
            self.stages[stage] = self.deadline.elapsed() - started

    def _report(self, stage: str) -> None:
        if self._on_progress is not None:
            self._on_progress(Progress(self.lower, self.upper, stage, self.deadline.elapsed()))

    def _prove(self) -> None:
        """Raise the lower end by bisection: linear bounds first, then with branch and bound what they fail at."""
        before = [shaken(self.network, self.chosen[:i], tensor=layer.source) for i, layer in enumerate(self.chosen)]
        whole = shaken(self.network, self.chosen)
        for search in (False, True):
            failed, factor, halvings = np.inf if self.upper is None else float_above(self.upper), 2.0, 0
            while not self.deadline.passed() and halvings < PROOFS:
                proved = float(self.lower)
                if np.isfinite(failed) and proved:
                    if failed - proved <= 1e-3 * failed:
                        break
                    radius = (proved + failed) / 2
                    halvings += 1
                else:
                    # Of what size it is is not known yet: by ever larger factors, up or down.
                    radius = (failed / factor) if np.isfinite(failed) else (proved * factor or 1.0)
                    factor *= factor
                    if not LEAST <= radius <= MOST:
                        break
                if self._excluded(before, whole, radius, search):
                    self.lower, self.trust = Fraction(radius), Trust.RIGOROUS
                else:
                    failed = radius
                self._report("bab" if search else "bounds")

    def _excluded(self, before: Sequence[Network], whole: Network, radius: float, search: bool) -> bool:
        """Whether no change of the weights by at most `radius` reaches the unsafe set, by rigorous bounds."""
        x = self.x.floats()
        low, high = x, x
        for layer, network in zip(self.chosen, before, strict=True):
            h = _range(network, low, high)
            rows, columns, which = layer.incidence
            products = np.maximum(np.abs(h[0]), np.abs(h[1]))[columns] * self.units[layer.weight].ravel()[which]
            total = np.bincount(rows, weights=products, minlength=layer.size)
            count = int(np.bincount(rows, minlength=1).max())
            reach = np.nextafter(radius * total * (1 + 2 * gamma(count + 4)), np.inf)
            low, high = np.concatenate([low, -reach]), np.concatenate([high, reach])
        bounds = linear_bounds(whole.graph, low[None], high[None], self.deadline.passed)
        still = [
            p for p in self.unsafe.polytopes
            if not p.excluded_by(output_bounds(whole.graph, bounds, p.matrix.values).lower[0])
        ]
        if not still or not search:
            return not still
        clock = self.deadline.share(1 / PROOFS, SECONDS)
        return branch_and_bound(whole.graph, bounds, still, Effort(clock)).proved

    def _attack(self) -> None:
        """Lower the upper end: for each polytope, the gradient's sign, a bisection along it, and again from there."""
        clock = self.deadline.share(SHARE, 6 * SECONDS)
        for polytope in self.unsafe.polytopes:
            weights, best = self.original, np.inf
            for _ in range(ROUNDS):
                if clock.passed():
                    return
                direction = self._direction(weights, polytope)
                reached = self._first_along(direction, polytope)
                if reached is None or reached >= best:
                    break
                best = reached
                weights = self._moved(direction, reached)
                self._offer(weights)
            self._report("attack")

    def _direction(self, weights: Weights, polytope: Polytope) -> Weights:
        """For each weight tensor the sign, in units, that brings the worst row of the polytope down."""
        now = with_weights(self.network, weights)
        together = shaken(now, self.chosen)
        x = self.x.floats()
        start = np.concatenate([x, np.zeros(together.input_size - len(x))])
        values = evaluate_all(together.graph, start[None])
        rows = polytope.matrix.values
        worst = int((rows @ values[together.graph.output][0] - polytope.offset.values).argmax())
        gradient = vjp(together.graph, values, rows[[worst]])[0][len(x) :]
        result, at = {}, 0
        for layer in self.chosen:
            entries, columns, which = layer.incidence
            h = up_to(now, layer.source).evaluate(x[None])[0]
            slope = gradient[at : at + layer.size][entries] * h[columns]
            slope = np.bincount(which, weights=slope, minlength=layer.values.size)
            result[layer.weight] = -np.sign(slope).reshape(layer.values.shape) * self.units[layer.weight]
            at += layer.size
        return result

    def _first_along(self, direction: Weights, polytope: Polytope) -> float | None:
        """The least step at which the direction is seen to reach the polytope."""
        x = self.x.floats()[None]

        def reaches(step: float) -> bool:
            moved = with_weights(self.network, self._moved(direction, step))
            with np.errstate(over="ignore", invalid="ignore"):
                return bool(polytope.slack(moved.evaluate(x))[0] <= 0)

        step = FIRST
        if reaches(step):
            while step > LEAST and reaches(step / 2):
                step /= 2
            low, high = step / 2, step
        else:
            while not reaches(2 * step):
                step *= 2
                if step >= MOST:
                    return None
            low, high = step, 2 * step
        for _ in range(STEPS):
            middle = (low + high) / 2
            low, high = (low, middle) if reaches(middle) else (middle, high)
        return high

    def _moved(self, direction: Weights, step: float) -> Weights:
        return {name: (values + step * direction[name]).astype(values.dtype) for name, values in self.original.items()}

    def _offer(self, weights: Weights) -> None:
        """Evaluate changed weights exactly; they are a witness at the largest change that one of them has."""
        network = with_weights(self.network, weights)
        changes = []
        radius = Fraction(0)
        for name, values in self.original.items():
            flat = zip(weights[name].ravel(), values.ravel(), self.units[name].ravel(), strict=True)
            for after, before, unit in flat:
                changes.append(Fraction(float(after)) - Fraction(float(before)))
                if changes[-1]:
                    radius = max(radius, abs(changes[-1]) / Fraction(float(unit)))
        if self.upper is not None and radius >= self.upper:
            return
        found = replay_exactly(network, self.unsafe, self.x, radius)
        if found is not None:
            outputs = network.runtime(self.x.floats())
            point = self.x.floats()
            deployed = outputs if self.unsafe.slack(scores(network, outputs, point)[None])[0] <= 0 else None
            self.closest = Witness(ExactVector.of(changes), found.outputs, found.unsafe, radius, deployed)
            self.upper = radius


def _range(network: Network, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Bounds of the outputs over a box."""
    bounds = linear_bounds(network.graph, low[None], high[None])
    unit = np.eye(network.output_size)
    rows = output_bounds(network.graph, bounds, np.vstack([unit, -unit])).lower[0]
    output = network.graph.output
    return (
        np.maximum(rows[: len(unit)], bounds.lower[output][0]),
        np.minimum(-rows[len(unit) :], bounds.upper[output][0]),
    )
