"""Many questions in a row: each is asked, and what is answered stays, whatever ends the rest.

Every table of answers comes of this one loop, that of the commands as well as those of `verdict.certify` and
`verdict.radii`. How a case is answered is its caller's: with `ask`, or from a store of answers by the hashes of
question and options.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ..base import interrupted
from ..base.deadline import why

if TYPE_CHECKING:
    from ..network.network import Network

Case = TypeVar("Case")
Answer = TypeVar("Answer")


def answered(
    cases: Iterable[Case], answer: Callable[[Case], Answer], stopped: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Case, Answer]]:
    """Each case with its answer, as it comes, until they end, or Ctrl-C, or `stopped`.

    A search that Ctrl-C ends still answers, and that answer is the last. Raises KeyboardInterrupt only where there is
    none at all.
    """
    for number, case in enumerate(cases):
        before = interrupted.count()
        try:
            found = answer(case)
        except KeyboardInterrupt as end:
            if not number:
                raise
            why(end)
            return
        yield case, found
        if interrupted.count() != before or stopped():
            return


def own_class(network: Network, values: Any) -> int:
    """The class that the deployed network gives to an input, an array as `verdict.robust` takes it."""
    from ..answer.replay import scores
    from ..network.evaluate import classify
    from .prepared import center_of

    x = center_of(network, values).floats()
    return classify(scores(network, network.runtime(x), x))


def status_of(status: str, truth: int | None, own: int | None) -> str:
    """An answer's status; `wrong-label` where the input itself does not get the true class that it should keep."""
    if truth is None or own is None or own == truth or status not in ("violated", "wrong-label"):
        return status
    return "wrong-label"
