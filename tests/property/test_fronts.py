"""Perturbations that are a small network in front: what they make of an input, and how far it may go."""

from fractions import Fraction

import numpy as np
import pytest
from support.networks import KINDS, random_network

import verdict
from verdict.base.errors import InputError
from verdict.compose.behind import normalised
from verdict.models import data
from verdict.network.exact import ExactVector
from verdict.property.fronts import Blur, Brightness, Contrast, Direction, Front, Path, from_text, register

ENGINES = ("bab", "milp", "smt")


@register("first-entries")
class FirstEntries(Front):
    """A perturbation from outside the package: the first two entries move, each by itself."""

    unit = "added to an entry"

    def matrix(self, x, shape, low, high):
        return np.eye(len(x))[:2]


def _made(front, x, shape=(1, 8, 8), low=0.0, high=1.0, p=0.5):
    return np.clip(x + p * front.matrix(x, shape, low, high).sum(axis=0), low, high)


def test_what_the_perturbations_make_of_an_image():
    image = data("digits").load()[0][3].astype(np.float64)
    np.testing.assert_allclose(_made(Brightness(), image), np.minimum(image + 0.5, 1))
    np.testing.assert_allclose(_made(Contrast(), image), np.clip(0.5 + 1.5 * (image - 0.5), 0, 1))
    np.testing.assert_allclose(_made(Path(image[::-1]), image), (image + image[::-1]) / 2)
    np.testing.assert_allclose(_made(Direction(np.ones(64)), image), _made(Brightness(), image))
    blurred = _made(Blur(1), image, p=1.0)
    assert blurred.std() < image.std()
    # Every shape of the same picture is blurred alike; a constant picture stays.
    np.testing.assert_array_equal(blurred, _made(Blur(1), image, (64,), p=1.0))
    np.testing.assert_array_equal(blurred, _made(Blur(1), image, (1, 1, 8, 8), p=1.0))
    colours = np.repeat(image[:, None], 3, axis=1)
    np.testing.assert_allclose(_made(Blur(1), colours.ravel(), (1, 8, 8, 3), p=1.0).reshape(64, 3)[:, 1], blurred)
    np.testing.assert_allclose(_made(Blur(1), colours.T.ravel(), (1, 3, 8, 8), p=1.0).reshape(3, 64)[1], blurred)
    np.testing.assert_allclose(_made(Blur(2), np.full(64, 0.3), p=1.0), np.full(64, 0.3))
    # A blur of a single point is a Gaussian.
    point = np.zeros(31 * 31)
    point[15 * 31 + 15] = 1
    kernel = _made(Blur(Fraction(3, 2)), point, (31, 31), p=1.0).reshape(31, 31)
    assert kernel[15, 16] / kernel[15, 15] == pytest.approx(np.exp(-1 / (2 * 1.5**2)), rel=1e-9)


def _least_on_a_line(network, x, along, label):
    """The least |p| at which clip(x + p along, -1, 1) loses its class: a fine scan, then bisection; inf if none."""

    def margin(p):
        scores = network.evaluate(np.clip(x + np.multiply.outer(p, along), -1, 1))
        return scores[..., label] - np.delete(scores, label, axis=-1).max(axis=-1)

    grid = np.linspace(0, 8, 401)
    best = np.inf
    for side in (1, -1):
        lost = np.flatnonzero(margin(side * grid) <= 0)
        if len(lost):
            inside, outside = grid[lost[0] - 1], grid[lost[0]]
            for _ in range(60):
                middle = (inside + outside) / 2
                inside, outside = (inside, middle) if margin(side * np.array([middle]))[0] <= 0 else (middle, outside)
            best = min(best, outside)
    return best


