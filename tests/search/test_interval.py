"""The interval of a radius search: a proof that an exact witness contradicts must not survive."""

from fractions import Fraction

import verdict
from verdict.answer.results import Trust
from verdict.base.deadline import Deadline
from verdict.network.exact import ExactVector
from verdict.property import LinfBall, misclassification
from verdict.search.radius import RadiusSearch


def _search():
    """xor at (0, 0): its radius is 1/2, and (1, 0) is a witness at distance 1."""
    family = LinfBall(ExactVector.of([0, 0]), Fraction(0), Fraction(1))
    return RadiusSearch(verdict.load("xor"), family, misclassification(0, 2), Deadline())


def test_a_wrong_proof_before_the_witness_is_taken_back():
    search = _search()
    search.prove(0, Fraction(3, 4), Trust.SOLVER)
    assert search.offer(ExactVector.of([Fraction(1, 2), 0]))
    assert search.upper == Fraction(1, 2)
    assert search.lower == 0
    assert any("contradicts" in note for note in search.notes)


def test_a_wrong_proof_after_the_witness_is_refused():
    search = _search()
    assert search.offer(ExactVector.of([Fraction(1, 2), 0]))
    search.prove(0, Fraction(3, 4), Trust.SOLVER)
    assert search.lower == 0
    search.prove(0, Fraction(1, 2), Trust.Z3)  # up to the witness itself is no contradiction
    assert search.lower == search.upper
