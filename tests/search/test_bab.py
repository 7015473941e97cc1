"""Branch and bound against brute force, with both kinds of split, and its leaves by linear programming."""

from fractions import Fraction

import numpy as np
import pytest
from support.brute import least_radius
from support.networks import KINDS, Draft, random_network
from support.seeds import seeds

import verdict
from verdict.answer.credit import ANEW
from verdict.base.deadline import Deadline
from verdict.bounds import linear_bounds
from verdict.network.exact import Coefficients, ExactVector
from verdict.property import LinfBall, Polytope, UnsafeSet, misclassification
from verdict.search.boxes.boxes import bound_boxes
from verdict.search.boxes.halving import halve
from verdict.search.boxes.input_split import InputSplit
from verdict.search.effort import Effort
from verdict.search.engines.parts.bab import branch_and_bound
from verdict.search.observer import Watch
from verdict.search.options import SearchOptions
from verdict.search.points.region import phases_at
from verdict.search.relus.leaf import close_leaf
from verdict.search.relus.space import Space
from verdict.search.rows import Rows


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("few", "relus", "only"), [(0, 24, ""), (12, -1, ""), (0, -1, ANEW)], ids=["relu", "input", "anew beside boxes"]
)
@pytest.mark.parametrize("seed", seeds(5, 12))
def test_proves_below_and_refutes_above_the_radius(kind, few, relus, only, seed, tmp_path):
    rng = np.random.default_rng([seed, 29])
    network = verdict.load(random_network(rng, kind, tmp_path))
    graph = network.graph
    x = rng.integers(-8, 9, graph.input_size) / 8
    label = int(network.evaluate(x[None])[0].argmax())
    truth = least_radius(graph, x, label, -2, 2)
    family = LinfBall(ExactVector.of(x), Fraction(-2), Fraction(2))
    unsafe = misclassification(label, graph.output_size)
    # Boxes have to shrink towards a near tie; linear regions do not.
    margin = 0.03 if few == 0 else 0.1
    asked = [(truth * (1 - margin), True), (truth * (1 + margin), False)]
    if truth == 0:
        asked = [(0.1, False)]
    elif truth == np.inf:
        # The ball that holds the whole range.
        asked = [(4.0, True)]
    for radius, safe in asked:
        lower, upper = family.floats(radius)
        bounds = linear_bounds(graph, lower[None], upper[None])
        # Where nothing bends nothing is found anew.
        way, hits = only if bounds.unstable(graph) else "", []

        def try_points(points, hits=hits):
            hits.extend(points[unsafe.slack(network.evaluate(points)) <= 0])
            return bool(hits)

        effort = Effort(Deadline(30), options=SearchOptions(way, few_inputs=few, few_relus=relus))
        outcome = branch_and_bound(graph, bounds, list(unsafe.polytopes), effort, Watch(try_points))
        assert outcome.proved == safe, (truth, outcome)
        assert bool(hits) != safe


def test_leaves_close_with_the_duals_of_their_linear_program(tmp_path):
    """Every full assignment of phases below the radius is closed by its LP, rigorously."""
    closed = 0
    for seed in range(10):
        rng = np.random.default_rng([seed, 31])
        network = verdict.load(random_network(rng, "dense", tmp_path))
        graph = network.graph
        x = rng.integers(-8, 9, graph.input_size) / 8
        label = int(network.evaluate(x[None])[0].argmax())
        truth = least_radius(graph, x, label, -2, 2)
        if not 0 < truth < np.inf:
            continue
        family = LinfBall(ExactVector.of(x), Fraction(-2), Fraction(2))
        bounds = linear_bounds(graph, *(side[None] for side in family.floats(0.9 * truth)))
        for polytope in misclassification(label, graph.output_size).polytopes:
            space = Space(graph, bounds, polytope.matrix.values[:1], np.zeros(1))
            for number in range(min(2**space.size, 16)):
                signs = np.array([1 if number >> k & 1 else -1 for k in range(space.size)], np.int8)
                proof, _ = close_leaf(space, signs, polytope)
                assert proof is not None
                closed += space.size > 0
    assert closed > 20


