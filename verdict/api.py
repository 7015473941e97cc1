"""The Python API: load a network, ask whether it is robust, ask how far an input can move.

Everything here is thin: it checks the arguments, builds the problem, lets an engine search and the gate
judge. The command line is a shell around these functions.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .blas import one_thread
from .deadline import Deadline
from .device import find_device
from .errors import InputError, ModelError
from .network.exact import ExactVector
from .network.network import Network
from .results import Certificate, Radius, Trust, Verdict, Witness

if TYPE_CHECKING:
    from .bounds.comparison import Comparison
    from .checker import Report
    from .property import Box, LinfBall, UnsafeSet
    from .property.fronts import Front
    from .property.vnnlib1 import VnnLib1
    from .property.vnnlib2 import VnnLib2

Number = int | float | str | Fraction
NORMS = ("linf", "l1", "l2")
ENGINES = ("auto", "bab", "milp", "smt")
# How long `auto` splits domains in `maxeps` before a MILP solver takes over what is left.
AUTO_BAB_SECONDS = 1.0
# The same where few inputs can vary, so that their box is split and not ReLUs.
AUTO_SPLIT_SECONDS = 20.0
LARGEST_POWER = 1000
# The search's share of the time limit in `maxeps`, where the result is to be certified in the rest.
SEARCH_SHARE = 0.5


def load(model: str | Path) -> Network:
    """The network in an ONNX file, or the shipped model of that name (see `verdict models`).

    Raises ModelError or UnsupportedError with the file and the place in it.
    """
    from .network.onnx_import import load_onnx

    path = Path(model)
    try:
        there = path.exists()
    except OSError as error:  # a name that no file system takes
        raise ModelError(f"{model}: cannot read the model: {error.strerror or error}") from error
    if not there and isinstance(model, str) and path.suffix == "" and "/" not in model:
        from verdict.models import model as shipped

        path = shipped(model).path
    return load_onnx(path)


def exact(value: Number, what: str = "value") -> Fraction:
    """A number as an exact rational: a string such as "0.03" or "3/100" is the decimal that it says, a float
    the dyadic rational that it is. Raises InputError for anything else."""
    try:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError
        power = re.search(r"e([+-]?\d+)\s*$", value, re.IGNORECASE) if isinstance(value, str) else None
        # Fraction would write out the power of ten, whatever it is.
        if power is not None and abs(int(power[1])) > LARGEST_POWER:
            raise ValueError
        return Fraction(value)
    except (ValueError, TypeError, ZeroDivisionError):
        raise InputError(f"{what} is {value!r}, expected a finite number such as 0.03 or 3/100") from None


@dataclass(frozen=True, eq=False)
class _Question:
    """A network, a centre, its label and the unsafe set, checked against each other."""

    network: Network
    family: LinfBall
    unsafe: UnsafeSet
    label: int
    target: int | None
    predicted: int
    # What makes the input, where the network takes the parameters of a perturbation.
    front: Network | None = None

    def shown(self, witness: Witness | None) -> Witness | None:
        """The witness with the input that the deployed network gets, where its point holds parameters."""
        if witness is None or self.front is None:
            return witness
        return replace(witness, input=self.front.runtime(witness.array()))

    def claim(self, radius: Fraction) -> dict[str, Any]:
        """The claim of a certificate that the property holds at this radius."""
        from .certificate.write import robust_claim

        ball = self.family
        return robust_claim(ball.points, radius, self.label, self.target, _one(ball.low), _one(ball.high))


def _one(ends: Sequence[Fraction | None]) -> Any:
    """One limit for all coordinates, where they have the same."""
    return ends[0] if len(set(ends)) == 1 else list(ends)


def _question(
    network: Network,
    x: npt.ArrayLike | Sequence[Fraction],
    range: tuple[Number, Number] | None,
    label: int | None,
    target: int | None,
    norm: str,
    perturbation: Front | str | None,
) -> _Question:
    from .certificate.replay import scores
    from .network.evaluate import classify
    from .property import LinfBall, NormBall, misclassification

    if norm not in NORMS:
        raise InputError(f"norm {norm!r} is not supported, expected one of {', '.join(NORMS)}")
    if norm != "linf" and perturbation is not None:
        raise InputError(f"a perturbation has a radius of its own, not one in the norm {norm}")
    center = center_of(network, x)
    low, high = (None, None) if range is None else (exact(range[0], "range"), exact(range[1], "range"))
    if low is not None and high is not None and low > high:
        raise InputError(f"the range is empty: {float(low):g} is above {float(high):g}")
    family = LinfBall(center, low, high) if norm == "linf" else NormBall(norm, center, low, high)
    point = center.floats()
    predicted = classify(scores(network, network.runtime(point), point))
    label = predicted if label is None else label
    unsafe = misclassification(label, network.output_size, target)
    if perturbation is None:
        return _Question(network, family, unsafe, label, target, predicted)
    from .compose.behind import behind
    from .property.fronts import from_text

    front = from_text(perturbation) if isinstance(perturbation, str) else perturbation
    made = behind(front, network, center, low, high)
    return _Question(made.network, made.family, unsafe, label, target, predicted, made.front)


def center_of(network: Network, x: npt.ArrayLike | Sequence[Fraction]) -> ExactVector:
    """The point that an array of numbers stands for, as the network's inputs hold it. Raises InputError."""
    values = np.asarray(x)
    if values.dtype.kind in "fiub":
        flat = values.astype(np.float64).ravel()
        if not np.isfinite(flat).all():
            bad = int(np.flatnonzero(~np.isfinite(flat))[0])
            raise InputError(f"the input holds {flat[bad]} at position {bad}, expected finite numbers")
    elif values.dtype.kind != "O":
        raise InputError(f"the input has type {values.dtype}, expected numbers")
    if values.size != network.input_size:
        shapes = " and ".join(str(port.shape) for port in network.inputs)
        raise InputError(
            f"the input has {values.size} numbers (shape {values.shape}), "
            f"{network.path.name} expects {network.input_size} (shape {shapes})"
        )
    # Float64 data for a float32 network: what is deployed sees the float32 number, so that is the centre.
    if values.dtype.kind == "f":
        parts, start = [], 0
        for port in network.inputs:
            parts.append(flat[start : start + port.size].astype(port.dtype).astype(np.float64))
            start += port.size
        return ExactVector.of(np.concatenate(parts))
    return ExactVector.of(values.ravel())


