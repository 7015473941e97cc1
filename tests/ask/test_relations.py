"""Two networks and two copies: largest values and radii by brute force and in closed form, on every engine."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from support.brute import least_margin
from support.networks import random_network
from support.seeds import seeds

import verdict
from verdict.answer.results import Trust
from verdict.base.errors import InputError, PropertyError
from verdict.checker import check
from verdict.compose.composer import save
from verdict.compose.layers import layers, with_weights
from verdict.compose.pairs import difference, movement
from verdict.network.exact import ExactVector
from verdict.ops.importer.onnx_import import network_of
from verdict.property import Box
from verdict.property.language.sets import box as between
from verdict.property.language.sets import within
from verdict.property.vnnlib1 import parse_vnnlib1

ENGINES = ("bab", "milp", "smt")


def _brute(network, box, rows):
    """The largest entry of rows @ outputs on a box, by one linear program for each linear region."""
    lower, upper = box.floats()
    inputs = np.zeros((1, network.input_size))
    margins = [[(np.hstack([-row[None], inputs]), np.zeros(1))] for row in rows]
    return max(-least_margin(network.graph, lower, upper, margin) for margin in margins)


def _rounded(network, steps):
    """The network with its weights rounded to multiples of 1 / steps, as a quantised model has them."""
    return with_weights(network, {layer.weight: np.round(layer.values * steps) / steps for layer in layers(network)})


def _small(seed, folder):
    """A dense network and a box on which few of its ReLUs are unstable."""
    rng = np.random.default_rng(seed)
    network = verdict.load(random_network(rng, "dense", folder, scales=[0.7, 1.3]))
    center = [Fraction(int(n), 8) for n in rng.integers(-8, 9, network.input_size)]
    return network, Box([c - Fraction(1, 4) for c in center], [c + Fraction(1, 4) for c in center])


@pytest.mark.parametrize("seed", seeds(1, 3))
def test_the_largest_disagreement_is_brute_forces(seed, tmp_path):
    network, box = _small(seed, tmp_path)
    other = _rounded(network, 4)
    apart = difference(network, other)
    unit = np.eye(apart.output_size)
    expected = _brute(apart, box, np.vstack([unit, -unit]))
    for engine in ENGINES:
        found = verdict.maxdelta(network, other, box, engine=engine, timeout=60)
        assert found.status in ("closed", "exact"), engine
        assert float(found.lower) == pytest.approx(expected, rel=1e-5, abs=1e-7), engine
        assert float(found.upper) == pytest.approx(expected, rel=1e-5, abs=1e-7), engine
        # The witness gives the lower end exactly, and about the same in ONNX Runtime.
        assert box.contains(found.witness.point)
        outputs = apart.evaluate_exact(found.witness.point).fractions()
        assert max(map(abs, outputs)) == found.lower == max(map(abs, found.witness.outputs.fractions()))
        assert float(np.abs(found.deployed).max()) == pytest.approx(float(found.lower), abs=1e-4)


def test_a_network_does_not_differ_from_itself():
    network = verdict.load("xor")
    found = verdict.maxdelta(network, network, verdict.region(network, range=(0, 1)))
    assert found.lower == 0
    assert found.upper <= Fraction(1, 10**7)


@pytest.mark.parametrize("seed", seeds(1, 2))
def test_imitation_holds_just_beyond_the_largest_disagreement(seed, tmp_path):
    network, box = _small(seed, tmp_path)
    other = _rounded(network, 4)
    found = verdict.maxdelta(network, other, box)
    for engine in ENGINES:
        beyond = verdict.imitates(network, other, box, delta=found.upper * Fraction(1001, 1000), engine=engine)
        within = verdict.imitates(network, other, box, delta=found.lower * Fraction(999, 1000), engine=engine)
        assert (beyond.status, within.status) == ("robust", "violated"), engine


def test_the_same_class_where_the_teacher_is_sure():
    # The student's scores are the teacher's, with the first raised by a quarter: where class 1 leads by less, it wins.
    network = verdict.load("xor")
    model = onnx.load_model_from_string(network.data)
    bias = next(t for t in model.graph.initializer if t.name == model.graph.node[-1].input[2])
    raised = numpy_helper.to_array(bias) + np.array([0.25, 0], dtype=np.float32)
    bias.CopyFrom(numpy_helper.from_array(raised, bias.name))
    student = network_of(model.SerializeToString(), Path("student.onnx"))
    box = verdict.region(network, range=(0, 1))
    for engine in ENGINES:
        sure = verdict.imitates(network, student, box, lead="0.26", engine=engine)
        unsure = verdict.imitates(network, student, box, lead="0.2", engine=engine)
        assert (sure.status, unsure.status) == ("robust", "violated"), engine
        x = unsure.witness.point
        assert network.evaluate_exact(x).fractions()[1] > network.evaluate_exact(x).fractions()[0]


def test_the_largest_move_and_the_radius_invert_each_other(tmp_path):
    network, box = _small(1, tmp_path)
    eps = Fraction(1, 16)
    moved = verdict.maxmove(network, box, eps)
    domain = Box([*box.lower, *[-eps] * box.size], [*box.upper, *[eps] * box.size])
    unit = np.eye(network.output_size)
    assert float(moved.upper) == pytest.approx(_brute(movement(network), domain, np.vstack([unit, -unit])), rel=1e-5)
    for engine in ENGINES:
        back = verdict.maxgeneral(network, box, theta=moved.upper, engine=engine, timeout=60)
        assert float(back.lower) == pytest.approx(float(eps), rel=1e-4), engine
        assert float(back.upper) == pytest.approx(float(eps), rel=1e-4), engine
        assert back.label is None
    assert verdict.general(network, box, eps, theta=moved.upper * 2).status == "robust"
    assert verdict.general(network, box, eps, theta=moved.lower / 2).status == "violated"


def test_general_mode_over_a_whole_range():
    # Two copies bounded each for itself are 70 apart here, whatever eps is.
    network = verdict.load("cancer-mlp")
    box = verdict.region(network, range=(0, 1))
    found = verdict.general(network, box, "0.0001", theta="0.1", timeout=60)
    assert (found.status, found.trust) == ("robust", Trust.RIGOROUS)

    def enough(report):
        if report.upper is not None and 0.001 < report.lower < report.upper < 0.01:
            raise KeyboardInterrupt

    radius = verdict.maxgeneral(network, box, theta=1, engine="bab", timeout=120, on_progress=enough)
    assert 0.001 < radius.lower < radius.upper < 0.01


def test_general_mode_of_a_linear_classifier_in_closed_form():
    # The margin of class c over t moves by at most eps |w_c - w_t|_1, and some x has any lead: so the class stays, for
    # all x that lead by at least m, up to eps = m / max |w_c - w_t|_1, if the range lets such an x be.
    network = verdict.load("digits-linear")
    scores = network.evaluate(np.eye(64)) - network.evaluate(np.zeros((1, 64)))
    widest = max(np.abs(scores[:, c] - scores[:, t]).sum() for c in range(10) for t in range(10))
    box = verdict.region(network, range=(-100, 100))
    eps = Fraction(5 / widest)
    assert verdict.general(network, box, eps * Fraction(99, 100), lead=5, timeout=60).status == "robust"


def test_monotone_or_how_far_an_output_falls():
    network = verdict.load("digits-linear")
    box = verdict.region(verdict.load("cancer-mlp"), range=(0, 1))
    with pytest.raises(InputError, match="ends with Softmax"):
        verdict.maxfall(network, verdict.region(network, range=(0, 1)), 3, 2, 1)
    cancer = verdict.load("cancer-mlp")
    with pytest.raises(InputError, match="feature is 30, expected 0 to 29"):
        verdict.maxfall(cancer, box, 30, 0, 1)
    # abs: its scores are 1/2 and |x|. Where x < 0, the second falls exactly as x grows.
    network = verdict.load("abs")
    values = network.evaluate(np.array([[-1.0], [-0.5], [0.0], [0.5], [1.0]]))
    falling = int(np.argmax(values[0] - values[2]))
    found = verdict.maxfall(network, Box([Fraction(-1)], [Fraction(1)]), 0, falling, "1/2")
    slope = (values[0] - values[1])[falling] / 0.5
    assert float(found.upper) == pytest.approx(slope / 2, rel=1e-5)
    rising = verdict.maxfall(network, Box([Fraction(1, 4)], [Fraction(1)]), 0, falling, "1/2")
    assert rising.upper <= Fraction(1, 10**7)


def test_a_composed_file_is_checked_like_any_other(tmp_path):
    # The question, its file and the network's: the same answer from the command that reads only them.
    network, box = _small(1, tmp_path)
    other = _rounded(network, 4)
    apart = save(difference(network, other), tmp_path / "apart.onnx")
    found = verdict.maxdelta(network, other, box)
    x, y = verdict.variables(apart)
    query = tmp_path / "apart.vnnlib"
    that, given = within(y, found.upper * Fraction(1001, 1000)), between(x, box.lower, box.upper)
    assert verdict.prove(apart, that, given, query=query).status == "robust"
    again = verdict.load(apart.path)
    assert verdict.verify(query, again, engine="smt").status == "robust"
    assert again.evaluate_exact(ExactVector.of(box.lower)).fractions() == apart.evaluate_exact(
        ExactVector.of(box.lower)
    ).fractions()


def test_what_makes_no_sense():
    network = verdict.load("xor")
    box = verdict.region(network, range=(0, 1))
    with pytest.raises(InputError, match="unlimited"):
        verdict.region(network)
    with pytest.raises(PropertyError, match="nothing is asked"):
        verdict.imitates(network, network, box)
    with pytest.raises(PropertyError, match="either theta or lead"):
        verdict.general(network, box, "0.1")
    with pytest.raises(InputError, match="eps is -1"):
        verdict.maxmove(network, box, -1)
    with pytest.raises(InputError, match="the set has 2 inputs, the network 64"):
        verdict.maxdelta(verdict.load("digits-mlp"), verdict.load("digits-mlp"), box)


def test_a_radius_between_two_copies_carries_a_certificate(tmp_path):
    network, box = _small(1, tmp_path)
    path = tmp_path / "copies.vcert"
    found = verdict.maxgeneral(network, box, theta="1/2", certificate=path, timeout=120)
    assert found.certificate.accepted
    assert found.lower_trust is Trust.CERTIFIED
    assert found.certificate.radius == found.lower
    # The checker alone, from the files that are kept beside it.
    assert check(path, f"{path}.onnx", f"{path}.vnnlib").accepted
    # The question in the file is about that radius: the second half of the inputs moves by as much.
    case = parse_vnnlib1(Path(f"{path}.vnnlib").read_text(), "copies").cases[0]
    assert set(case.inputs.upper[box.size :]) == {found.lower}