def test_a_leaf_that_reaches_the_unsafe_set_is_not_closed(tmp_path):
    rng = np.random.default_rng([0, 31])
    network = verdict.load(random_network(rng, "dense", tmp_path))
    graph = network.graph
    x = np.zeros(graph.input_size)
    bounds = linear_bounds(graph, (x - 2)[None], (x + 2)[None])
    never = Polytope(Coefficients(np.zeros((1, graph.output_size))), Coefficients([0.0]))  # excluded if 0 > 0
    space = Space(graph, bounds, never.matrix.values, never.offset.values)
    # The region that the centre lies in, so that it is not empty.
    phases = phases_at(graph, x)
    signs = np.concatenate([np.where(phases[i][columns], 1, -1) for i, columns in space.columns.items()])
    assert close_leaf(space, signs.astype(np.int8), never)[0] is None


def test_a_point_that_bounds_leave_open_is_decided_by_splitting_relus(tmp_path):
    """There is no coordinate to halve. (Once this was an error.)"""
    options = SearchOptions(few_relus=-1)
    network = verdict.load(random_network(np.random.default_rng([0, 31]), "dense", tmp_path))
    graph = network.graph
    x = np.full(graph.input_size, 0.125)
    bounds = linear_bounds(graph, x[None], x[None])
    label = int(network.evaluate(x[None])[0].argmax())
    for polytope in misclassification(label, graph.output_size).polytopes:
        outcome = branch_and_bound(graph, bounds, [polytope], Effort(Deadline(30), options=options))
        assert outcome.proved


@pytest.mark.parametrize("few", [0, 12], ids=["relu", "input"])
def test_a_polytope_without_rows_holds_every_output(few, tmp_path):
    """Nothing excludes it, least of all the rows of its neighbour."""
    effort = Effort(Deadline(30), options=SearchOptions(few_inputs=few, few_relus=-1))
    graph = verdict.load(random_network(np.random.default_rng([0, 31]), "dense", tmp_path)).graph
    x = np.zeros(graph.input_size)
    bounds = linear_bounds(graph, (x - 1)[None], (x + 1)[None])
    everything = Polytope(Coefficients(np.zeros((0, graph.output_size))), Coefficients(np.zeros(0)))
    nothing = Polytope(Coefficients(np.zeros((1, graph.output_size))), Coefficients([-1.0]))
    for polytopes in ([everything, nothing], [nothing, everything], [everything]):
        hits = []

        def try_points(points, hits=hits):
            hits.extend(points)
            return True

        assert not branch_and_bound(graph, bounds, polytopes, effort, Watch(try_points)).proved
        assert hits
    assert branch_and_bound(graph, bounds, [nothing, nothing], effort, Watch(lambda points: True)).proved


def _kink(tmp_path):
    """y = |x - 0.375|, which is 0 at one point only."""
    draft = Draft(np.random.default_rng(0))
    h = draft.add("Gemm", "x", draft.constant(np.float32([[1, -1]])), draft.constant(np.float32([-0.375, 0.375])))
    h = draft.add("Relu", h)
    last = draft.add("MatMul", h, draft.constant(np.float32([[1, 0], [1, 0]])))
    return verdict.load(draft.save(tmp_path / "kink.onnx", (1,), 2, last))


@pytest.mark.parametrize("limit", [0.0, -1e-300])
def test_boxes_that_no_float_divides_end_the_search(tmp_path, limit):
    """The unsafe set is touched, and nobody takes the point, or it is missed by less than floats can see."""
    graph = _kink(tmp_path).graph
    unsafe = UnsafeSet((Polytope(Coefficients(np.array([[1.0, 0.0]])), Coefficients(np.array([limit]))),), 2)
    low, high = np.array([-1 / 3]), np.array([1.0])
    outcome = InputSplit(graph, unsafe, low, high).run(Deadline(20))
    assert not outcome.proved
    assert "no float inside" in outcome.reason


def test_a_box_that_cannot_be_halved_everywhere_is_halved_where_it_can(tmp_path):
    network = verdict.load(random_network(np.random.default_rng([3, 29]), "dense", tmp_path))
    graph = network.graph
    low = np.zeros(graph.input_size)
    high = np.where(np.arange(graph.input_size) == 0, np.nextafter(0.0, 1), 1.0)
    rows = Rows(misclassification(0, graph.output_size))
    boxes = bound_boxes(graph, rows, low[None], high[None])
    assert boxes.coordinate[0] != 0
    assert boxes.divisible[0]
    halves = halve(graph, rows, boxes)
    assert (halves.high[0] != halves.high[1]).any()
