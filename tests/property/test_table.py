"""docs/sets.md: every input set x property x engine, asked on the shipped xor network and checked against geometry.

xor gives y_0 = 1 - d and y_1 = d with d = |x_0 - x_1|, and every property of the table holds exactly where d is greater
than a number of its own. Of every set the least d is known in closed form, so each cell is asked on both sides of the
edge, and says what stands behind the proof; `VERDICT_WRITE=1 pytest tests/property/test_table.py` writes the page anew.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import verdict
from verdict.answer.results import Largest, Radius, Trust, Verdict, weakest
from verdict.base.errors import VerdictError
from verdict.property.fronts.path import Direction
from verdict.property.fronts.path import Path as Line
from verdict.property.language import Formula, sets
from verdict.property.language import properties as say
from verdict.search.engines.registry import engines

PAGE = Path(__file__).parents[2] / "docs" / "sets.md"
ENGINES = tuple(engines())
NETWORK = verdict.load("xor")
X, Y = verdict.variables(NETWORK)
CENTER, RANGE = [0, 1], (0, 1)
# How far from its edge a question is asked.
STEP = Fraction(1, 100)

# The property, as it is written, and the d above which it holds; the class where it is the default.
PROPERTIES: list[tuple[str, Formula | None, Fraction]] = [
    ("class stays", None, Fraction(1, 2)),
    ("`beats(0)`", say.beats(Y, 1, 0), Fraction(1, 2)),
    ("`top(1)`", say.top(Y, 1, 1), Fraction(1, 2)),
    ("`margin(1/5)`", say.margin(Y, 1, "1/5"), Fraction(3, 5)),
    ("`moves([0, 1], 3/10)`", say.moves(Y, [0, 1], "3/10"), Fraction(7, 10)),
    ("`between(-1, 2/5)` of y[0]", say.between(Y[:1], -1, "2/5"), Fraction(3, 5)),
    ("`y[1] - y[0] > 1/2`", Y[1] - Y[0] > "1/2", Fraction(3, 4)),
    ("`(y[1] > 3/5) \\| (y[0] < 1/10)`", (Y[1] > "3/5") | (Y[0] < "1/10"), Fraction(3, 5)),
    ("`2*y[1] - abs(x[0] - x[1]) > 3/5` over x and y", (2 * Y[1] - X[1] + X[0] > "3/5"), Fraction(3, 5)),
]


@dataclass(frozen=True)
class Ball:
    """A set with a radius: `radius(d)` is that at which the least d of the set is d."""

    name: str
    radius: Callable[[Fraction], Any]
    options: dict[str, Any]

    def prove(self, that: Formula | None, least: Fraction, **options: Any) -> Verdict:
        return verdict.robust(NETWORK, CENTER, self.radius(least), range=RANGE, that=that, **self.options, **options)

    def maxeps(self, that: Formula | None, **options: Any) -> Radius:
        return verdict.maxeps(NETWORK, CENTER, range=RANGE, that=that, **self.options, **options)


@dataclass(frozen=True)
class Region:
    """A set without a radius, for `verdict prove`: `given(d)` is one whose least d is d."""

    name: str
    given: Callable[[Fraction], Formula]
    options: dict[str, Any]

    def prove(self, that: Formula | None, least: Fraction, **options: Any) -> Verdict:
        stated = say.stays(Y, 1) if that is None else that
        return verdict.prove(NETWORK, stated, self.given(least), **self.options, **options)


def root(d: Fraction) -> float:
    return float(1 - d) / 2**0.5


BALLS = [
    Ball("L-infinity ball", lambda d: (1 - d) / 2, {}),
    Ball("L-infinity ball, scales 1, 1/2", lambda d: (1 - d) / Fraction(3, 2), {"scales": [1, "1/2"]}),
    Ball("L-infinity ball, a feature fixed", lambda d: 1 - d, {"scales": [1, 0]}),
    Ball("L1 ball", lambda d: 1 - d, {"norm": "l1"}),
    Ball("L2 ball", root, {"norm": "l2"}),
    Ball("L-infinity ball and a half-space", lambda d: Fraction(9, 10) - d, {"given": X[0] <= "0.1"}),
    Ball("L1 ball and a half-space", lambda d: 1 - d, {"norm": "l1", "given": X[0] <= "0.1"}),
    Ball("brightness", lambda d: 1 - d, {"perturbation": "brightness"}),
    Ball("contrast", lambda d: 1 - d, {"perturbation": "contrast"}),
    Ball("path to another input", lambda d: 1 - d, {"perturbation": Line([1.0, 1.0])}),
    Ball("a direction", lambda d: (1 - d) / 2, {"perturbation": Direction([1.0, -1.0])}),
]
REGIONS = [
    Region("box", lambda d: sets.box(X, [0, d], [0, 1]), {}),
    Region("linear constraints", lambda d: sets.box(X, 0, 1) & (X[1] - X[0] >= d), {}),
    Region("union of two boxes", lambda d: sets.box(X, [0, d], [0, 1]) | sets.box(X, [d, 0], [1, 0]), {}),
    Region("one of some values", lambda d: sets.one_of(X[0], [0, 1 - d]) & (X[1] == 1), {}),
    Region("one-hot feature, and a box", lambda d: (sets.one_hot(X) | sets.box(X, [0, d], [0, 1])), {}),
    Region("patch", lambda d: sets.patch(X, CENTER, (1, 2), 1, d - 1, d) & (sets.box(X, [0, d], [1 - d, 1])), {}),
    Region("L0: one pixel", lambda d: sets.pixels(X, CENTER, [[0], [1]], 0, 1) & (X[1] - X[0] >= d), {}),
    Region("whole numbers, and a box", lambda d: sets.box(X, [0, d], ["1/2", 1]), {"integers": [0]}),
]


def cell(asked: Ball | Region, that: Formula | None, edge: Fraction, engine: str) -> str:
    """What stands behind the proof just inside of the edge; a wrong answer fails."""
    try:
        held, broken = (asked.prove(that, edge + side * STEP, engine=engine, timeout=30) for side in (1, -1))
    except VerdictError:
        return "not supported"
    assert held.status in ("robust", "unknown"), (asked, engine, held.reason)
    assert broken.status in ("violated", "unknown"), (asked, engine, broken.reason)
    if "unknown" in (held.status, broken.status):
        return "unknown"
    # No proof is weaker than what the engine declares.
    declared = Trust(engines()[engine].features.exactness)
    assert held.trust is not None
    assert weakest(held.trust, declared) == declared
    return {"z3-exact": "exact"}.get(str(held.trust), str(held.trust))


def certified(asked: Ball | Region, that: Formula | None, edge: Fraction, folder: Path) -> str:
    try:
        # A query beside the certificate of another question is not replaced: a folder for each.
        place = Path(tempfile.mkdtemp(dir=folder)) / "proof.vcert"
        held = asked.prove(that, edge + STEP, timeout=30, certificate=place)
    except VerdictError:
        return "not supported"
    return "certified" if held.certificate is not None and held.certificate.accepted else "not supported"


def radius(asked: Ball, that: Formula | None, edge: Fraction, engine: str) -> str:
    """The trust of the lower end of a closed interval around the true radius."""
    truth = float(asked.radius(edge))
    try:
        found = asked.maxeps(that, engine=engine, timeout=30)
    except VerdictError:
        return "not supported"
    assert found.upper is not None
    assert float(found.lower) <= truth * (1 + 1e-6)
    assert truth * (1 - 1e-6) <= float(found.upper)
    if found.status == "interval":
        return "interval"
    return "exact" if found.exact is not None else str(found.lower_trust).replace("z3-exact", "exact, to 1e-6")


HEAD = """# Every set, every property, every engine

