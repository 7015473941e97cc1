"""Deciding a query: its cases, many at once, then one by one; where closed sets say too little, the formula itself.

The cases of a query are closed and linear, so a proof of them proves the query. A witness of a case is one of the
query only if it satisfies the formula as it stands, see `settle`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ..answer import credit, replay
from ..answer.credit import Credit
from ..answer.evidence import Evidence
from ..answer.results import Trust, Witness, weakest
from ..base.deadline import TIME_LIMIT, Deadline, OutOfTime, checkpoint
from ..network.exact import FloatArray
from ..network.network import Network
from ..property import Problem
from ..property.cases import Case
from .asked import Asked, accepted
from .heads import refuse_head
from .many_cases import Looked, look
from .options import DEFAULTS, SearchOptions
from .points.attack_cases import attack_cases
from .strict import strictly_excluded

if TYPE_CHECKING:
    from .settle import Settling

# The share of the time that the attack on all cases at once has, and the seconds that this is at most, unless reading
# and bounding them has taken more.
ATTACK_SHARE, ATTACK_LEAST = 0.1, 1.0
# Why there is no certificate.
AS_IT_STANDS = "the query was decided as it stands, where a proof with inequalities closed failed"


def decide_query(
    asked: Asked,
    network: Network,
    search: Callable[[Problem, Case, bool], Evidence],
    deadline: Deadline,
    thorough: bool = True,
    options: SearchOptions = DEFAULTS,
) -> Evidence:
    """Evidence for a witness of `asked`, or for a proof that there is none; `search` decides one case's problem, and is
    told if linear bounds have excluded it already.

    What a search leaves open because a witness is none of the formula's is decided by the formula; with `thorough`,
    so is what it leaves open for another reason than the time. What was complete before the running clock ends is kept.
    """
    total, one = Evidence(), 1 / max(1, len(asked.cases))
    proofs, reasons, undecided, is_through = [Trust.EXACT], [], False, False
    passing = _passing(asked, network)
    with contextlib.suppress(OutOfTime):
        looked = _looked(asked, network, passing, deadline, total)
        if _attacked(asked, network, passing, looked.order, deadline, total):
            return total
        for number in (*sorted(looked.excluded), *looked.order):
            checkpoint()
            case = asked.cases[number]
            problem = Problem(passing if case.outputs_with_inputs else network, case.inputs, case.unsafe)
            if strictly_excluded(problem.network.graph, case, deadline):
                proofs.append(Trust.RIGOROUS)
                total.unrecorded = AS_IT_STANDS
                credit.of(total.ways, "bounds").closed += one
                continue
            evidence = search(problem, case, number in looked.excluded)
            _spend(total, evidence.stages)
            if evidence.witness is not None:
                total.witness = accepted(asked, network, evidence.witness)
            credit.add(total.ways, evidence.ways, one, found=total.witness is not None)
            if total.witness is None and evidence.proof is None:
                if evidence.witness is None and (deadline.passed() or not thorough):
                    undecided = True
                    reasons.append(evidence.reason)
                    continue
                last = _settling(asked, network, problem, case, deadline, options)
                _settle(last, evidence.witness, total, one)
                if last.proof is not None:
                    proofs.append(last.proof)
                else:
                    undecided = True
                    reasons += [evidence.reason, last.reason]
            elif evidence.proof is not None:
                proofs.append(evidence.proof)
                total.unrecorded = total.unrecorded or evidence.unrecorded
            if total.witness is not None:
                return total
        is_through = True
    if is_through and not undecided:
        total.proof = weakest(*proofs)
    if not is_through or (undecided and deadline.passed()):
        reasons.append(TIME_LIMIT)
    total.reason = "; ".join(dict.fromkeys(filter(None, reasons)))
    return total


def _spend(total: Evidence, stages: Mapping[str, float]) -> None:
    """Add seconds that stages have taken."""
    for stage, seconds in stages.items():
        total.stages[stage] = total.stages.get(stage, 0.0) + seconds


def _passing(asked: Asked, network: Network) -> Network:
    """The network that cases about inputs and outputs are about. Raises what `refuse_head` raises."""
    passing = network.passing_inputs() if any(case.outputs_with_inputs for case in asked.cases) else network
    for case in asked.cases:
        refuse_head(passing if case.outputs_with_inputs else network, case.unsafe)
    return passing


def _settling(
    asked: Asked, network: Network, problem: Problem, case: Case, deadline: Deadline, options: SearchOptions
) -> Settling:
    """What decides one case by the formula."""
    # Few questions come to this, and Z3's side takes long to import.
    from .settle import Settling

    return Settling(asked, network, problem, case.inputs, deadline, options)


def _settle(last: Settling, near: Witness | None, total: Evidence, share: float) -> None:
    """Let the formula decide one case, which is such a share of the whole, and note who did it in what time."""
    started = last.deadline.elapsed()
    last.settle(None if near is None else near.point)
    spent = last.deadline.elapsed() - started
    _spend(total, {"formula": spent})
    done = Credit(spent, float(last.proof is not None), last.witness is not None)
    credit.add(total.ways, {"formula": done}, share)
    total.witness, total.real = last.witness, last.real or total.real
    if last.proof is not None:
        total.unrecorded = AS_IT_STANDS


def _attacked(
    asked: Asked, network: Network, passing: Network, order: Sequence[int], deadline: Deadline, total: Evidence
) -> bool:
    """Whether an attack on all cases at once finds a witness; one case alone has the attack of its own search."""
    if len(order) < 2:
        return False
    began = deadline.elapsed()
    clock = deadline.share(ATTACK_SHARE, max(ATTACK_LEAST, began))
    for its, case, point in _hits([asked.cases[i] for i in order], network, passing, clock):
        witness, _ = replay.confirm(its, case.unsafe, case.inputs, [point])
        total.witness = None if witness is None else accepted(asked, network, witness)
        if total.witness is not None or clock.passed():
            break
    spent = deadline.elapsed() - began
    _spend(total, {"attack": spent})
    credit.add(total.ways, {"attack": Credit(spent, found=total.witness is not None)})
    return total.witness is not None


def _hits(
    cases: Sequence[Case], network: Network, passing: Network, clock: Deadline
) -> Iterator[tuple[Network, Case, FloatArray]]:
    """Points that floats call unsafe, with the case and the network that it is about."""
    for its, passes in ((network, False), (passing, True)):
        own = [case for case in cases if case.outputs_with_inputs is passes and case.inputs.ball is None]
        for number, point in attack_cases(its.graph, own, clock):
            yield its, own[number], point


def _looked(asked: Asked, network: Network, passing: Network, deadline: Deadline, total: Evidence) -> Looked:
    """What bounds say of all cases, and the time that they took."""
    began = deadline.elapsed()
    looked = look(asked.cases, network.graph, passing.graph, deadline)
    credit.of(total.ways, "bounds").seconds += deadline.elapsed() - began
    return looked
