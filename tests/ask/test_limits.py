"""A limit holds for all of a question: the running clock is asked in every step, and memory before it is taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import verdict
from verdict.base import deadline, memory
from verdict.base.deadline import Deadline, OutOfTime, checkpoint, last_words, limited
from verdict.base.errors import MemoryLimitError, TimeLimitError
from verdict.models import data
from verdict.network.exact import Coefficients, ExactVector
from verdict.network.maps import Conv, Dense, LinearMap, base
from verdict.property.vnnlib1 import parse_vnnlib1


def test_a_checkpoint_ends_what_the_running_clock_has_no_time_for() -> None:
    checkpoint()
    with Deadline(1000).running():
        checkpoint()
        with Deadline(0).running(), pytest.raises(OutOfTime):
            checkpoint()
        checkpoint()


def test_a_clock_made_while_another_runs_is_a_part_of_it() -> None:
    with Deadline(1000).running() as whole:
        part = Deadline(5000)
        assert part.remaining() <= 1000
        whole.stop()
        assert part.passed()


def test_last_words_have_a_little_time_of_their_own() -> None:
    with Deadline(0).running(), last_words():
        checkpoint()


@limited
def _asking(timeout: float | None = None) -> str:
    checkpoint()
    return "answered"


def test_a_question_without_an_answer_in_time_says_so_but_ends_with_the_one_around_it() -> None:
    assert _asking(timeout=1000) == "answered"
    with pytest.raises(TimeLimitError):
        _asking(timeout=1e-9)
    with Deadline(1000).running(), pytest.raises(OutOfTime):
        _asking(timeout=1e-9)


def _maps() -> list[LinearMap]:
    rng = np.random.default_rng(1)
    kernel = Coefficients(rng.normal(size=(4, 3, 3, 2)))
    shape = {"strides": (1, 2), "pads": ((1, 0), (0, 1)), "dilations": (1, 1)}
    grouped = Coefficients(rng.normal(size=(4, 2, 2, 2)).astype(np.float32))
    return [
        Dense(Coefficients(rng.normal(size=(5, 7)))),
        Dense(Coefficients(rng.normal(size=(3, 4))), 3),
        Conv(kernel, (3, 6, 5), **shape),
        Conv(grouped, (4, 5, 5), groups=2, **shape),
    ]


@pytest.mark.parametrize("linear", _maps(), ids=repr)
def test_steps_change_no_product(linear: LinearMap, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 9, linear.in_size)), rng.normal(size=(2, 9, linear.out_size))
    point = ExactVector.of(x[0, 0])
    whole = linear.apply(x), linear.apply_transpose(y), linear.apply_abs(x)
    # The definition: entry by entry.
    rows, columns, which = linear.entries
    expected = [0] * linear.out_size
    for row, column, at in zip(rows, columns, which, strict=True):
        expected[row] += linear.coefficients.fractions().ravel()[at] * point.fractions()[column]
    monkeypatch.setattr(base, "STEP", 2 * linear.work)
    monkeypatch.setattr(base, "EXACT_STEP", 1)
    steps = linear.apply(x), linear.apply_transpose(y), linear.apply_abs(x)
    for a, b in zip(whole, steps, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)
    assert linear.apply_exact(point).fractions() == expected


@pytest.mark.parametrize("linear", _maps(), ids=repr)
def test_every_product_asks_the_clock(linear: LinearMap) -> None:
    for product, argument in (
        (linear.apply, np.zeros((1, linear.in_size))),
        (linear.apply_transpose, np.zeros((1, linear.out_size))),
        (linear.apply_abs, np.zeros((1, linear.in_size))),
        (linear.apply_exact, ExactVector.of(np.zeros(linear.in_size))),
        (linear.apply_exact_transpose, ExactVector.of(np.zeros(linear.out_size))),
    ):
        with Deadline(0).running(), pytest.raises(OutOfTime):
            product(argument)


def test_reading_asks_the_clock() -> None:
    text = "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= 0 X_0 1))(assert (>= Y_0 1))"
    with Deadline(0).running(), pytest.raises(OutOfTime):
        parse_vnnlib1(text, "q")
    path = verdict.load("xor").path
    with Deadline(0).running(), pytest.raises(OutOfTime):
        verdict.load(path)


def test_the_time_runs_out_while_a_network_is_loaded() -> None:
    path = verdict.load("xor").path
    with pytest.raises(TimeLimitError, match="time limit"):
        verdict.robust(path, [0.0, 0.0], "0.1", timeout=1e-9)


def test_a_radius_keeps_what_was_proved_when_a_step_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    from verdict.search.engines.parts import radius_bab

    def cut_short(*_: object) -> None:
        raise OutOfTime

    network = verdict.load("cancer-mlp")
    x = np.zeros(network.input_size)
    whole = verdict.maxeps(network, x)
    assert whole.lower > 0
    monkeypatch.setattr(radius_bab, "search_bab", cut_short)
    found = verdict.maxeps(network, x, timeout=1000, engine="bab")
    assert found.upper is not None
    assert whole.upper is not None
    assert 0 < found.lower <= whole.upper


def test_a_verdict_keeps_how_far_a_search_was_when_a_step_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    from verdict.search.relus.relu_split import ReluSplit

    steps, real = [0], ReluSplit._step

    def cut_short(self: ReluSplit, domains: Any, count: int) -> Any:
        steps[0] += 1
        if steps[0] == 2:
            # The clock runs out in the middle of a step.
            clock = deadline._running.get()
            assert clock is not None
            clock.stop()
            checkpoint()
        return real(self, domains, count)

    monkeypatch.setattr(ReluSplit, "_step", cut_short)
    digit = data("digits").load()[0][3]
    found = verdict.robust("digits-mlp", digit, "0.02932", range=(0, 1), timeout=1000, engine="bab", threads=1)
    assert steps[0] == 2
    assert (found.status, found.reason) == ("unknown", "the time limit was reached")
    assert {"attack", "bounds", "bab"} <= set(found.stages)
    assert found.ways["relus"].seconds > 0


def test_memory_is_asked_for_before_it_is_taken() -> None:
    with memory.budget(memory.resident() + 2**28):
        memory.need(2**26, "a small array")
        with pytest.raises(MemoryLimitError, match=r"a large array would take 1 GiB of memory, and 0\.\d+ GiB may be"):
            memory.need(2**30, "a large array")
    memory.need(2**26, "a small array")


def test_a_matrix_of_a_huge_convolution_is_refused() -> None:
    kernel = Coefficients(np.zeros((64, 64, 3, 3)))
    shape = {"strides": (1, 1), "pads": ((1, 1), (1, 1)), "dilations": (1, 1)}
    with memory.budget(memory.resident() + 2**28), pytest.raises(MemoryLimitError, match="convolution"):
        Conv(kernel, (64, 64, 64), **shape).matrix()
