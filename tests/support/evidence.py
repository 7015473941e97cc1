"""Whether a verdict's evidence stands on its own: a certificate that the checker accepts, a witness that it replays.

Both use nothing of the engines: network and query are read by the checker's own readers. Where functions have no
rational values, all that the checker's enclosure of the outputs holds has to solve the query.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np

import verdict
from verdict.checker import check
from verdict.checker.enclosed import enclosed
from verdict.checker.readers.onnx import read_network
from verdict.checker.readers.vnnlib import read_property


def fault(answer: verdict.Verdict, network: verdict.Network, query: Path) -> str:
    """What is wrong with the evidence for an answer to a query; "" if it stands, or if there is no answer."""
    if answer.status == "robust":
        made = answer.certificate
        if made is None or made.path is None:
            return f"no certificate: {made.reason if made is not None else 'none was asked for'}"
        report = check(made.path, network.path, query, any_order=False)
        return "" if report.accepted else f"the certificate is rejected: {report.reason}"
    if answer.status == "violated":
        if answer.witness is None:
            return "no witness"
        return "" if _solves(answer.witness.point.fractions(), network.path, query) else "the witness solves nothing"
    return ""


def _solves(point: list[Fraction], model: Path, query: Path) -> bool:
    """Whether the exact point solves the query, by the checker's reading of both files."""
    network = read_network(model.read_bytes())
    if network.irrational:
        ends = enclosed(network, point, 200)
    else:
        ends = [(v, v) for v in network.evaluate(point)[network.output]]
    values = np.array([*ends, *((x, x) for x in point)], dtype=object)
    return any(
        all(low <= x <= high for low, x, high in zip(d.lower, point, d.upper, strict=True))
        and all(_most(row, values) <= limit for row, limit in zip(d.matrix, d.offset, strict=True))
        for d in read_property(query.read_text(), len(point), len(ends))
    )


def _most(row: np.ndarray, values: np.ndarray) -> Fraction:
    """The largest value of a row's sum, of numbers between two ends each."""
    return sum((Fraction(c) * ends[int(c > 0)] for c, ends in zip(row, values, strict=True)), Fraction(0))