def _engine(name: str, solver: str | None) -> tuple[str, Any]:
    """The engine's full name and, for milp, its backend. Raises InputError and SolverError."""
    if name not in ENGINES:
        raise InputError(f"engine {name!r} is not one of {', '.join(ENGINES)}")
    if name == "smt":
        if solver not in (None, "z3"):
            raise InputError(f"the smt engine has the solver z3, not {solver!r}")
        return "smt/z3", None
    if name != "milp":
        if solver is not None:
            raise InputError(f"the {name} engine takes no solver; --solver goes with --engine milp")
        return name, None
    from verdict.solvers import solver as find

    backend = find(solver or "highs")
    missing = backend.available()
    if missing:
        raise InputError(f"solver {solver} is not available: {missing}")
    if not backend.features.integer or not backend.features.continuous:
        raise InputError(f"solver {solver} does not solve mixed-integer models; try highs, scip or cbc")
    return f"milp/{backend.name}", backend


@one_thread()
def robust(
    network: Network,
    x: npt.ArrayLike,
    eps: Number,
    *,
    norm: str = "linf",
    perturbation: Front | str | None = None,
    range: tuple[Number, Number] | None = None,
    label: int | None = None,
    target: int | None = None,
    engine: str = "auto",
    solver: str | None = None,
    bounds: str | None = None,
    timeout: float | None = None,
    threads: int = 2,
    device: str = "cpu",
    certificate: str | Path | None = None,
    on_progress: Callable[[str], object] | None = None,
) -> Verdict:
    """Does every input within `eps` of `x` get the class `label`?

    `x` has as many numbers as the network's input (any shape), in the network's own input units, and is taken
    as the floats of the input's type; `eps` is exact (a string is the decimal that it says). `range` bounds
    every coordinate. With a `perturbation` (`verdict.property.fronts`; "brightness", "blur:sigma=1.5", ...) `eps` is in
    its unit, and a witness holds the perturbation's parameters and, in `input`, what they make of `x`. `label` defaults
    to the network's own class of `x`; with `target`, only that class counts as a violation. With the engines milp and
    smt, `bounds` names the method whose bounds their formula holds (`verdict.bounds.methods`). `timeout` is in
    seconds. With `device` "cuda" instead of "cpu" the attack and the search
    for better bounds run in PyTorch on a GPU, and what they find is proved on the CPU ("torch": PyTorch on the CPU).
    Ties are unsafe. Ctrl-C ends the search and not the call: the answer is then unknown.

    A proof is written to the file `certificate` (`.vcert`) and read back by the independent checker, all within
    `timeout`; the answer's `certificate` says what became of it. Trust is `certified` if the checker accepted it.

    Raises InputError, PropertyError or SolverError for arguments that make no sense.
    """
    from .bounds.methods import encoder_bounds
    from .certificate.gate import judge
    from .property import Problem
    from .search.robust import Evidence, decide

    deadline = Deadline(timeout)
    radius = _radius(eps)
    question = _question(network, x, range, label, target, norm, perturbation)
    _refuse_round(question, engine, certificate)
    name, backend = _engine(engine, solver)
    tight, place = encoder_bounds(bounds, engine), find_device(device)
    box = question.family.at(radius)
    report = on_progress or (lambda stage: None)
    problem = Problem(question.network, box, question.unsafe)
    certified = None
    if certificate is not None:
        from .search.certify import Certified

        certified = Certified(certificate, question.network, question.claim(radius))
    here = _at_center(question)
    if here is not None:
        evidence = Evidence(witness=here)
    else:
        proof = None if certified is None else certified.recording(problem, box)
        try:
            started = deadline.elapsed()
            evidence = decide(problem, box, deadline, backend, threads, report, engine, tight, place, proof)
            evidence.stages = {"start": started, **evidence.stages}
        except KeyboardInterrupt:
            evidence = Evidence(reason="interrupted")
    made = None if certified is None else certified.made(evidence, deadline, threads, report, place)
    verdict = judge(question.network, evidence, question.label, name, deadline.elapsed(), made)
    return replace(verdict, witness=question.shown(verdict.witness))


