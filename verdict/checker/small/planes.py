"""Groups of ReLUs that are bounded jointly in the small network, in place of chords.

Of a group's ReLUs with coefficients nu_i below zero, which read w_i . v + b_i, the sum of nu_i relu(w_i . v + b_i) is
at least m . v + c, for any m, where c is the least of sum_i p_i nu_i (w_i . v + b_i) - m . v over all patterns p of 0
and 1 and all v; with one ReLU that is a plane of the hull of Anderson et al. (1811.01988). The v lie in their bounds,
and ReLUs of the inputs between lines. Stored shares are hints about m; what rounding gets wrong is charged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arithmetic.floats import Floats, FloatSum, total_of
from ..kernel.region import Region
from ..network import Affine, Network

# Numbers in what the ReLUs that a group reads read themselves; where there are more, these are only in their bounds.
MOST_READ = 2**14


@dataclass(frozen=True, eq=False)
class Joint:
    """The `neurons` of a group in one ReLU node, and what they read: of each source node in `parts` some entries, one
    behind the other, the last V of which are ReLUs that read inputs.

    `weight` (E, neurons) and `stored` (E,) are the weights, and the number of the stored edge from there, -1 if there
    is none. Of the V, `pre` (V, E - V) are the weights, `entries` (V,) their places in their node, `own` the place of
    an input of its own that moves it most, -1 if there is none.
    """

    neurons: Any
    parts: tuple[tuple[int, Any], ...]
    weight: Any
    stored: Any
    pre: Any
    entries: Any
    own: Any

    def gathered(self, values: dict[int, Any]) -> Any:
        """The values of all that is read, (batch, E), of those of nodes."""
        return np.concatenate([values[source][:, entries] for source, entries in self.parts], axis=1)


class Planed(Floats):
    """Floats in which neurons of the `groups`, by ReLU node, are bounded jointly where leaves store shares."""

    def __init__(self, network: Network, groups: dict[int, list[Joint]]) -> None:
        super().__init__(network, np.float64)
        self.groups = groups

    @property
    def dense(self) -> int:
        """How many numbers a leaf takes at once: all patterns of a group, with all that it reads."""
        joints = (joint for found in self.groups.values() for joint in found)
        found: list[int] = [2 ** len(joint.neurons) * len(joint.weight) for joint in joints]
        return max([1, *found])

    def sum(self, region: Region, lines: dict[int, Any], shape: Any) -> FloatSum:
        return PlaneSum(self, region, lines, shape)


class PlaneSum(FloatSum):
    """The rule's sum with groups."""

    def __init__(self, floats: Planed, region: Region, lines: dict[int, Any], shape: Any) -> None:
        super().__init__(floats, region, lines, shape)
        self._groups = floats.groups
        # Of affine nodes: the coefficients of the neurons that are in groups, (batch, rows, size), groups and shares.
        self._met: dict[int, tuple[list[Joint], Any, Any]] = {}
        # The affine node that is being left, and what groups send from there to its sources.
        self._here: tuple[Affine, dict[int, Any]] | None = None

    def pointwise(self, nu: Any, number: int) -> Any:
        line, groups = self.lines[number], self._groups.get(number)
        if line.planes is None or not groups:
            return super().pointwise(nu, number)
        has = np.zeros(nu.shape[2], bool)
        has[np.concatenate([joint.neurons for joint in groups])] = True
        # Neurons that were split have lines without a gap. One that does not bend by the bounds here may have one, by a
        # stored chord that was made for others.
        used = has & (((line.low < 0) & (line.high > 0)) | (line.gap > 0))
        falling = np.minimum(nu, 0) * used[:, None, :]
        self._met[self.floats.network.nodes[number].source] = groups, falling, line.planes
        return super().pointwise(nu - falling, number)

    def affine(self, nu: Any, number: int) -> Any:
        node: Affine = self.floats.network.nodes[number]
        met, self._here = self._met.pop(number, None), None
        if met is not None:
            groups, falling, planes = met
            size = self.floats.network.size
            sent = {source: np.zeros((*falling.shape[:2], size(source))) for _, source in node.terms}
            self._here = node, sent
            for joint in groups:
                self._bound(node, joint, falling[:, :, joint.neurons], planes, sent)
            self.wrong += total_of(np.abs(falling), 3 * self.floats.magnitude(node, self.region))
            if node.error is not None:
                self.extra += total_of(np.abs(falling), node.error[None])
            self.count += 8 * node.size
        return super().affine(nu, number)

    def back(self, mu: Any, linear: Any) -> Any:
        found = super().back(mu, linear)
        if self._here is None:
            return found
        node, sent = self._here
        return found + sent[next(source for each, source in node.terms if each is linear)]

    def _bound(self, node: Affine, joint: Joint, nu: Any, planes: Any, sent: dict[int, Any]) -> None:
        """Add the c of a group with coefficients `nu` (batch, rows, neurons), and send its m on."""
        weight, free, count = joint.weight.T, joint.pre.shape[1], len(joint.neurons)
        reached = np.abs(nu) @ np.abs(weight)
        low, wide = nu @ np.maximum(weight, 0), reached.copy()
        first = self._first(joint)
        if first is not None:
            through = (reached[:, :, free:] * first.above[:, None, joint.entries]) @ np.abs(joint.pre)
            low[:, :, :free] -= through
            wide[:, :, :free] += 2 * through
        shares = np.where(joint.stored >= 0, planes[:, joint.stored], 0)
        m = np.where(joint.stored >= 0, low + shares[:, None, :] * wide, 0)
        patterns = ((np.arange(2**count)[:, None] >> np.arange(count)) & 1).astype(np.float64)
        least = (nu * node.floats[joint.neurons]) @ patterns.T
        met = (patterns * nu[:, :, None, :]) @ weight - m[:, :, None, :]
        box, relus = met[..., :free], met[..., free:]
        if first is not None:
            least += self._through(joint, first, box, relus)
        ends = (joint.gathered(side)[:, None, None, :free] for side in (self.region.low, self.region.high))
        least += np.minimum(*(box * end for end in ends)).sum(axis=3)
        self.constant += least.min(axis=2)
        self._charge(joint, first, reached + np.abs(m))
        start = 0
        for source, entries in joint.parts:
            if source in sent:
                sent[source][:, :, entries] += m[:, :, start : start + len(entries)]
            start += len(entries)

    def _first(self, joint: Joint) -> Any:
        """The lines of the ReLUs that a group reads from behind inputs; None where there are none."""
        return self.lines[joint.parts[-1][0]] if len(joint.entries) else None

    def _through(self, joint: Joint, first: Any, box: Any, relus: Any) -> Any:
        """Go through ReLUs with the coefficients `relus` (batch, rows, patterns, V) to what they read, whose
        coefficients `box` are changed; what that adds, (batch, rows, patterns)."""
        line = first.above[:, None, None, joint.entries] * relus
        has = joint.own >= 0
        steep = np.where(has, joint.pre[np.arange(len(has)), joint.own], 1)
        # Of a coefficient that rises any part from 0 to all of it may go to the pre-activation.
        passed = np.where(has, -box[..., joint.own] / steep, 0)
        passed = passed.clip(np.minimum(line, 0), np.maximum(relus, line))
        box += passed @ joint.pre
        affine = self.floats.network.nodes[self._before(joint)]
        gap = first.gap[:, None, joint.entries, None]
        return passed @ affine.floats[joint.entries] + (np.minimum(relus, 0) @ gap)[..., 0]

    def _before(self, joint: Joint) -> int:
        """The affine node in front of the ReLUs that a group reads."""
        return int(self.floats.network.nodes[joint.parts[-1][0]].source)

    def _charge(self, joint: Joint, first: Any, size: Any) -> None:
        """Charge rounding for coefficients of these sizes (batch, rows, E)."""
        free, most = joint.pre.shape[1], np.maximum(*(np.abs(joint.gathered(side)) for side in
                                                      (self.region.low, self.region.high)))
        self.wrong += 8 * total_of(size, most)
        self.count += 8 * size.shape[2] + 4 * len(joint.neurons)
        if first is not None:
            affine = self.floats.network.nodes[self._before(joint)]
            behind = most[:, :free] @ np.abs(joint.pre).T + np.abs(affine.floats[joint.entries])
            behind = behind + np.abs(first.gap[:, joint.entries])
            self.wrong += 8 * total_of(size[:, :, free:], behind)
            if affine.error is not None:
                self.extra += total_of(size[:, :, free:], affine.error[None, joint.entries])