@pytest.mark.parametrize("kind", KINDS)
def test_engines_agree_with_brute_force_on_a_direction(kind, tmp_path):
    rng = np.random.default_rng([5, KINDS.index(kind)])
    expected = np.inf
    # Many of these networks keep their class everywhere; the first that does not is asked about.
    while not np.isfinite(expected):
        network = verdict.load(random_network(rng, kind, tmp_path))
        n = network.input_size
        x, along = rng.integers(-4, 5, n) / 8, rng.integers(-4, 5, n) / 4
        scores = network.evaluate(x[None])[0]
        label = int(scores.argmax())
        if scores[label] > np.delete(scores, label).max():
            expected = _least_on_a_line(network, x, along, label)
    for engine in ENGINES:
        found = verdict.maxeps(network, x, perturbation=Direction(along), range=(-1, 1), engine=engine, timeout=60)
        assert float(found.upper) == pytest.approx(expected, rel=1e-5), engine
        assert float(found.lower) == pytest.approx(expected, rel=1e-5), engine
        if found.witness is not None:
            # What is shown as the input is what the parameters make, and the network itself is wrong there.
            p, shown = found.witness.array(), found.witness.input
            np.testing.assert_allclose(shown, np.clip(x + p * along, -1, 1), atol=1e-6)
            scores = network.runtime(shown)
            assert scores[label] <= np.delete(scores, label).max() + 1e-5


def test_the_radius_of_a_single_direction_in_closed_form():
    # The class of the abs network changes at |x| = 1/2 (its recipe): from 1/8 in steps of 1/4 it takes 3/2.
    network = verdict.load("abs")
    plain = verdict.maxeps(network, [0.125], engine="smt")
    stepped = verdict.maxeps(network, [0.125], perturbation=Direction([0.25]), engine="smt")
    assert plain.exact is not None
    assert stepped.exact == plain.exact * 4


def test_before_normalisation_the_radius_is_in_pixels():
    network = verdict.load("digits-mlp")
    x = data("digits").load()[0][3]
    levels = normalised(network, 0, 16)
    plain = verdict.maxeps(network, x, range=(0, 1))
    scaled = verdict.maxeps(levels, x * 16, range=(0, 16))
    assert float(scaled.lower) == pytest.approx(16 * float(plain.lower), rel=1e-5)
    shifted = normalised(verdict.load("digits-conv"), [0.25], [0.5])
    outputs = shifted.evaluate_exact(ExactVector.of(x))
    direct = verdict.load("digits-conv").evaluate_exact(ExactVector.of((x - np.float32(0.25)) / np.float32(0.5)))
    assert outputs.fractions() == direct.fractions()
    with pytest.raises(InputError, match="std is 0"):
        normalised(network, 0, 0)
    with pytest.raises(InputError, match="mean has 3 numbers"):
        normalised(network, [1, 2, 3], 1)


def test_a_class_from_outside_the_package_by_its_name(tmp_path):
    network = verdict.load("digits-mlp")
    x = data("digits").load()[0][3]
    # Every radius seems to be safe, and a search for the largest would go on for minutes.
    registered = verdict.robust(network, x, 16, range=(0, 1), perturbation="first-entries")
    imported = verdict.robust(network, x, 16, range=(0, 1), perturbation=f"{__name__}.FirstEntries")
    assert registered.status == imported.status == "robust"
    one = verdict.maxeps(network, x, range=(0, 1), perturbation="first-entries", label=0)
    assert one.status == "wrong-label"


def test_a_brightness_that_saturates_ends_the_search():
    # Beyond 1 every pixel is black or white for good: there is nothing more to prove.
    network = verdict.load("digits-mlp")
    picture = np.zeros(64, dtype=np.float32)
    found = verdict.maxeps(network, picture, range=(0, 1), perturbation="brightness", timeout=60)
    assert found.status == "safe" if found.upper is None else found.upper <= 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fog", "'fog' is not one of blur, brightness"),
        ("no.such.Fog", "cannot be imported"),
        ("numpy.ndarray", "no subclass"),
        ("blur:1.5", "'1.5' is no argument"),
        ("blur:sigma=wide", "'wide' is no number"),
        ("blur:sigma=0", "sigma is 0"),
        ("brightness:sigma=1", "its arguments are: none"),
        ("path", "missing a required argument: 'to'"),
    ],
)
def test_bad_names(text, message):
    with pytest.raises(InputError, match=message):
        from_text(text)


def test_what_does_not_fit_the_input():
    network = verdict.load("digits-mlp")
    x = data("digits").load()[0][3]
    with pytest.raises(InputError, match="contrast has no middle"):
        verdict.robust(network, x, 0.1, perturbation="contrast")
    with pytest.raises(InputError, match="the other input has 3 numbers"):
        verdict.robust(network, x, 0.1, perturbation=Path([1, 2, 3]))
    with pytest.raises(InputError, match="no square image"):
        verdict.robust(verdict.load("cancer-mlp"), np.zeros(30), 0.1, perturbation="blur", label=0)