def robustness(
    network: Network,
    x: npt.ArrayLike,
    eps: Number,
    *,
    range: tuple[Number, Number] | None = None,
    perturbation: Front | str | None = None,
    label: int | None = None,
    target: int | None = None,
) -> tuple[Network, Box, UnsafeSet, int]:
    """What `robust` decides: a network, its inputs, the unsafe outputs, the class to stay; arguments as there."""
    radius = _radius(eps)
    question = _question(network, x, range, label, target, "linf", perturbation)
    return question.network, question.family.at(radius), question.unsafe, question.label


@one_thread()
def bounds_of(
    network: Network,
    x: npt.ArrayLike,
    eps: Number,
    *,
    norm: str = "linf",
    perturbation: Front | str | None = None,
    range: tuple[Number, Number] | None = None,
    label: int | None = None,
    target: int | None = None,
    method: str = "linear",
    timeout: float | None = None,
    on_progress: Callable[[str], object] | None = None,
) -> list[Comparison]:
    """Bounds of every layer, and of the margins over the rival classes, for all inputs within `eps` of `x`.

    Arguments as in `robust`; `method` is a comma-separated list of `verdict.bounds.methods.METHODS`, or "all";
    `timeout` is in seconds for each. One `Comparison` for each method, in that order.
    """
    from .bounds.comparison import compare
    from .bounds.methods import choose

    methods, radius = choose(method), _radius(eps)
    question = _question(network, x, range, label, target, norm, perturbation)
    if not question.family.is_linear:
        raise InputError(f"bounds are compared on boxes, not on balls of the norm {norm}")
    lower, upper = question.family.at(radius).floats()
    return compare(question.network.graph, question.label, question.unsafe, lower, upper, methods, timeout, on_progress)


def _refuse_round(question: _Question, engine: str, certificate: str | Path | None) -> None:
    """Balls of the norms l1 and l2 are for bounds and branch and bound only."""
    from .property import NormBall

    if not isinstance(question.family, NormBall):
        return
    norm = question.family.norm
    if engine in ("milp", "smt"):
        raise InputError(f"the {engine} engine knows no balls of the norm {norm}; use auto or bab")
    if certificate is not None:
        raise InputError(f"the checker knows no balls of the norm {norm}: no certificate can be made")