def groups(network: Network, columns: Any, members: Any, edges: Any, box: Any) -> dict[int, list[Joint]]:
    """The groups of a small network, whose neurons have the numbers `columns` (ascending) in the large one: `members`
    (2, members) are the neurons and which group each is in, `edges` (2, edges) the group that each leads to and what it
    comes from, an input or a neuron, numbered behind the inputs. `box` are the least and the largest inputs, (inputs,).
    Members and edges that it does not have are left out."""
    place, node = _placed(network, columns, members[0])
    source, origin = _placed(network, columns, edges[1] - network.input_size)
    is_input = edges[1] < network.input_size
    source, origin = np.where(is_input, edges[1], source), np.where(is_input, 0, origin)
    found: dict[int, list[Joint]] = {}
    sizes = box[0] / 2 + box[1] / 2, box[1] / 2 - box[0] / 2
    by_member, by_edge = np.argsort(members[1], kind="stable"), np.argsort(edges[0], kind="stable")
    for group in np.unique(members[1]).tolist():
        mine = by_member[slice(*np.searchsorted(members[1][by_member], [group, group + 1]))]
        at = by_edge[slice(*np.searchsorted(edges[0][by_edge], [group, group + 1]))]
        for number in np.unique(node[mine[place[mine] >= 0]]).tolist():
            neurons = place[mine[(node[mine] == number) & (place[mine] >= 0)]]
            known = at[source[at] >= 0]
            joint = _joint(network, number, neurons, (known, source[known], origin[known]), *sizes)
            found.setdefault(number, []).append(joint)
    return found


