"""Checking a certificate: the claim is read from the files themselves, and every leaf of every tree is excluded anew.

A certificate is a list of parts. A part fixes a box, proves bounds of hidden neurons on it (its lemmas, layer after
layer), and closes trees whose leaves exclude the unsafe polytopes that the part names. Bounds belong to their part and
cannot be used outside it. The format and the rule are in docs/certificate.md.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .archive import NODE, Archive, each, member_of, only
from .claim import Claim, rational, read_claim, replay
from .errors import RejectedError, UnreadableError
from .floats import Floats
from .group import Domains, Group, lines_of
from .integers import Integers, OutOfRangeError, float32_error
from .network import Affine, Linear, Network
from .onnx_reader import read_network
from .reference import from_lines, rule
from .region import Region, bounded
from .tree import LINES, RATIONAL, RAW, Leaves, Walk

VERSION = 1
MOST_FILE = 2**30
TIERS = ("exact", "rigorous", "python")
# Leaves looked at together, and how many numbers their coefficients may take.
CHUNK, MOST_ENTRIES = 64, 2**20
REAL, ANY_ORDER = "the reals", "the reals and every float32 evaluation order"


@dataclass(frozen=True)
class Report:
    """What the checker found. `accepted`: the claim holds over the reals and, with `any_order`, for every float32
    evaluation; `reason` says why not."""

    accepted: bool
    claim: str
    tier: str
    any_order: bool
    reason: str
    leaves: int
    seconds: float

    @property
    def semantics(self) -> str:
        """Which truths the claim was proved for, in words."""
        return ANY_ORDER if self.any_order else REAL


def check(certificate: str | Path, network: str | Path, query: str | Path | None = None, *, tier: str = "exact",
          jobs: int = 1, any_order: bool = True, progress: Callable[[int], object] = lambda leaves: None) -> Report:
    """Check a certificate against a network and, where the claim is about one, a query.

    Tiers: exact (integers), rigorous (floats with charged rounding), python (Fractions, slow). With `any_order` the
    proof is first tried with the rounding of every float32 evaluation charged. `progress` is told how many leaves are
    done. Raises UnreadableError.
    """
    started = time.monotonic()
    if tier not in TIERS:
        raise UnreadableError(f"there is no tier {tier!r}, expected {', '.join(TIERS)}")
    work = _Work(certificate, network, query, tier, jobs, progress)
    reason = ""
    for charged in (True, False) if any_order else (False,):
        try:
            work.run(charged)
            return Report(True, work.claim.text, tier, charged, reason, work.done, time.monotonic() - started)
        except RejectedError as error:
            reason = str(error)
    return Report(False, work.claim.text, tier, False, reason, work.done, time.monotonic() - started)


class _Work:
    """One certificate being checked."""

    def __init__(self, certificate: Any, network: Any, query: Any, tier: str, jobs: int, progress: Any) -> None:
        self.tier, self.jobs, self.progress, self.done = tier, max(1, jobs), progress, 0
        self.archive = Archive(certificate)
        manifest = self.archive.json("manifest.json")
        if member_of(manifest, "format", str) != "vcert" or member_of(manifest, "version", int) != VERSION:
            raise UnreadableError(f"not a certificate of version {VERSION}")
        only(manifest, "format", "version", "producer", "model", "property", "claim", "parts")
        member_of(manifest, "producer", str, "")
        model, asked = _read(network), None if query is None else _read(query)
        wanted = member_of(manifest, "property", str, None)
        # Hashes first: a wrong file must not be blamed for its contents.
        self.wrong = ""
        if hashlib.sha256(model).hexdigest() != member_of(manifest, "model", str):
            self.wrong = "the certificate is about another network (SHA-256 differs)"
        elif wanted is not None and (asked is None or hashlib.sha256(asked).hexdigest() != wanted):
            self.wrong = "the certificate is about another property (SHA-256 differs, or none was given)"
        if self.wrong:
            self.claim = Claim("", [])
            return
        self.network = read_network(model)
        claim = member_of(manifest, "claim", dict)
        if (claim.get("kind") == "unsat") != (wanted is not None):
            raise UnreadableError("the manifest's claim and property do not fit together")
        self.claim = read_claim(claim, self.network, asked)
        self.parts = member_of(manifest, "parts", list)
        self.nodes = self.archive.array("tree.npy", (NODE,), 1)
        self.witness = None
        if self.claim.upper is not None:
            record = self.archive.json("witness.json")
            if not isinstance(record, dict) or set(record) != {"point"}:
                raise UnreadableError("witness.json is malformed")
            self.witness = each(record["point"], rational)

    def run(self, any_order: bool) -> None:
        """Raises RejectedError unless everything holds."""
        if self.wrong:
            raise RejectedError(self.wrong)
        self.done = 0
        if self.witness is not None:
            replay(self.claim, self.network, self.witness)
        position, covered = 0, set()
        for number, record in enumerate(self.parts):
            part = _Part(self, number, record, any_order)
            position = part.check(position)
            covered.update(part.disjuncts)
        if position != len(self.nodes):
            raise RejectedError("nodes behind the last tree")
        self.archive.finish()
        missing = set(range(len(self.claim.disjuncts))) - covered
        if missing:
            raise RejectedError(f"nothing is said about {len(missing)} disjuncts, the first is {min(missing)}")

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        """function over items, in order, on several threads, never many items ahead."""
        if self.jobs == 1:
            yield from map(function, items)
            return
        with ThreadPoolExecutor(self.jobs) as pool:
            waiting: deque[Any] = deque()
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * self.jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def count(self, leaves: int) -> None:
        self.done += leaves
        self.progress(self.done)


class _Part:
    """One part: its box, its goal rows appended to the network as a last affine node, its arithmetic."""

    def __init__(self, work: _Work, number: int, record: Any, any_order: bool) -> None:
        self.work, self.name, self.any_order = work, f"p{number}", any_order
        only(record, "bounds", "lemmas", "goals")
        self.at_leaves = member_of(record, "bounds", str) == "leaf"
        if record["bounds"] not in ("leaf", "root"):
            raise UnreadableError("a part's bounds are neither of the leaf nor of the root")
        self.goals = each(record["goals"] if "goals" in record else None, self._goal)
        self.lemmas = each(member_of(record, "lemmas", list, []), self._lemma)
        if self.at_leaves and self.lemmas:
            raise UnreadableError("lemmas in a part whose leaves compute their own bounds")
        self.disjuncts = [d for goal in self.goals for d in goal]
        chosen = [work.claim.disjuncts[d] for d in self.disjuncts]
        if not chosen:
            raise UnreadableError("a part without goals")
        # Parts of several boxes are about the smallest box around them.
        self.box = ([min(e) for e in zip(*(d.lower for d in chosen), strict=True)],
                    [max(e) for e in zip(*(d.upper for d in chosen), strict=True)])
        self.low, self.high = outward(*self.box)
        self.network = with_rows(work.network, chosen)
        self.neurons = int(self.network.starts[-1])
        kinds: list[Any] = [Floats(self.network, t, any_order) for t in (np.float32, np.float64)]
        if work.tier != "rigorous":
            kinds = [Integers(self.network, limbs, any_order) for limbs in (1, 2)]
        # What is tried for a leaf, cheapest first: an arithmetic, and whether stable neurons are bounded anew too.
        self.levels = [(kinds[0], False), (kinds[1], False), (kinds[1], True)]
        self.roots: dict[int, Region] = {}
        self.start = 0
        self.groups: dict[str, Group] = {}
        widest = max(self.network.size(i) for i in self.network.needed(self.network.output))
        self.chunk = max(1, min(4 * CHUNK, MOST_ENTRIES // widest)) if not self.at_leaves else CHUNK

    def _goal(self, record: Any) -> list[int]:
        only(record, "disjuncts")
        found = each(record.get("disjuncts"), lambda v: v)
        most = len(self.work.claim.disjuncts)
        if not found or any(not isinstance(d, int) or isinstance(d, bool) or not 0 <= d < most for d in found):
            raise UnreadableError("a goal's disjuncts are not those of the claim")
        return found

    def _lemma(self, record: Any) -> int:
        only(record, "layer")
        layer = member_of(record, "layer", int)
        if not 0 < layer < len(self.work.network.relus):
            raise UnreadableError(f"a lemma about ReLU layer {layer}")
        return layer

    def check(self, position: int) -> int:
        """Check all trees of the part, which start at `position`; returns where the next part's start."""
        self.start = position
        if not self.at_leaves:
            # Which trees are the goals' is known once the lemmas' have been walked.
            self.root(0 if self.work.tier != "python" else 1)
            position = self.start + self.length
        row = 0
        for g, disjuncts in enumerate(self.goals):
            owned = []
            for d in disjuncts:
                count = len(self.work.claim.disjuncts[d].offset)
                owned.append(np.arange(row, row + count))
                row += count
            position = self._tree(f"{self.name}.g{g}", owned, position)
        return position

    def group(self, prefix: str, rows: int) -> Group:
        if prefix not in self.groups:
            self.groups[prefix] = Group(self.work.archive, prefix, self.neurons, rows)
        return self.groups[prefix]

    def root(self, level: int) -> Region:
        """Bounds of all neurons on the part's box: interval, CROWN, and the lemmas' trees."""
        if level not in self.roots:
            self.length = 0
            known = partial(self._sharpen, level) if self.lemmas else None
            try:
                arithmetic, _ = self.levels[level]
                self.roots[level] = bounded(self.network, arithmetic, self.low[None], self.high[None], None,
                                            known=known, thorough=True)
            except OutOfRangeError:
                raise RejectedError(f"{self.name}: numbers out of range") from None
        return self.roots[level]

    def _sharpen(self, level: int, layer: int, node: int, region: Region) -> None:
        """The lemmas about a layer: each is the least bound over the leaves of its tree."""
        arithmetic, _ = self.levels[level]
        for number, about in enumerate(self.lemmas):
            if about != layer:
                continue
            prefix = f"{self.name}.l{number}"
            archive, size = self.work.archive, self.network.size(node)
            neuron = archive.array(f"{prefix}.neuron.npy", ("<u4",), 1).astype(np.intp)
            side = archive.array(f"{prefix}.side.npy", ("i1",), 1).astype(np.float64)
            if len(neuron) != len(side) or (neuron >= size).any() or (np.abs(side) != 1).any():
                raise UnreadableError(f"{prefix}: no neurons and sides of layer {layer}")
            group, walk = self.group(prefix, 0), Walk(self.work.nodes, self.start + self.length, len(neuron))
            bound = np.full(len(neuron), np.inf)

            def look(leaves: Leaves, group: Group = group, side: Any = side, neuron: Any = neuron) -> Any:
                if (leaves.kind != LINES).any():
                    raise RejectedError(f"{group.prefix}: a lemma's leaf without lines")
                domains = group.domains(leaves)
                rows = np.zeros((len(leaves), 1, size))
                rows[np.arange(len(leaves)), 0, neuron[leaves.tree]] = side[leaves.tree]
                found, empty = lines_of(self.network, region, domains, layer, True)
                here = Region({**region.low, 0: leaves.low}, {**region.high, 0: leaves.high}, region.empty)
                return leaves.tree, np.where(empty, np.inf, arithmetic.lower(here, node, rows, found)[:, 0])

            below = int(self.network.starts[layer])
            chunks = self._counted(walk.chunks(self.low, self.high, below, self.chunk), group)
            for tree, lower in self.work.map(look, chunks):
                np.minimum.at(bound, tree, lower)
            self.length = walk.position - self.start
            low, high = region.low[node].copy(), region.high[node].copy()
            up = side > 0
            np.maximum.at(low[0], neuron[up], bound[up])
            np.minimum.at(high[0], neuron[~up], -bound[~up])
            region.empty |= (low > high).any(axis=1)
            region.set(node, np.minimum(low, high), np.maximum(low, high))

    def _counted(self, chunks: Iterator[Leaves], group: Group) -> Iterator[Leaves]:
        """The chunks, and at their end a check that all stored multipliers were for these leaves."""
        leaves, betas, kinds = 0, 0, {LINES: 0, RAW: 0, RATIONAL: 0}
        for chunk in chunks:
            leaves += len(chunk)
            betas += sum(map(len, chunk.paths))
            for kind in kinds:
                kinds[kind] += int((chunk.kind == kind).sum())
            self.work.count(len(chunk))
            yield chunk
        group.finish(leaves, betas, kinds)

    def _tree(self, prefix: str, owned: list[Any], position: int) -> int:
        """Check that every leaf of one goal's tree excludes each of its disjuncts, whose rows are `owned`."""
        group = self.group(prefix, len(owned[0]) if len(owned) == 1 else 0)
        walk = Walk(self.work.nodes, position, 1)
        before = {RAW: 0, RATIONAL: 0}

        def numbered() -> Iterator[tuple[Leaves, dict[int, int]]]:
            chunks = walk.chunks(self.low, self.high, self.neurons, self.chunk)
            for chunk in self._counted(chunks, group):
                yield chunk, dict(before)
                for kind in before:
                    before[kind] += int((chunk.kind == kind).sum())

        for bad in self.work.map(lambda item: self._leaves(group, *item, owned), numbered()):
            if bad is not None:
                raise RejectedError(f"{prefix}: leaf {bad} does not exclude the unsafe set")
        return walk.position

    def _leaves(self, group: Group, leaves: Leaves, before: dict[int, int], owned: list[Any]) -> int | None:
        """The number of a leaf that is not closed, or None."""
        domains = group.domains(leaves)
        at = np.flatnonzero(leaves.kind == LINES)
        if self.work.tier != "python":
            for level in range(len(self.levels) if self.at_leaves else 2):
                if len(at):
                    at = at[~self._closed(level, domains.take(at), owned)]
            if len(at):
                return leaves.first + int(at[0])
        for j in [*at, *np.flatnonzero(leaves.kind != LINES)]:
            kind = int(leaves.kind[j])
            number = before.get(kind, 0) + int((leaves.kind[:j] == kind).sum())
            if not self._closed_exactly(group, domains.take([j]), kind, number, owned):
                return leaves.first + int(j)
        return None

    def _region(self, level: int, domains: Domains) -> Region:
        low, high = domains.leaves.low, domains.leaves.high
        if self.at_leaves:
            arithmetic, thorough = self.levels[level]
            return bounded(self.network, arithmetic, low, high, domains.leaves.signs, thorough=thorough)
        root = self.root(level)
        return Region({**root.low, 0: low}, {**root.high, 0: high}, root.empty)

    def _closed(self, level: int, domains: Domains, owned: list[Any]) -> Any:
        """Which of the domains exclude every disjunct, (n,)."""
        arithmetic, layers = self.levels[level][0], len(self.network.relus)
        size = self.network.size(self.network.output)
        closed = np.zeros(len(domains), bool)
        with_stored = domains.below is not None or domains.shift is not None
        try:
            region = self._region(level, domains)
            left = np.ones((len(domains), len(owned)), bool)
            for stored in (True, False) if with_stored else (False,):
                lines, empty = lines_of(self.network, region, domains, layers, stored)
                rows = np.eye(size)[None, np.concatenate(owned).astype(np.intp)]
                if domains.rows is not None:
                    rows = np.zeros((len(domains), 1, size))
                    rows[:, 0, owned[0]] = whole(domains.rows)
                bound = arithmetic.lower(region, self.network.output, rows, lines)
                start = 0
                for d, own in enumerate(owned):
                    count = bound.shape[1] if domains.rows is not None else len(own)
                    left[:, d] &= ~(bound[:, start : start + count] > 0).any(axis=1)
                    start += count
                closed |= empty | ~left.any(axis=1)
                if closed.all():
                    break
        except OutOfRangeError:
            pass
        return closed

    def _closed_exactly(self, group: Group, domain: Domains, kind: int, number: int, owned: list[Any]) -> bool:
        """The same for one domain, in Fractions; for raw multipliers and exact rationals too."""
        level, layers, claim = 1, len(self.network.relus), self.work.claim
        try:
            region = self._region(level, domain)
        except OutOfRangeError:
            return False
        lines, empty = lines_of(self.network, region, domain, layers, True)
        if empty[0]:
            return True
        if domain.leaves.kind[0] != LINES and len(owned) != 1:
            raise RejectedError(f"{group.prefix}: raw or rational multipliers for several disjuncts at once")
        path = domain.leaves.paths[0]
        # The exact box of the part, cut by the leaf's thresholds, which are floats.
        low = [max(a, Fraction(b)) if b > c else a for a, b, c in zip(self.box[0], *_ends(domain.leaves.low, self.low),
                                                                     strict=True)]
        high = [min(a, Fraction(b)) if b < c else a for a, b, c in zip(self.box[1], *_ends(domain.leaves.high,
                                                                                          self.high), strict=True)]
        if any(a > b for a, b in zip(low, high, strict=True)):
            return True
        of = {self.network.nodes[r].source: r for r in lines}

        def bounds(node: int) -> tuple[list[Fraction], list[Fraction]]:
            line = lines[of[node]]
            return [Fraction(v) for v in line.low[0].tolist()], [Fraction(v) for v in line.high[0].tolist()]

        shifts: dict[int, list[Any]] = {
            r: [0] * lines[r].low.shape[1] if lines[r].shift is None else lines[r].shift[0].tolist() for r in lines}
        weights = [[Fraction(0)] * self.network.size(self.network.output)]
        start = self.network.starts

        if kind == LINES and domain.rows is None:
            weights = []
            for r in np.concatenate(owned):
                weights.append([Fraction(int(i == r)) for i in range(self.network.size(self.network.output))])
        elif kind == RATIONAL:
            lam, betas = group.rationals(number)
            if len(lam) != len(owned[0]) or len(betas) != len(path):
                raise UnreadableError(f"{group.prefix}: rational leaf {number} does not fit")
            for neuron, beta in zip(path, betas, strict=True):
                k = int(np.searchsorted(start, neuron, side="right")) - 1
                sign = -int(domain.leaves.signs[0, neuron])
                shifts[self.network.relus[k]][neuron - start[k]] = sign * beta
        else:
            raw = group.raw[number] if kind == RAW and group.raw is not None and number < len(group.raw) else None
            if kind == RAW and raw is None:
                raise UnreadableError(f"{group.prefix}: raw multipliers are missing")
            lam = raw[: len(owned[0])] if raw is not None else whole(domain.rows)[0]
        if weights and not any(weights[0]):
            for r, value in zip(owned[0], lam, strict=True):
                weights[0][int(r)] = Fraction(value)
        choose = from_lines(*(lambda r, n=n: getattr(lines[r], n)[0].tolist()  # type: ignore[misc]
                              for n in ("low", "high", "below", "above")), lambda r: shifts[r])
        if kind == RAW:
            position = {r: len(owned[0]) + int(start[k]) for k, r in enumerate(self.network.relus)}

            def choose(r: int, i: int, nu: Fraction) -> Fraction:
                return Fraction(float(raw[position[r] + i]))

        charge = (lambda i: float32_error(self.network.nodes[i], region)) if self.any_order else None
        holds = []
        for row in weights:
            try:
                g, slope = rule(self.network, self.network.output, row, (low, high), bounds, choose, charge)
            except OutOfRangeError:
                return False
            holds.append(g > 0 or (g == 0 and claim.is_open and self._grows(slope, low, high)))
        first = 0
        for own in owned:
            count = len(own) if len(weights) > 1 or (kind == LINES and domain.rows is None) else 1
            if not any(holds[first : first + count]):
                return False
            first += count
        return True

    def _grows(self, slope: list[Fraction], low: list[Fraction], high: list[Fraction]) -> bool:
        """Whether the least value of slope . x over the ball grows as soon as the radius shrinks."""
        ball = self.work.claim.ball
        if ball is None:
            return False
        return any((c > 0 and a == x - ball.radius) or (c < 0 and b == x + ball.radius)
                   for c, a, b, x in zip(slope, low, high, ball.center, strict=True))


