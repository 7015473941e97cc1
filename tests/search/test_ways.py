"""The parts of a search over boxes: the pool of open ones, the input to halve, forwards or backwards, and turns."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from support.networks import random_network
from support.seeds import seeds

import verdict
from verdict.base.deadline import Deadline, ProcessorTime
from verdict.base.workers import Workers
from verdict.bounds import linear_bounds
from verdict.property import misclassification
from verdict.search.boxes.boxes import BACKWARD, Boxes, Way, bound_boxes
from verdict.search.boxes.coordinate import best_coordinate
from verdict.search.boxes.halving import halve
from verdict.search.boxes.open_boxes import OpenBoxes
from verdict.search.boxes.ways import Ways, more_halvings
from verdict.search.engines.parts import relu_rounds
from verdict.search.engines.parts.anew_split import AnewSplit
from verdict.search.engines.parts.in_turn import in_turn
from verdict.search.first_box import FirstBox
from verdict.search.means import Means
from verdict.search.observer import BoundsObserver, Watch
from verdict.search.options import DEFAULTS
from verdict.search.outcome import Outcome
from verdict.search.rows import Rows


def _boxes(slack):
    count = len(slack)
    low = np.arange(2.0 * count).reshape(count, 2)
    none = np.zeros((count, 0))
    return Boxes(low, low + 1, none, np.asarray(slack, float), none, np.zeros(count, bool), none,
                 np.arange(count), np.zeros(count, int))


@pytest.mark.parametrize("seed", seeds(10, 200))
def test_open_boxes_come_by_their_keys_and_none_is_lost(seed):
    rng = np.random.default_rng(seed)
    pool, left = OpenBoxes("slack", "other"), {}
    for turn in range(30):
        if turn == 0 or rng.random() < 0.6:
            boxes = _boxes(rng.normal(size=rng.integers(0, 40)))
            other = rng.normal(size=len(boxes))
            pool.add(boxes, {"slack": boxes.slack, "other": other})
            left |= {(s, *low): o for s, low, o in zip(boxes.slack, boxes.low.tolist(), other, strict=True)}
        else:
            first, second = rng.integers(0, 20, 2).tolist()
            taken = pool.take({"slack": first, "other": second})
            got = [(s, *low) for s, low in zip(taken.slack, taken.low.tolist(), strict=True)]
            best = sorted(left)[:first]
            assert sorted(got[: len(best)]) == best
            for key in best:
                del left[key]
            best = sorted(left, key=left.get)[:second]
            assert set(got[min(first, len(got) - len(best)) :]) == set(best)
            for key in best:
                del left[key]
        assert len(pool) == len(left)
        assert pool.least("slack") == min((key[0] for key in left), default=np.inf)


def test_the_input_that_relaxed_neurons_hang_on_is_halved():
    """A bound that does not fall along the second input itself, but whose neurons are wide because of it."""
    low, high = np.zeros((3, 2)), np.ones((3, 2))
    slope = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    lost = np.array([[0.0, 2.0], [0.0, 0.5], [np.nan, np.nan]])
    assert best_coordinate(low, high, slope, np.arange(2), lost)[:2].tolist() == [1, 0]
    high[:, 1] = np.nextafter(0, 1)
    assert best_coordinate(low, high, slope, np.arange(2), lost).tolist() == [0, 0, 0]


def _case(seed, folder):
    rng = np.random.default_rng([seed, 71])
    graph = verdict.load(random_network(rng, "dense", folder)).graph
    low = rng.uniform(-1, 0, (6, graph.input_size))
    return rng, graph, misclassification(0, graph.output_size), low, low + rng.uniform(0.1, 1, low.shape)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("seed", seeds(6, 60))
def test_no_point_of_a_half_is_below_its_slack(seed, backward, tmp_path):
    rng, graph, unsafe, low, high = _case(seed, tmp_path)
    rows, way = Rows(unsafe), Way(backward)
    boxes = bound_boxes(graph, rows, low, high, way)
    halves = halve(graph, rows, boxes, way)
    at = np.arange(len(boxes))
    assert (halves.high[: len(at)][at, boxes.coordinate] == halves.low[len(at) :][at, boxes.coordinate]).all()
    assert (halves.low[: len(at)] == low).all()
    assert (halves.high[len(at) :] == high).all()
    for found in (boxes, halves):
        for share in rng.uniform(0, 1, (40, *found.low.shape)):
            values = verdict.network.evaluate.evaluate(graph, found.low + share * (found.high - found.low))
            assert (unsafe.slack(values) >= found.slack - 1e-5).all()


def test_how_many_halvings_make_up_for_looser_bounds():
    forward = np.array([[4.0, 8.0], [2.0, 4.0], [2.0, 4.0]])
    backward = np.array([[4.0], [0.5], [0.5]])
    assert more_halvings(forward, backward) == 2
    assert more_halvings(np.ones((3, 2)), np.ones((3, 2))) == np.inf
    assert more_halvings(np.full((3, 2), np.inf), np.ones((3, 2))) == np.inf
    assert more_halvings(forward, forward) == 0


@pytest.mark.parametrize("error", [0.5, 1e6])
def test_the_way_is_measured(error, tmp_path, monkeypatch):
    """Forward bounds that are as good are taken, such as are a million times as wrong are not."""
    from verdict.search.boxes import ways

    _, graph, unsafe, low, high = _case(1, tmp_path)
    rows = Rows(unsafe)
    boxes = bound_boxes(graph, rows, low, high)

    def bound(graph, rows, low, high, way):
        for _ in range(len(low) if way.backward else 1):
            found = bound_boxes(graph, rows, low, high)
        size = (high - low).max(axis=1)
        found.slack[:] = -size if way.backward else -size * error
        return found

    monkeypatch.setattr(ways, "bound_boxes", bound)
    monkeypatch.setattr(ways, "_guess", lambda *given: 0.0)
    measured = Ways(BACKWARD, graph, low[0], high[0])
    measured.measure(graph, rows, boxes, lambda boxes: np.zeros(len(boxes)), 10**6)
    assert measured.way.backward == (error > 1)


class Steps:
    """A search that closes a share of the whole each time that it goes on, and may give up."""

    name = "steps"

    def __init__(self, shares, ends=True, ahead=None, needs=0.0, start=0.0):
        self.start = start
        self.shares, self.ends, self.ahead, self.runs = list(shares), ends, ahead, 0
        self.needs, self.slices = needs, []

    def run(self, deadline):
        self.runs += 1
        self.slices.append(deadline.remaining())
        clock = ProcessorTime()
        while clock.elapsed() < (0.02 if self.runs > 1 else max(0.02, self.start)):
            sum(range(1000))
        share = self.shares[min(self.runs, len(self.shares)) - 1]
        is_last = self.runs >= len(self.shares)
        return Outcome(is_last and self.ends, 0.0, 1, "", share, resumable=not is_last, ahead=self.ahead)


def test_the_search_that_gets_on_has_most_of_the_time():
    quick, slow = Steps([0.1, 0.3, 0.5, 0.7, 0.9, 1.0]), Steps([0.0001 * i for i in range(200)])
    outcome = in_turn([slow, quick], ProcessorTime(60))
    assert outcome.proved
    assert not outcome.resumable
    assert slow.runs < quick.runs


def test_a_search_is_taken_at_its_word():
    sure, other = Steps([0.0] * 20 + [1.0], ahead=1.0), Steps([0.0001 * i for i in range(200)])
    assert in_turn([other, sure], ProcessorTime(60)).proved
    assert other.runs < sure.runs


def test_one_that_is_far_behind_has_less_than_one_that_is_not():
    far, behind = (Steps([rate * i for i in range(1, 201)]) for rate in (1e-6, 0.002))
    assert in_turn([far, behind, Steps([0.01 * i for i in range(40)] + [1.0])], ProcessorTime(60)).proved
    assert far.runs < behind.runs


def test_one_that_has_stalled_does_not_live_on_what_it_closed_at_first():
    stalled = Steps([0.6] * 200)
    assert in_turn([stalled, Steps([0.03 * i for i in range(33)] + [1.0])], ProcessorTime(60)).proved
    assert stalled.runs < 20


def test_one_that_begins_again_behind_better_bounds_has_not_stalled():
    again, slow = Steps([0.5, 0.6, 0.3, 0.5, 0.7, 0.9, 1.0]), Steps([0.02 * i for i in range(1, 201)])
    assert in_turn([again, slow], ProcessorTime(60)).proved
    assert slow.runs < again.runs


def test_beside_the_best_one_that_has_stalled_others_have_as_much():
    """Here the others have told nothing yet, and what tells something is at first the best."""
    stalled, late = Steps([0.9, *[0.95] * 200]), Steps([0.0] * 20 + [1.0])
    assert in_turn([stalled, late], ProcessorTime(60)).proved
    assert stalled.runs <= 2 * late.runs


@pytest.mark.parametrize("told", [0.0, 0.01])
def test_one_that_sees_no_end_leaves_the_time_to_one_that_may_have_one(told):
    late, endless = Steps([told] * 40 + [1.0]), Steps([0.0] * 200, ahead=np.inf)
    assert in_turn([late, endless], ProcessorTime(60)).proved
    assert endless.runs <= 5


def test_the_others_keep_a_share_together():
    best, others = Steps([0.015 * i for i in range(60)] + [1.0]), [Steps([0.0] * 200) for _ in range(3)]
    assert in_turn([best, *others], ProcessorTime(60)).proved
    assert 3 <= sum(other.runs for other in others) < 0.3 * best.runs


def test_a_long_start_says_nothing_before_anybody_has_closed_anything():
    late, begun = Steps([0.0] * 400), Steps([0.0, 1.0], start=1.0)
    assert in_turn([late, begun], ProcessorTime(60)).proved
    assert late.runs < 120


def test_none_begins_where_the_best_is_in_its_second_half():
    quick, other = Steps([0.6, 1.0]), Steps([0.0] * 200)
    assert in_turn([quick, other], ProcessorTime(60)).proved
    assert (quick.runs, other.runs) == (2, 0)
    slow, begun = Steps([0.1, 0.6, 1.0]), Steps([0.0] * 200)
    assert in_turn([slow, begun], ProcessorTime(60)).proved
    assert begun.runs == 1


def test_one_that_gives_up_leaves_the_time_to_the_others():
    lost, other = Steps([0.9, 0.99], ends=False), Steps([0.1, 0.2, 0.3, 1.0])
    assert in_turn([lost, other], ProcessorTime(60)).proved
    assert not in_turn([Steps([0.9, 0.99], ends=False)], ProcessorTime(60)).proved


def test_bounds_that_would_cost_more_than_they_tell_are_not_measured(tmp_path, monkeypatch):
    from verdict.search.boxes import ways

    _, graph, unsafe, low, high = _case(1, tmp_path)
    rows = Rows(unsafe)
    boxes = bound_boxes(graph, rows, low, high)
    monkeypatch.setattr(ways, "_guess", lambda *given: 1e9)
    monkeypatch.setattr(ways, "bound_boxes", None)
    measured = Ways(BACKWARD, graph, low[0], high[0])
    measured.measure(graph, rows, boxes, lambda boxes: np.zeros(len(boxes)), 10**6)
    assert not measured.way.backward


def test_a_round_of_sharpening_that_a_turn_cuts_short_goes_on(tmp_path, monkeypatch):
    """With as many splits, and with what was done; the next one has more splits and has done nothing."""
    graph = verdict.load(random_network(np.random.default_rng([5, 77]), "dense", tmp_path, 4)).graph
    told = []

    def sharpened(graph, bounds, todo, means, stop, observer):
        again = bool(todo.nodes)
        todo.nodes.add(len(told))
        told.append((todo.splits, again))
        while len(told) % 2 and not stop():
            sum(range(1000))
        return bounds

    monkeypatch.setattr(relu_rounds, "sharpen", sharpened)
    ends = -np.ones((1, graph.input_size)), np.ones((1, graph.input_size))
    unsafe = misclassification(0, graph.output_size)
    options = replace(DEFAULTS, short=0, saturated=1.0)
    first = FirstBox(graph, linear_bounds(graph, *ends), Deadline())
    means = Means(Workers(1), options=options)
    rounds = relu_rounds.ReluRounds(graph, first, unsafe.polytopes, Deadline(), Watch(), means)
    while len(told) < 6:
        rounds._rounds = rounds._next
        rounds._sharpen(rounds._rounds, ProcessorTime(0.05))
    splits = [told_rounds for told_rounds, _ in told]
    assert splits == [0, 0, 8, 8, 32, 32]
    assert [again for _, again in told] == [i % 2 == 1 for i in range(len(told))]


@pytest.mark.parametrize(("pace", "first"), [(1e-6, "round"), (0.9, "search")])
def test_a_round_that_a_search_waits_for_comes_before_it(pace, first, tmp_path, monkeypatch):
    """And one that it does not wait for comes after it. The first search comes before all rounds."""
    graph = verdict.load(random_network(np.random.default_rng([5, 77]), "dense", tmp_path, 4)).graph
    told = []

    class Search:
        ways, root = {}, -1.0

        def __init__(self, *given):
            self.share, self.visited = 0.0, 0

        def run(self, deadline):
            told.append("search")
            while not deadline.passed():
                sum(range(1000))
                self.visited += 1
            self.share += pace * (1 - self.share)
            return Outcome(False, -1.0, 1, "", self.share, resumable=True)

    def sharpened(graph, bounds, todo, means, stop, observer):
        told.append("round")
        while not stop():
            sum(range(1000))
        return bounds

    monkeypatch.setattr(relu_rounds, "sharpen", sharpened)
    monkeypatch.setattr(relu_rounds, "ReluSplit", Search)
    monkeypatch.setattr(relu_rounds, "LEAST_ROUND", 0.01)
    ends = -np.ones((1, graph.input_size)), np.ones((1, graph.input_size))
    first_box = FirstBox(graph, linear_bounds(graph, *ends), Deadline())
    means = Means(Workers(1), options=replace(DEFAULTS, short=0, least_search=0.01))
    polytopes = misclassification(0, graph.output_size).polytopes
    rounds = relu_rounds.ReluRounds(graph, first_box, polytopes, Deadline(), Watch(), means)
    for _ in range(4):
        begins = len(told)
        rounds.run(ProcessorTime(0.08))
    assert told[0] == "search"
    assert told[begins] == first


@pytest.mark.parametrize(("rest", "told"), [(1.0, 4 ** (2 / 3)), (9.0, 4.0)])
def test_what_splits_need_lies_between_what_the_least_bound_and_the_share_say(rest, told, tmp_path):
    """The least bound says 400 domains of 10 ms each; the share says too little, and more only where it is late."""
    _, graph, unsafe, low, high = _case(3, tmp_path)
    first = FirstBox(graph, linear_bounds(graph, low[:1], high[:1]), Deadline())
    rounds = relu_rounds.ReluRounds(graph, first, unsafe.polytopes, Deadline(), Watch(), Means())
    rounds._frontier, rounds._paced, rounds._rest = SimpleNamespace(domains=400), [1.0, 100.0], rest
    assert rounds._ahead == pytest.approx(told)


def test_a_trial_is_made_once_it_is_little_beside_what_the_best_expects_to_take():
    """Where the best expects to end before that, it is never made."""
    dear = Steps([0.0, 1.0], needs=0.3)
    assert in_turn([Steps([0.2, 0.4, 0.6, 0.8, 1.0], ahead=0.2), dear], ProcessorTime(60)).proved
    assert dear.runs == 0
    dear = Steps([0.0, 1.0], needs=0.3)
    assert in_turn([Steps([0.0] * 200, ends=False), dear], ProcessorTime(60)).proved
    assert dear.runs == 2
    assert dear.slices[0] >= 0.29


def test_trials_together_take_no_more_than_the_best_has_had():
    first, trials = Steps([0.0] * 60, ends=False), [Steps([0.0] * 60, ends=False, needs=0.1) for _ in range(4)]
    in_turn([first, *trials], ProcessorTime(2.0))
    assert sum(each.runs for each in trials) <= first.runs


@pytest.mark.parametrize(("last_round", "waits"), [(1e-9, True), (1e9, False), (np.inf, False)])
def test_bounds_found_anew_wait_for_a_round_that_is_cheaper(last_round, waits, tmp_path):
    """Where none comes next, it takes without end."""
    graph = verdict.load(random_network(np.random.default_rng([5, 77]), "dense", tmp_path, 4)).graph
    bounds = linear_bounds(graph, -np.ones((1, graph.input_size)), np.ones((1, graph.input_size)))
    rounds = SimpleNamespace(bounds=bounds, pace=0.01, round_seconds=last_round)
    anew = AnewSplit(graph, rounds, misclassification(0, graph.output_size).polytopes, Watch(), Means())
    assert anew.needs == np.inf if waits else 0 < anew.needs < np.inf


def test_the_first_search_of_a_recorded_proof_has_bounds_that_a_checker_finds(tmp_path):
    """Whatever found the bounds to begin with."""
    graph = verdict.load(random_network(np.random.default_rng([5, 77]), "dense", tmp_path, 4)).graph
    found = linear_bounds(graph, -np.ones((1, graph.input_size)), np.ones((1, graph.input_size)))
    middle = [(low + high) / 2 for low, high in zip(found.lower, found.upper, strict=True)]
    tight = found.with_ends((found.lower[0], *middle[1:]), (found.upper[0], *middle[1:]))

    class Strict(BoundsObserver):
        def known(self, bounds):
            return None

    for observer, kept in ((BoundsObserver(), tight), (Strict(), found)):
        watch = Watch()
        watch.proof.bounds = lambda graph, observer=observer: observer
        polytopes = misclassification(0, graph.output_size).polytopes
        first = FirstBox(graph, tight, Deadline())
        rounds = relu_rounds.ReluRounds(graph, first, polytopes, Deadline(), watch, Means())
        space, _ = rounds.whole_box()
        for number in range(1, len(graph.nodes) - 1):
            assert (space.bounds.lower[number] == kept.lower[number]).all()
