"""An answer recalled: the object that a record was made of, for what looks at answers that a store has kept.

A record holds all that an answer says, so nothing is judged anew. What an answer is about, the input and the claim in
words, is kept beside the record, so that it shows itself and states itself without the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..base.array import Array
from ..checker import Report
from ..network.exact import ExactVector
from .about import About
from .claim import Claim, Submitted
from .credit import Credit
from .gate import recall
from .results import Certificate, Radius, Verdict, Witness
from .trust import Trust


def recalled(record: Mapping[str, Any], about: Mapping[str, Any] | None = None) -> Verdict | Radius:
    """The verdict or radius of a record; `about` is what `about_json` made. Raises KeyError, ValueError and TypeError
    for what is no such record."""
    answer, evidence, times = record["answer"], record["evidence"], record["times"]
    kind, trust = answer["kind"], evidence["trust"]
    common: dict[str, Any] = {name: answer[name] for name in ("status", "label", "target", "reason")}
    common |= {"engine": evidence["engine"], "seconds": times["seconds"], "stages": dict(times["stages"])}
    # Records of version 1 have none.
    common["ways"] = {name: Credit(**credit) for name, credit in record.get("ways", {}).items()}
    common["witness"], common["certificate"] = _witness(evidence["witness"]), _certificate(evidence["certificate"])
    if about is not None:
        seen = about_of_json(about, record["question"])
        common["about"] = lambda: seen
    if kind == "verdict":
        return recall(
            kind, trust=_trust(trust), semantics=tuple(evidence["semantics"] or ()), real=_witness(evidence["real"]),
            **common,
        )
    if kind != "radius":
        raise ValueError(f"a record of the kind {kind!r}, expected verdict or radius")
    return recall(
        kind, lower=Fraction(answer["lower"]), upper=_fraction(answer["upper"]), exact=_fraction(answer["exact"]),
        lower_trust=_trust(trust["lower"]), upper_trust=_trust(trust["upper"]), is_unlimited=answer["unlimited"],
        closest=_witness(evidence["closest"]), float32=_certificate(evidence["float32"]), **common,
    )


def about_json(about: About) -> dict[str, Any]:
    """What an answer is about as JSON, the input aside, which the question holds."""
    found: dict[str, Any] = {
        "image": list(about.image), "features": list(about.features), "classes": list(about.classes),
        "scales": None if about.scales is None else about.scales.tolist(),
    }
    claim = None
    if about.claim is not None:
        threshold = about.claim.threshold
        claim = asdict(about.claim) | {"threshold": None if threshold is None else str(threshold)}
    return {name: value for name, value in {**found, "claim": claim}.items() if value}


def about_of_json(data: Mapping[str, Any], question: Mapping[str, Any]) -> About:
    """What `about_json` wrote, with the input of the question."""
    claim, scales = data.get("claim"), data.get("scales")
    made = None
    if claim is not None:
        models = tuple(Submitted(**model) for model in claim["models"])
        made = Claim(**{**claim, "models": models, "threshold": _fraction(claim["threshold"])})
    x = question.get("point", {}).get("x", {})
    single = set(x) == {""} and len(question["models"]) == 1
    return About(
        np.asarray(Array.of(x[""], "the input").values(), dtype=np.float64).reshape(-1) if single else np.zeros(0),
        tuple(data.get("image", ())), tuple(data.get("features", ())), tuple(data.get("classes", ())),
        None if scales is None else np.array(scales), made,
    )


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def _trust(text: str | None) -> Trust | None:
    return None if text is None else Trust(text)


def _floats(values: list[float | None] | None) -> Any:
    return None if values is None else np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _witness(data: Mapping[str, Any] | None) -> Witness | None:
    if data is None:
        return None
    return Witness(
        ExactVector.of(data["point"]), ExactVector.of(data["outputs"]), data["unsafe"], _fraction(data["radius"]),
        _floats(data["runtime_outputs"]), input=_floats(data["input"]),
    )


def _certificate(data: Mapping[str, Any] | None) -> Certificate | None:
    if data is None:
        return None
    report = None
    if data["tier"] is not None:
        order = "float32" in data["semantics"]
        assumed = _fraction(data.get("assumed_ulp"))
        report = Report(
            data["accepted"], "", data["tier"], order, data["reason"], data["leaves"], data["seconds"], assumed=assumed
        )
    return Certificate(
        _path(data["file"]), _path(data["network"]), data["bytes"], report, data["reason"], _fraction(data["radius"]),
        _path(data["property"]), _fraction(data["end"]),
    )


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