def _radius(eps: Number) -> Fraction:
    radius = exact(eps, "eps")
    if radius < 0:
        raise InputError(f"eps is {eps}, expected at least 0")
    return radius


def _at_center(question: _Question) -> Witness | None:
    """The centre itself as a witness, where it is unsafe already (a wrong label, a tie)."""
    from .certificate.replay import replay_deployed

    center = question.family.center
    if len(center) and center.floats().tolist() == [float(f) for f in center.fractions()]:
        return replay_deployed(question.network, question.unsafe, center.floats(), Fraction(0))
    return None


@one_thread()
def maxeps(
    network: Network,
    x: npt.ArrayLike,
    *,
    norm: str = "linf",
    perturbation: Front | str | None = None,
    range: tuple[Number, Number] | None = None,
    label: int | None = None,
    target: int | None = None,
    engine: str = "auto",
    solver: str | None = None,
    bounds: str | None = None,
    timeout: float | None = None,
    threads: int = 2,
    device: str = "cpu",
    certificate: str | Path | None = None,
    on_progress: Callable[[Any], object] | None = None,
) -> Radius:
    """The largest perturbation radius at which every input around `x` keeps the class `label`.

    Arguments as in `robust`. The result is an interval that is valid whenever the search stops, by itself, by
    `timeout` (seconds) or by Ctrl-C, which ends the search and not the call; `on_progress` receives
    `verdict.search.radius.Progress` reports. With a `certificate` the search gets half of the time, and the other half
    proves what it has found into that file, and for every float32 evaluation order, perhaps at a smaller radius, into
    that file or one beside it.
    """
    from .bounds.methods import encoder_bounds
    from .certificate.gate import judge_radius
    from .certificate.replay import replay_exactly
    from .search.radius import RadiusSearch

    whole = Deadline(timeout)
    deadline = whole if certificate is None else whole.share(SEARCH_SHARE, math.inf)
    question = _question(network, x, range, label, target, norm, perturbation)
    _refuse_round(question, engine, certificate)
    name, backend = _engine(engine, solver)
    tight, place = encoder_bounds(bounds, engine), find_device(device)
    path = None
    if certificate is not None:
        from .certificate.draft import prepare

        path = prepare(certificate)
    search = RadiusSearch(question.network, question.family, question.unsafe, deadline, on_progress, tight, place)
    if replay_exactly(question.network, question.unsafe, question.family.center) is not None:
        return _wrong_already(question, name, deadline, path)
    reason, made = "", None if path is None else Certificate(None, reason="interrupted")
    float32 = None
    try:
        search.seek_witness()
        search.prove_by_bounds()
        if search.is_open() and not deadline.passed():
            _close(search, engine, backend, threads)
        if deadline.passed():
            reason = "the time limit was reached"
        if path is not None:
            search.enter("certificate")
            from .search.radius_certificate import certify_radius

            made, float32 = certify_radius(search, path, question.claim, whole, threads)
    except KeyboardInterrupt:
        reason = "interrupted"
    with contextlib.suppress(KeyboardInterrupt):
        search.enter("end")
    radius = judge_radius(search, question.label, name, reason, made, float32)
    return replace(radius, witness=question.shown(radius.witness))


