"""What every search for the largest safe radius shares: one interval that only ever tightens.

Each polytope of the unsafe set has its own proved lower end; the answer's lower end is the least of them, and
its upper end is the nearest exactly replayed witness. Engines feed it proofs and candidates in any order, so
whenever they are stopped the interval is valid.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..answer import credit
from ..answer.replay import confirm_near, replay_exactly, scores, too_dear
from ..answer.results import CLOSED, Largest, Radius, Trust, Witness, is_closed, weakest
from ..base.deadline import Deadline
from ..base.device import CPU, Device
from ..bounds import Bounds, linear_bounds, output_lower
from ..network.exact import ExactVector, float_above, float_below
from ..network.network import Network
from ..property import Perturbation, UnsafeSet
from .neurons.methods import METHODS, TIGHTEN_SECONDS, TIGHTEN_SHARE

# How a note begins that tells of a violation without an exact replay.
SEEN = "ONNX Runtime gives a violation at"
# The share of the time left that the bounds of hidden neurons may take, before those of the outputs.
HIDDEN_SHARE = 0.5
# How narrow bisection by bounds makes the interval, relatively: the finer, unless that takes more than so many seconds,
# for branch and bound makes more of the time.
FINE, COARSE, FINE_SECONDS = 1e-3, 3e-2, 0.3
# What bisection may take of the time left, once something is proved of every polytope.
BISECTION_SHARE = 0.15


@dataclass(frozen=True)
class Progress:
    """One report: the interval so far (upper is None without a witness), the stage, and seconds; where a search tells,
    `answer` makes what would be answered if it ended here."""

    lower: Fraction
    upper: Fraction | None
    stage: str
    seconds: float
    answer: Callable[[], Radius | Largest] | None = None


class RadiusSearch:
    """The state of one search; `lower` and `upper` only improve."""

    def __init__(
        self,
        network: Network,
        family: Perturbation,
        unsafe: UnsafeSet,
        deadline: Deadline,
        bounds: str = "linear",
        device: Device = CPU,
    ) -> None:
        self.network, self.family, self.unsafe = network, family, unsafe
        self.graph, self.deadline, self.device = network.graph, deadline, device
        self.lowers = [Fraction(0)] * len(unsafe.polytopes)
        self.trusts = [Trust.EXACT] * len(unsafe.polytopes)
        self.closest: Witness | None = None
        self._seen: Fraction | None = None
        self.stages: dict[str, float] = {}
        self.stage = "start"
        # Who is at work; the seconds of ways that are no stage; who has found the closest witness, and who has raised
        # which lower end how far.
        self.way, self._spent, self.finder = "start", dict[str, float](), ""
        self._raises = credit.Raises(len(unsafe.polytopes))
        self.notes: list[str] = []
        self._method = bounds
        # Who is told how far it is, and what would be answered now, without another look at the deployed network.
        self.on_progress: Callable[[Progress], object] | None = None
        self.answer: Callable[[], Radius | Largest] | None = None
        # Whether floats can tell what is left of the interval: not where it is less than what they round away.
        self.floats_tell = True
        self._tight: tuple[float, Bounds] | None = None
        self._last: tuple[float, Device, Bounds] | None = None
        # How far it looks while there is no witness and the sets grow without end, and whether all of them are proved.
        largest = max((abs(f) for f in family.center.fractions()), default=Fraction(1))
        self.reach, self.is_safe_everywhere = 16 * max(Fraction(1), largest), False
        # Set where it is to end while a solver works for it, in another thread.
        self.cancel: threading.Event | None = None

    def copy(self) -> RadiusSearch:
        """A search for the same radius from what this one has reached, for another thread; `stop` ends it."""
        clock = Deadline(None, self.deadline)
        other = RadiusSearch(self.network, self.family, self.unsafe, clock, self._method, self.device)
        other.lowers, other.trusts, other.closest = list(self.lowers), list(self.trusts), self.closest
        other.reach, other.floats_tell, other.cancel = self.reach, self.floats_tell, threading.Event()
        return other

    def stop(self) -> None:
        """End soon, from another thread."""
        self.deadline.stop()
        if self.cancel is not None:
            self.cancel.set()

    @property
    def upper(self) -> Fraction | None:
        return None if self.closest is None else self.closest.radius

    @property
    def cap(self) -> Fraction:
        """The largest radius of interest: the upper end, else the limit of the valid range, else the present reach
        (see `search.reach`)."""
        if self.upper is not None:
            return self.upper
        if self.family.limit is not None:
            # A little beyond, where the set no longer grows: a proof there is a proof at the limit itself.
            return self.family.limit + max(self.family.limit, Fraction(1)) / 10**6
        return self.reach

    @property
    def lower(self) -> Fraction:
        return min([*self.lowers, self.cap])

    @property
    def proved(self) -> Fraction:
        """The lower end, as far as the set grows."""
        return self.lower if self.family.limit is None else min(self.lower, self.family.limit)

    @property
    def lower_trust(self) -> Trust:
        """The weakest proof that the lower end rests on: that of every polytope, each needed."""
        return weakest(*self.trusts)

    @property
    def is_safe(self) -> bool:
        """Whether every set of the family is proved."""
        limit = self.family.limit
        return self.is_safe_everywhere or (limit is not None and all(low > limit for low in self.lowers))

    def is_open(self) -> bool:
        """Whether the interval still has a gap that counts."""
        if self.upper is None and self.family.limit is not None:
            return not self.is_safe
        return not is_closed(self.lower, self.cap)

    def open_polytopes(self) -> list[int]:
        """Numbers of the polytopes not yet excluded below the cap, the least proved first."""
        cap = self.cap
        return sorted((i for i, low in enumerate(self.lowers) if low < cap), key=lambda i: self.lowers[i])

    @property
    def ways(self) -> credit.Credits:
        """Who has closed what of [0, upper end], and found the witness there."""
        ways: credit.Credits = {}
        stages = ((stage.partition("/")[0], seconds) for stage, seconds in self.stages.items())
        for way, seconds in (*self._spent.items(), *(each for each in stages if each[0] in credit.STAGES)):
            credit.of(ways, way).seconds += seconds
        for way, share in self._raises.closed(self.cap).items():
            credit.of(ways, way).closed += share
        if self.finder:
            credit.of(ways, self.finder).found = True
        return ways

    def spend(self, way: str, seconds: float) -> None:
        """Note the wall seconds of a way that is no stage."""
        self._spent[way] = self._spent.get(way, 0.0) + seconds

    def prove(self, polytope: int, radius: Fraction, trust: Trust, by: Mapping[str, float] | None = None) -> None:
        """Record that the polytope is out of reach at every radius below `radius`, as those have shown who did these
        shares of the work.

        A proof beyond an exactly replayed witness of the same polytope contradicts it and is discarded.
        """
        if radius > self.lowers[polytope] and not self._contradicted(polytope, radius, trust):
            self.lowers[polytope], self.trusts[polytope] = radius, trust
            self._raises.note(polytope, radius, by or {self.way: 1.0})
            self.report()

    def _contradicted(self, polytope: int, radius: Fraction, trust: Trust) -> bool:
        """Whether the closest witness lies in the polytope and below `radius`; then says so in the notes."""
        if self.closest is None or self.upper is None or radius <= self.upper:
            return False
        reached = self.unsafe.polytopes[polytope]
        if not reached.contains(self.closest.outputs):
            return False
        self.notes.append(f"a proof of {reached.name} ({trust}) contradicts an exact witness and was discarded")
        return True

    def offer(self, point: ExactVector, by: str = "") -> bool:
        """Replay a candidate exactly, of the way at work unless another is named; True if it is a witness nearer than
        all before."""
        radius = self.family.radius_of(point)
        if radius is None or (self.upper is not None and radius >= self.upper):
            return False
        dear = too_dear(self.network)
        if dear:
            self._unconfirmed(point, radius, dear)
            return False
        witness = replay_exactly(self.network, self.unsafe, point, radius)
        if witness is None:
            return False
        self.closest, self.finder = witness, by or self.way
        for i, low in enumerate(self.lowers):
            if self._contradicted(i, low, self.trusts[i]):
                self.lowers[i], self.trusts[i] = Fraction(0), Trust.EXACT
                self._raises.drop(i)
        self.report()
        return True

    def _unconfirmed(self, point: ExactVector, radius: Fraction, dear: str) -> None:
        """Note the nearest point at which ONNX Runtime at least gives a violation."""
        x = point.floats()
        outputs = scores(self.network, self.network.runtime(x), x)
        if self.unsafe.slack(outputs[None])[0] <= 0 and (self._seen is None or radius < self._seen):
            self._seen = radius
            self.notes = [note for note in self.notes if not note.startswith(SEEN)]
            self.notes.append(f"{SEEN} {float_above(radius):.6g}; {dear}")

    def refine_at_witness(self) -> None:
        """Give the family the rows that matter most where the nearest point is sought: those at the nearest so far."""
        if self.closest is not None and self.upper is not None:
            self.family.refine(self.closest.point, self.upper * (1 - CLOSED))

    def report(self) -> None:
        self._tell(self.stage)

    def enter(self, stage: str) -> None:
        """Name the stage that starts now; the time since the last one goes to that."""
        now = self.deadline.elapsed()
        self.stages[self.stage] = self.stages.get(self.stage, 0.0) + now - sum(self.stages.values())
        self.stage, self.way = stage, stage.partition("/")[0]
        self.report()

    def note(self, stage: str) -> None:
        """Report what is being done within a stage, without a time of its own."""
        self._tell(f"{self.stage}: {stage}")

    def _tell(self, stage: str) -> None:
        if self.on_progress is not None:
            self.on_progress(Progress(self.lower, self.upper, stage, self.deadline.elapsed(), self.answer))

    def prove_by_bounds(self) -> None:
        """Raise every polytope's lower end as far as linear bounds reach, by bisection on the radius."""
        self.enter("bounds")
        # For each polytope: the largest radius proved and the least that the bounds failed at.
        proved = [float_below(low) for low in self.lowers]
        failed = [np.inf] * len(proved)
        top = radius = float_below(self.cap)
        factor, clock = math.sqrt(2), Deadline(FINE_SECONDS, self.deadline)
        whole = self.deadline.share(BISECTION_SHARE, math.inf)
        for _ in range(60):
            if self.deadline.passed() or not radius or (whole.passed() and min(proved)):
                break
            for i, safe in enumerate(self.safe_at(radius)):
                if safe and radius > proved[i]:
                    proved[i] = radius
                    self.prove(i, Fraction(radius), Trust.RIGOROUS)
                elif not safe:
                    failed[i] = min(failed[i], radius)
            left = [least - low for low, least in zip(proved, np.minimum(failed, top), strict=True)]
            # However small the radius is that failed, one that holds may be below.
            fine = COARSE if clock.passed() else FINE
            movable = [i for i, gap in enumerate(left) if gap > (fine * top if proved[i] else 0)]
            if not movable:
                break
            # The polytope whose lower end limits the answer most goes first.
            worst = min(movable, key=lambda i: proved[i])
            least = min(failed[worst], top)
            if proved[worst]:
                radius = (proved[worst] + least) / 2
            else:
                # Nothing is proved yet, and the radius can be of any size: by ever larger factors.
                factor *= factor
                radius = least / factor

    def bounds_at(self, radius: float, device: Device = CPU) -> Bounds:
        """Linear bounds of every node on the set of this radius (batch 1); the last are kept."""
        if self._last is not None and self._last[:2] == (radius, device):
            return self._last[2]
        lower, upper = (device.put(end[None]) for end in self.family.floats(radius))
        hidden = self.deadline.share(HIDDEN_SHARE, math.inf)
        bounds = linear_bounds(self.graph, lower, upper, hidden.passed, self.family.ball(radius))
        if not hidden.passed():
            self._last = radius, device, bounds
        return bounds

    def tight_bounds_at(self, radius: float) -> Bounds:
        """Bounds for the encoders, by the method asked for, on the set of this radius (batch 1); the last are kept."""
        if self._tight is None or self._tight[0] != radius:
            clock = self.deadline.share(TIGHTEN_SHARE, TIGHTEN_SECONDS)
            inputs = self.family.at(Fraction(radius))
            self._tight = radius, METHODS[self._method].run(self.graph, inputs, clock).bounds
        return self._tight[1]

    def prune(self) -> list[int]:
        """Drop what linear bounds exclude below the present cap, which may have fallen; the open polytopes left."""
        radius = float_below(self.cap)
        for i, safe in enumerate(self.safe_at(radius)):
            if safe:
                self.prove(i, Fraction(radius), Trust.RIGOROUS)
        return self.open_polytopes()

    def safe_at(self, radius: float) -> list[bool]:
        """For each polytope, whether linear bounds exclude it on the set of this radius, rigorously."""
        # What a GPU's bounds do not exclude, it is not worth trying to prove.
        if not self.device.is_rigorous and not any(self._excluded(radius, self.device)):
            return [False] * len(self.unsafe.polytopes)
        return self._excluded(radius, CPU)

    def _excluded(self, radius: float, device: Device) -> list[bool]:
        """What linear bounds exclude: a proof where they are computed on the CPU, elsewhere a hint."""
        bounds = self.bounds_at(radius, device)
        rows = np.concatenate([p.matrix.values for p in self.unsafe.polytopes])
        lowest = device.fetch(output_lower(self.graph, bounds, device.put(rows), self.deadline.passed))[0]
        starts = np.cumsum([len(p.offset.values) for p in self.unsafe.polytopes])[:-1]
        return [p.excluded_by(part) for p, part in zip(self.unsafe.polytopes, np.split(lowest, starts), strict=True)]

    def deployed_witness(self) -> Witness | None:
        """A witness near the closest one that ONNX Runtime confirms."""
        if self.closest is None or self.closest.radius is None:
            return None
        return confirm_near(
            self.network, self.unsafe, self.family, self.closest.point, self.closest.radius
        )