def _ends(leaf: Any, root: Any) -> tuple[list[float], list[float]]:
    return leaf[0].tolist(), root.tolist()


def whole(rows: Any) -> Any:
    """Non-negative numbers (n, rows) as integers of 20 bits, up to a factor for each n."""
    top = rows.max(axis=1, keepdims=True)
    scale = np.ldexp(1.0, np.clip(20 - np.frexp(top)[1], -900, 900))
    return np.rint(rows * scale)


def outward(lower: list[Fraction], upper: list[Fraction]) -> tuple[Any, Any]:
    """The float64 numbers next below and above rationals."""
    below, above = [], []
    for ends, result, way in ((lower, below, -1), (upper, above, 1)):
        for value in ends:
            if abs(value) >= 2**400:
                raise UnreadableError("an input bound out of range")
            near = float(value)
            wrong = Fraction(near) > value if way < 0 else Fraction(near) < value
            result.append(float(np.nextafter(near, way * np.inf)) if wrong else near)
    return np.array(below), np.array(above)


def with_rows(network: Network, disjuncts: list[Any]) -> Network:
    """The network whose output are the rows C (y, x) - d of all disjuncts: a point is unsafe where all of one are <= 0."""
    outputs = network.size(network.output)
    matrix = np.concatenate([d.matrix for d in disjuncts])
    bias = np.empty(len(matrix), dtype=object)
    bias[:] = [-v for d in disjuncts for v in d.offset]
    terms = []
    for columns, source in ((matrix[:, :outputs], network.output), (matrix[:, outputs:], 0)):
        if len(terms) == 0 or columns.any():
            weight = columns.T.astype(np.float64)[None]
            exact = columns.T[None]
            same = all(Fraction(f) == v for f, v in zip(weight.ravel(), exact.ravel(), strict=True))
            index = np.arange(columns.shape[1]).reshape(1, 1, -1)
            terms.append((Linear(index, weight, columns.shape[1], exact=None if same else exact), source))
    nodes = (*network.nodes, Affine(tuple(terms), bias, -1))
    return Network(network.input_size, nodes, len(nodes) - 1, network.head)


def _read(path: Any) -> bytes:
    try:
        with Path(path).open("rb") as stream:
            data = stream.read(MOST_FILE + 1)
    except OSError as error:
        raise UnreadableError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(data) > MOST_FILE:
        raise UnreadableError(f"{path}: larger than {MOST_FILE} bytes")
    return data
