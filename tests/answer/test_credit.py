"""Who closed what: shares of one question add up, and the way that closed it is the one that is named."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import verdict
from verdict.answer.credit import Credit, Credits, Raises, add, beside, shares, text
from verdict.answer.recalled import recalled
from verdict.cli.main import main
from verdict.models import data


def closed(answer: verdict.Verdict | verdict.Radius) -> dict[str, float]:
    return {name: credit.closed for name, credit in answer.ways.items() if credit.closed}


def test_a_rise_is_of_who_has_raised_it_and_counts_up_to_the_upper_end_alone() -> None:
    raises = Raises(2)
    raises.note(0, Fraction(1, 4), {"bounds": 1.0})
    raises.note(0, Fraction(1, 2), {"bounds": 1.0})
    raises.note(0, Fraction(3, 2), {"relus": 0.5, "programs": 0.5})
    raises.note(1, Fraction(1, 2), {"milp": 1.0})
    assert raises.closed(Fraction(1)) == {"bounds": 0.25, "relus": 0.125, "programs": 0.125, "milp": 0.25}
    # A nearer witness: what lies beyond it is of no account.
    assert raises.closed(Fraction(1, 2)) == {"bounds": 0.5, "relus": 0.0, "programs": 0.0, "milp": 0.5}
    raises.drop(1)
    assert raises.closed(Fraction(1, 2))["bounds"] == 0.5
    assert "milp" not in raises.closed(Fraction(1, 2))


def test_parts_add_up_and_ways_beside_each_other_do_not() -> None:
    ways: Credits = {}
    add(ways, {"bounds": Credit(1.0, 1.0)}, 0.5)
    add(ways, {"bounds": Credit(1.0, 0.5), "relus": Credit(2.0, 0.5, True)}, 0.5)
    assert (ways["bounds"], ways["relus"]) == (Credit(2.0, 0.75), Credit(2.0, 0.25, True))
    assert shares(ways) == {"bounds": 0.75, "relus": 0.25}
    assert text(ways) == "bounds 75 % in 2.00 s, relus 25 % and the witness in 2.00 s"
    beside(ways, {"relus": Credit(1.0, 0.125)})
    assert ways["relus"] == Credit(3.0, 0.25, True)


@pytest.mark.parametrize("norm", ["linf", "l1"])
def test_shares_of_a_radius_make_up_its_lower_end(norm: str) -> None:
    x = data("cancer").load()[0][0]
    answer = verdict.maxeps("cancer-mlp", x, norm=norm)
    assert answer.upper is not None
    assert sum(closed(answer).values()) == pytest.approx(float(answer.lower / answer.upper), abs=1e-9)
    assert {"bounds", "relus"} <= set(closed(answer))
    assert [name for name, credit in answer.ways.items() if credit.found]
    assert sum(credit.seconds for credit in answer.ways.values()) <= 2 * answer.seconds
    assert recalled(verdict.answer.record.record({}, {}, answer.to_dict())).ways.keys() == answer.ways.keys()


@pytest.mark.parametrize(("engine", "who"), [("auto", "relus"), ("milp", "milp")])
def test_who_has_proved_it(engine: str, who: str) -> None:
    x = data("cancer").load()[0][0]
    answer = verdict.robust("cancer-mlp", x, "0.032", engine=engine)
    assert answer.status == "robust"
    assert (set(closed(answer)), sum(closed(answer).values())) == ({who}, pytest.approx(1.0))
    violated = verdict.robust("cancer-mlp", x, "0.04", engine=engine)
    assert [name for name, credit in violated.ways.items() if credit.found] == ["attack"]


def test_the_cases_of_a_query_are_parts_of_one_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = tmp_path / "two.vnnlib"
    query.write_text(
        "(declare-const X_0 Real)(declare-const X_1 Real)(declare-const Y_0 Real)(declare-const Y_1 Real)"
        "(assert (or (and (>= X_0 0) (<= X_0 0.1) (>= X_1 0.9) (<= X_1 1))"
        " (and (>= X_0 0) (<= X_0 0.24) (>= X_1 0.76) (<= X_1 1))))(assert (<= Y_1 Y_0))"
    )
    assert main(["verify", str(query), "--network", "xor", "--verbose"]) == 0
    said = capsys.readouterr().err
    answer = verdict.verify(query, "xor")
    assert sum(closed(answer).values()) == pytest.approx(1.0)
    assert "closed by: " in said
    assert all(name in said for name in closed(answer))
