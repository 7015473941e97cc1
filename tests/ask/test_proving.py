"""`verdict.prove`: engines agree with brute force on formulas, integers are exhausted, errors are clear."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.networks import KINDS, random_network

import verdict
from verdict.base.errors import InputError, PropertyError
from verdict.property.language import properties as say
from verdict.property.language import sets
from verdict.search.engines.registry import engines

ENGINES = tuple(engines())


@pytest.mark.parametrize("engine", ENGINES)
def test_the_xor_network_on_a_line(engine: str) -> None:
    # The shipped network is exactly xor: y0 - y1 = 1 - 2 |x0 - x1|, class 1 wins where |x0 - x1| > 1/2.
    network = verdict.load("xor")
    x, y = verdict.variables(network)
    square = sets.box(x, 0, 1)
    far = (x[0] - x[1] >= "0.51") | (x[1] - x[0] >= "0.51")
    assert verdict.prove(network, say.stays(y, 1), square & far, engine=engine).status == "robust"
    near = abs(x[0] - x[1]) <= "0.49"
    assert verdict.prove(network, say.stays(y, 0), square & near, engine=engine).status == "robust"
    touching = abs(x[0] - x[1]) <= "0.51"
    answer = verdict.prove(network, say.stays(y, 0), square & touching, engine=engine)
    assert answer.status == "violated"
    assert answer.witness is not None
    point = answer.witness.point.fractions()
    assert Fraction(1, 2) <= abs(point[0] - point[1]) <= Fraction(51, 100)


@pytest.mark.parametrize("seed", range(8))
def test_integer_inputs_by_brute_force(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    network = verdict.load(random_network(rng, KINDS[seed % len(KINDS)], tmp_path))
    x, y = verdict.variables(network)
    grid = list(itertools.product(range(-1, 3), repeat=network.input_size))
    values = network.evaluate(np.array(grid, float))
    # Outputs are quarters of quarters: a limit between two of them is no tie.
    limit = Fraction(float(np.quantile(values[:, 0], 0.5 + 0.5 * (seed % 2)))) + Fraction(1, 2**20)
    that, given = y[0] <= limit, sets.box(x, "-1.3", "2.9")
    answer = verdict.prove(network, that, given, integers=range(network.input_size), timeout=60)
    truth = "robust" if values[:, 0].max() <= limit else "violated"
    assert answer.status == truth
    if answer.witness is not None:
        point = answer.witness.point.fractions()
        assert all(p.denominator == 1 for p in point)
        assert given.holds(point, ())
        assert not that.holds(point, answer.witness.outputs.fractions())


def test_integers_between_which_nothing_lies() -> None:
    network = verdict.load("xor")
    x, y = verdict.variables(network)
    given = sets.box(x, "0.2", "0.8")
    assert verdict.prove(network, y[0] > 10, given).status == "violated"
    answer = verdict.prove(network, y[0] > 10, given, integers=[0])
    assert (answer.status, answer.witness) == ("robust", None)


def test_a_network_may_be_named_by_its_file(tmp_path: Path) -> None:
    network, query = verdict.load("xor"), tmp_path / "kept.vnnlib"
    x, y = verdict.variables("xor")
    asked = verdict.prove(str(network.path), say.stays(y, 1), sets.box(x, [0, 0], [0, 1]), query=query)
    again = verdict.verify(query, network.path)
    assert asked.status == again.status == verdict.verify(query, {"f": "xor"}).status == "violated"
    assert verdict.robust("xor", [0.0, 1.0], "0.2").status == "robust"
    assert verdict.maxeps("xor", [0.0, 1.0], engine="smt").exact == Fraction(1, 4)


def test_a_certificate_keeps_the_question_it_is_about(tmp_path: Path) -> None:
    network, file = verdict.load("xor"), tmp_path / "proof.vcert"
    x, y = verdict.variables(network)
    given = sets.box(x, [0, "0.6"], ["0.3", 1])
    answer = verdict.prove(network, say.margin(y, 1, -1), given, certificate=file)
    assert (answer.status, str(answer.trust)) == ("robust", "certified")
    assert verdict.check(file, network, f"{file}.vnnlib").accepted
    whole = verdict.prove(network, say.margin(y, 1, -1), given, integers=[0, 1], certificate=file)
    assert whole.certificate is not None
    assert (whole.status, whole.certificate.path) == ("robust", None)


def test_errors_name_no_file_that_nobody_has(tmp_path: Path) -> None:
    x, y = verdict.variables("xor")
    with pytest.raises(PropertyError, match=r"^the question: X_1 has no upper bound"):
        verdict.prove("xor", y[0] > 0, (x[0] <= 1) & (x >= 0))
    with pytest.raises(InputError, match="cannot be written"):
        verdict.prove("xor", y[0] > 0, sets.box(x, 0, 1), query=tmp_path)


@pytest.mark.parametrize("integers", [[], [0]])
def test_of_no_input_everything_holds(integers: list[int]) -> None:
    """The issue changed this: an empty set was an error."""
    network = verdict.load("xor")
    x, y = verdict.variables(network)
    answer = verdict.prove(network, y[0] > 1000, sets.box(x, 0, 1) & (x[0] >= 2), integers=integers)
    assert (answer.status, answer.trust) == ("robust", verdict.Trust.EXACT)
    assert answer.reason.startswith("the input set is empty: X_0")


def test_nonsense_is_refused() -> None:
    network = verdict.load("xor")
    x, y = verdict.variables(network)
    with pytest.raises(PropertyError, match="bound"):
        verdict.prove(network, y[0] > 0, x[0] <= 1)
    with pytest.raises(PropertyError, match="integer inputs"):
        verdict.prove(network, y[0] > 0, sets.box(x, 0, 1), integers=[2])


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "verdict", "prove", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_command(tmp_path: Path) -> None:
    query = tmp_path / "asked.vnnlib"
    common = ("digits-mlp", "--input", "digits#3", "--timeout", "60")
    held = run(*common, "--given", "near(0.029) & box(0, 1)", "--that", "stays()", "--query", str(query))
    assert (held.returncode, held.stdout.split(":")[0]) == (0, "robust"), held.stderr
    asked = subprocess.run(
        [sys.executable, "-m", "verdict", "verify", str(query), "--network", str(verdict.load("digits-mlp").path)],
        capture_output=True, text=True, timeout=120,
    )
    assert asked.stdout.strip() == "unsat"
    broken = run(*common, "--given", "near(0.0295) & box(0, 1)", "--that", "stays()", "--json")
    said = json.loads(broken.stdout)
    assert (broken.returncode, said["status"]) == (1, "violated")
    assert len(said["witness"]["x"]) == 64
    whole = run("xor", "--given", "box(0, 1) & (x[0] + x[1] == 1)", "--that", "stays(of=1)", "--integers", "0:2")
    assert whole.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--given", "box(0, 1)", "--that", "y[7] > 0"), "--that: there is no entry 7"),
        (("--given", "box(0, 1", "--that", "y[0] > 0"), "--given: column"),
        (("--given", "x[0] <= 1", "--that", "y[0] > 0"), "no lower bound"),
        (("--given", "box(0, 1)", "--that", "y[0] > 0", "--integers", "a"), "--integers"),
        (("--given", "near(1)", "--that", "y[0] > 0"), "--input"),
        (("--given", "x[0] <= 1", "--that", "y[0] > 0", "--output", "z"), "no output 'z'"),
    ],
)
def test_bad_questions_end_with_code_two(arguments: tuple[str, ...], why: str) -> None:
    done = run("xor", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert why in done.stderr
    assert len(done.stderr.splitlines()) == 1