Written by `tests/property/test_table.py`, which asks each cell on the shipped xor network on both sides of the edge at
which the property breaks, compares the answers with geometry, and fails where this page says something else.

A counterexample is always replayed in exact arithmetic and in ONNX Runtime. A cell says what stands behind a *proof*.
Every engine tries bounds first, so that `milp` and `smt` are as good as those where those suffice:

| word | means |
|---|---|
| exact | Z3's exact rational arithmetic; of a radius: the very number |
| rigorous | float64 bounds that charge their own rounding |
| solver | a MILP solver's word, within its tolerances |
| certified | with `--certificate`: accepted by the independent checker in exact arithmetic |
| interval | a radius that stays an interval, valid as it is |
| not supported | refused, with an error that says so |

A certificate about anything but a class in a ball is about a VNN-LIB query that is kept beside it. Not in the table:
`blur`, which needs an image, and perturbed weights; both are in [composed.md](composed.md). The properties are:

"""


HOLDS, HOW_FAR = "Does it hold? (`robust`, `prove`)", "How far? (`maxeps`)"
# Properties that every run asks about.
SOME = (1, 5, 9)


def table(title: str, columns: tuple[str, ...], rows: list[tuple[str, str, list[str]]]) -> str:
    """A table; rows of one set with the same cells are one, and name their properties together."""
    merged: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name, said, cells in rows:
        merged.setdefault((name, tuple(cells)), []).append(said)
    lines = [f"\n## {title}\n", f"| set | property | {' | '.join(columns)} |", "|---" * (len(columns) + 2) + "|"]
    everything = len({said for _, said, _ in rows})
    for (name, cells), properties in merged.items():
        said = "all" if len(properties) == everything else ", ".join(properties)
        lines.append(f"| {name} | {said} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def pairs(engine: str) -> dict[str, tuple[str, float, Radius | Largest | Verdict]]:
    """Questions about two networks and two copies: how each is asked, the true number, the answer."""
    box = verdict.region(NETWORK, CENTER, "1/20", RANGE)
    how: dict[str, Any] = {"engine": engine, "timeout": 30}
    return {
        "as near as delta, the same class": (
            "imitates", 0, verdict.imitates(NETWORK, NETWORK, box, delta="1/100", lead=0, **how)
        ),
        "two copies move by at most theta": ("general", 0, verdict.general(NETWORK, box, "9/100", theta="1/5", **how)),
        "the largest eps for theta": ("maxgeneral", 1 / 10, verdict.maxgeneral(NETWORK, box, theta="1/5", **how)),
        "the largest move": ("maxmove", 1 / 5, verdict.maxmove(NETWORK, box, "1/10", **how)),
        "the largest disagreement": ("maxdelta", 0, verdict.maxdelta(NETWORK, NETWORK, box, **how)),
        "the largest fall as a feature grows": (
            "maxfall", 1 / 10, verdict.maxfall(NETWORK, box, feature=0, output=1, step="1/10", **how)
        ),
    }


def pair_cell(truth: float, answer: Radius | Largest | Verdict) -> str:
    """The trust of a yes, or of the proved end of a closed interval around the true number."""
    if isinstance(answer, Verdict):
        assert answer.status in ("robust", "unknown")
        return str(answer.trust).replace("z3-exact", "exact") if answer.status == "robust" else "unknown"
    assert answer.upper is not None
    assert float(answer.lower) - 1e-6 <= truth <= float(answer.upper) + 1e-6
    if answer.status == "interval":
        return "interval"
    trust = answer.lower_trust if isinstance(answer, Radius) else answer.upper_trust
    return "exact" if answer.exact is not None else str(trust).replace("z3-exact", "exact, to 1e-6")


def rows_of(page: str, title: str) -> dict[tuple[str, int], list[str]]:
    """The cells of each set and property that a table of the page states."""
    section = page.split(f"\n## {title}\n\n")[1].split("\n## ")[0]
    found = {}
    for line in section.strip().splitlines()[2:]:
        name, said, *cells = (word.strip() for word in line.strip("|").split("|"))
        numbers = range(1, len(PROPERTIES) + 1) if said == "all" else map(int, said.split(","))
        found.update({(name, number): cells for number in numbers})
    return found


def test_the_page_is_what_the_engines_do(tmp_path: Path) -> None:
    """Three of the properties in each run, all of them where the page is written and in the long run."""
    whole = bool(os.environ.get("VERDICT_WRITE") or os.environ.get("VERDICT_LONG"))
    numbers = range(1, len(PROPERTIES) + 1) if whole else SOME
    proofs, radii = [], []
    for number in numbers:
        _, that, edge = PROPERTIES[number - 1]
        for asked in (*BALLS, *REGIONS):
            cells = [cell(asked, that, edge, engine) for engine in ENGINES]
            proofs.append((asked.name, f"{number}", [*cells, certified(asked, that, edge, tmp_path)]))
        for ball in BALLS:
            radii.append((ball.name, f"{number}", [radius(ball, that, edge, engine) for engine in ENGINES]))
    answers = [pairs(engine) for engine in ENGINES]
    last = "\n## Two networks, two copies\n\n"
    last += f"| question | command | {' | '.join(ENGINES)} |\n{'|---' * (len(ENGINES) + 2)}|\n"
    for name, (command, truth, _) in answers[0].items():
        last += f"| {name} | `{command}` | {' | '.join(pair_cell(truth, found[name][2]) for found in answers)} |\n"
    if not whole:
        page = PAGE.read_text(encoding="utf-8")
        assert page.endswith(last)
        for title, rows in ((HOLDS, proofs), (HOW_FAR, radii)):
            stated = rows_of(page, title)
            assert {(name, int(said)): cells for name, said, cells in rows}.items() <= stated.items()
            assert len(stated) == len(rows) // len(SOME) * len(PROPERTIES)
        return
    order = [asked.name for asked in (*BALLS, *REGIONS)]
    page = HEAD + "".join(f"{number}. {name}\n" for number, (name, _, _) in enumerate(PROPERTIES, 1))
    page += table(HOLDS, (*ENGINES, "`--certificate`"), sorted(proofs, key=lambda row: order.index(row[0])))
    page += table(HOW_FAR, ENGINES, sorted(radii, key=lambda row: order.index(row[0])))
    page += last
    if os.environ.get("VERDICT_WRITE"):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page