def _joint(network: Network, number: int, neurons: Any, edges: tuple[Any, Any, Any], centre: Any, width: Any) -> Joint:
    """A group, of which the stored edges have these numbers, entries, and nodes that these are of."""
    affine = network.nodes[network.nodes[number].source]
    terms = {source: linear.weight[0][:, neurons] for linear, source in affine.terms}
    wanted = {source: (weight != 0).any(axis=1) for source, weight in terms.items()}
    for source in wanted:
        wanted[source][edges[1][edges[2] == source]] = True
    # What only the ReLUs of inputs read has no m: nothing would be sent there.
    wanted.setdefault(0, np.zeros(network.size(0), bool))
    first = network.pointwise[0]
    pre, entries, behind = None, np.zeros(0, int), wanted[0]
    before = network.nodes[network.nodes[first].source]
    if first in wanted and [source for _, source in before.terms] == [0]:
        linear = before.terms[0][0]
        entries = np.flatnonzero(wanted[first])
        pre = linear.weight[0][:, entries].T
        behind = wanted[0] | (pre != 0).any(axis=0)
        others = sum(int(some.sum()) for source, some in wanted.items() if source not in (0, first))
        if len(entries) * (int(behind.sum()) + others) > MOST_READ:
            pre, entries, behind = None, entries[:0], wanted[0]
    wanted[0] = behind
    last = [] if pre is None else [first]
    order = [*(source for source in sorted(wanted) if source not in last), *last]
    parts = tuple((source, np.flatnonzero(wanted[source])) for source in order)
    weight = np.concatenate([terms[s][at] if s in terms else np.zeros((len(at), len(neurons))) for s, at in parts])
    stored = np.full(len(weight), -1)
    start = 0
    for source, at in parts:
        mine = (edges[2] == source) & (source in terms)
        stored[start + np.searchsorted(at, edges[1][mine])] = edges[0][mine]
        start += len(at)
    chained = np.zeros((len(entries), len(weight) - len(entries)))
    own = np.full(len(entries), -1)
    if pre is not None:
        inputs = parts[0][1]
        chained[:, : len(inputs)] = pre[:, inputs]
        moved = np.abs(pre[:, inputs]) * width[inputs]
        middle = (pre @ centre + before.floats[entries]).tolist()
        for k, best in enumerate(moved.argmax(axis=1).tolist() if len(inputs) else []):
            turns_on = 2 * moved[k, best] + middle[k] > moved[k].sum()
            own[k] = best if turns_on and best not in own[:k] and chained[k, best] != 0 else -1
    return Joint(neurons, parts, weight, stored, chained, entries, own)


def _placed(network: Network, columns: Any, numbers: Any) -> tuple[Any, Any]:
    """The places of neurons of the large network in their ReLU nodes of the small one, and these nodes; -1 if none."""
    nodes: Sequence[int] = network.pointwise
    if not len(columns):
        return np.full(len(numbers), -1), np.full(len(numbers), -1)
    at = np.searchsorted(columns, numbers).clip(0, len(columns) - 1)
    layer = np.searchsorted(np.asarray(network.starts), at, side="right") - 1
    known = columns[at] == numbers
    place = at - np.asarray(network.starts)[layer]
    return np.where(known, place, -1), np.where(known, np.asarray(nodes)[layer.clip(0, len(nodes) - 1)], -1)
