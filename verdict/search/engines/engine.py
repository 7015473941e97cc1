"""What an engine is: it declares what it can, decides problems, and closes the intervals of radii.

One class a file. What is common to all (an attack, bounds) comes before an engine and is not its business; it gets
what they leave open. Importing this, or a file of an engine, loads nothing that searches.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

from ...base.arguments import optional_word
from ...base.errors import InputError

if TYPE_CHECKING:
    from ...network.graph import Graph
    from ...property import Box
    from ..decision import Decision
    from ..radius import RadiusSearch

# The input sets that there are: a box, and a ball of another norm. Every other set is boxes and rows behind a network,
# one for each of the cases of a formula.
SETS = ("box", "ball")
# What can be asked of one point of a set: a linear formula over the outputs, and one over inputs and outputs.
PROPERTIES = ("outputs", "inputs and outputs")
SOLVERS_WORD = "solver"
# The bounds in a formula unless its engine says otherwise, by measurement (`benchmarks run engine-bounds`: Z3 gains
# nothing from numbers that are a little tighter, MILP does on wider networks).
ENCODED = "alpha"


@dataclass(frozen=True, eq=False, repr=False)
class Features:
    """What an engine can.

    `exactness` is the trust (`verdict.Trust`) of the weakest proof that it makes, and with `radius` it also closes the
    interval of a radius. `solvers` are backends that it may be told to use, the default first. `encodes` is the method
    of bounds (`verdict bounds`) whose numbers stand in its formula unless another is chosen, None where it has none.
    `functions` is what a function has to declare (`network.functions.Feature`), by its value; "": nothing.
    """

    exactness: str
    sets: tuple[str, ...] = SETS
    properties: tuple[str, ...] = PROPERTIES
    radius: bool = True
    solvers: tuple[str, ...] = ()
    encodes: str | None = None
    functions: str = ""


class Engine(ABC):
    """One engine with its solver and the method of its bounds, checked: InputError and SolverError say what is wrong.

    `title` is what an answer calls it.
    """

    name: ClassVar[str]
    idea: ClassVar[str]
    """One line about it, for help pages."""
    features: ClassVar[Features]

    def __init__(self, solver: str | None = None, bounds: str | None = None) -> None:
        self.title = self.name
        self.choose_solver(solver)
        self.bounds = self.method(bounds)

    @abstractmethod
    def decide(self, run: Decision) -> None:
        """Decide what an attack and linear bounds have left open of a problem."""

    def close(self, search: RadiusSearch, threads: int) -> None:
        """Close what they have left of the interval of a radius."""
        raise InputError(f"the {self.name} engine looks for no radius")

    def choose_solver(self, solver: str | None) -> None:
        """Take the backend of that name."""
        if optional_word(solver, "solver") is not None:
            raise InputError(f"the {self.name} engine takes no solver; --solver goes with --engine milp")

    @classmethod
    def method(cls, name: str | None) -> str:
        """The method of the bounds in its formula: the one named, or its own."""
        if optional_word(name, "bounds") is None or name is None:
            return cls.features.encodes or ENCODED
        from ..neurons.methods import choose

        method = choose([name])[0]
        if name == "all":
            raise InputError("the encoder takes one method's bounds, not all")
        if cls.features.encodes is None:
            raise InputError(f"the {cls.name} engine encodes no bounds; --bounds goes with --engine milp or smt")
        if str(method.trust) == SOLVERS_WORD and cls.features.exactness != SOLVERS_WORD:
            raise InputError(f"the bounds of {name} are a solver's word, which the {cls.name} engine does not take")
        return method.name

    def refuse(self, box: Box) -> None:
        """Raise InputError for an input set that it does not take."""
        kind = "box" if box.ball is None else "ball"
        if kind not in self.features.sets:
            raise InputError(f"the {self.name} engine takes {', '.join(self.features.sets)}, and the set is: {kind}")

    def refuse_functions(self, graph: Graph) -> None:
        """Raise UnsupportedError for a network with functions that it does not take."""
        if self.features.functions:
            from ...network.functions import Feature

            graph.require(Feature(self.features.functions), f"the {self.name} engine")

    def can_tell(self, search: RadiusSearch) -> bool:
        """Whether floats can tell what is left of an interval; if not, a note says who can."""
        if not search.floats_tell and search.is_open():
            search.notes.append("what is left of the interval is less than float64 rounds away: smt can tell")
        return search.floats_tell


Class = TypeVar("Class", bound=type[Engine])
REGISTRY: dict[str, type[Engine]] = {}


def register(cls: Class) -> Class:
    """A class decorator: `engine=NAME` and `--engine NAME` then mean this class."""
    REGISTRY[cls.name] = cls
    return cls