@one_thread()
def verify(
    query: str | Path | VnnLib1 | VnnLib2,
    network: Network | Mapping[str, Network],
    *,
    engine: str = "auto",
    solver: str | None = None,
    bounds: str | None = None,
    timeout: float | None = None,
    threads: int = 2,
    device: str = "cpu",
    certificate: str | Path | None = None,
    on_progress: Callable[[str], object] | None = None,
) -> Verdict:
    """Does a VNN-LIB query, of version 1 or 2, have no solution? Status robust means unsat, violated means sat.

    A query of version 2 that declares several networks takes `network` as a mapping from their names, but for those
    that are `equal-to` another. Other arguments as in `robust`; only queries of version 1 get a certificate. A witness
    satisfies the query exactly, strict inequalities included, over the reals and with the outputs of ONNX Runtime.
    Raises PropertyError for a query that is malformed, InputError for one that does not fit its networks.
    """
    from .bounds.methods import encoder_bounds
    from .certificate.gate import judge
    from .certificate.write import unsat_claim
    from .property import Problem
    from .property.cases import Case
    from .property.vnnlib import VnnLib1, read_query
    from .property.vnnlib_bind import bound
    from .search.query import decide_query
    from .search.robust import Evidence, decide

    deadline = Deadline(timeout)
    name, backend = _engine(engine, solver)
    tight, place = encoder_bounds(bounds, engine), find_device(device)
    asked = read_query(query) if isinstance(query, str | Path) else query
    subject = bound(asked, network)
    made = None if certificate is None else Certificate(None, reason="the checker reads queries of version 1 only")
    certified = None
    if certificate is not None and isinstance(asked, VnnLib1):
        from .search.certify import Certified

        certified = Certified(certificate, subject, unsat_claim(), asked.path)
    report = on_progress or (lambda stage: None)
    started = deadline.elapsed()

    def search(problem: Problem, case: Case) -> Evidence:
        proof = None if certified is None else certified.recording(problem, case.inputs)
        return decide(problem, case.inputs, deadline, backend, threads, report, engine, tight, place, proof)

    evidence = decide_query(asked, subject, search, deadline, engine == "auto")
    evidence.stages = {"start": started, **evidence.stages}
    if certified is not None:
        made = certified.made(evidence, deadline, threads, report, place)
    return judge(subject, evidence, None, name, deadline.elapsed(), made)


def check(
    certificate: str | Path,
    network: Network | str | Path,
    query: str | Path | None = None,
    *,
    tier: str = "exact",
    jobs: int = 1,
    any_order: bool = True,
    on_progress: Callable[[int], object] | None = None,
) -> Report:
    """Does the independent checker accept this certificate for this ONNX file and, if it is about one, this query?

    `tier`: exact (integers), rigorous (floats, rounding charged) or python (Fractions). With `any_order` the report
    also says whether the claim holds for every float32 evaluation. Raises InputError for what cannot be read.
    """
    from . import checker

    path = network.path if isinstance(network, Network) else network
    try:
        return checker.check(
            certificate,
            path,
            query,
            tier=tier,
            jobs=jobs,
            any_order=any_order,
            progress=on_progress or (lambda leaves: None),
        )
    except checker.UnreadableError as error:
        raise InputError(str(error)) from error


def _close(search: Any, engine: str, backend: Any, threads: int) -> None:
    """Let the chosen engine close what the attack and the bounds have left of the interval."""
    if engine == "smt":
        from .search.radius_smt import search_smt

        search_smt(search)
    elif engine == "milp":
        from .search.radius_milp import search_milp

        search_milp(search, backend, threads)
    else:
        from .search.bab import FEW_INPUTS
        from .search.radius_bab import search_bab

        hands_over = engine == "auto" and search.family.is_linear
        seconds = AUTO_BAB_SECONDS if search.family.size > FEW_INPUTS else AUTO_SPLIT_SECONDS
        clock = search.deadline.share(0.3, seconds) if hands_over else search.deadline
        search_bab(search, clock, threads)
        if hands_over and search.is_open():
            from verdict.solvers import solver

            from .search.radius_milp import search_milp

            search_milp(search, solver("highs"), threads)


def _wrong_already(question: _Question, engine: str, deadline: Deadline, path: Path | None) -> Radius:
    from .certificate.gate import witness_class
    from .certificate.replay import replay_exactly

    zero = Fraction(0)
    here = replay_exactly(question.network, question.unsafe, question.family.center, zero)
    deployed = _at_center(question)
    return Radius(
        lower=zero,
        upper=zero,
        exact=zero,
        status="wrong-label",
        label=question.label,
        engine=engine,
        seconds=deadline.elapsed(),
        lower_trust=Trust.EXACT,
        upper_trust=Trust.REPLAYED if deployed else Trust.EXACT,
        target=None if here is None else witness_class(question.network, here, question.label),
        closest=here,
        witness=question.shown(deployed),
        reason=_at_the_input(question),
        certificate=None if path is None else Certificate(None, reason="no radius is safe, the input is the witness"),
    )


def _at_the_input(question: _Question) -> str:
    if question.predicted != question.label:
        return f"the network gives class {question.predicted} to the input itself"
    return f"class {question.label} and another score the same at the input itself, and a tie is unsafe"


__all__ = ["Number", "bounds_of", "check", "exact", "load", "maxeps", "robust", "robustness", "verify"]
