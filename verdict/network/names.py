"""What a network's inputs and classes are called, and what the network was made of.

The names stand in the ONNX file itself, among its metadata, so that they go where the file goes; shipped models have
theirs in the manifest, and a user may give others. They name numbers and change none: a proof is about the numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..base.errors import InputError

# The keys of ONNX metadata.
FEATURES, CLASSES, ORIGIN = "verdict.features", "verdict.classes", "verdict.origin"
# Names that an error lists.
LISTED = 12


@dataclass(frozen=True)
class Names:
    """The names of the inputs, flat, and of the classes, none where they are not known; `origin` says what the network
    was converted from. `given` says that a user gave the names beside the file, which does not hold them."""

    features: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    origin: str = ""
    given: bool = False

    def checked(self, inputs: int) -> Names:
        """The same, for a network with as many inputs. Raises InputError for names that do not fit or stand twice."""
        if self.features and len(self.features) != inputs:
            raise InputError(f"{len(self.features)} names of features, expected one for each of {inputs} inputs")
        for what, names in (("feature", self.features), ("class", self.classes)):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise InputError(f"the {what} {twice!r} is there twice, expected a name for each")
        return self

    @property
    def are_numbers(self) -> bool:
        """Whether the classes are called by whole numbers that are not their own places."""
        numbers = all(name.removeprefix("-").isdecimal() for name in self.classes)
        return numbers and self.classes != tuple(map(str, range(len(self.classes))))

    def number(self, label: Any, what: str) -> Any:
        """A class by its name as its number; what is a number stays. Raises InputError for a name that is not known,
        and for a number where the classes are called by other numbers: it could mean either."""
        if label is None:
            return label
        if isinstance(label, str) and label in self.classes:
            return self.classes.index(label)
        is_number = not isinstance(label, str) or (label.isascii() and label.lstrip("+-").isdecimal())
        if is_number and not (self.classes and self.are_numbers):
            return label
        if not self.classes:
            raise InputError(f"{what} is {label!r}, expected a number: the names of the classes are not known")
        hint = " as text" if self.are_numbers and not isinstance(label, str) else ""
        raise InputError(f"{what} is {label!r}, expected one of the classes {self.listed()}{hint}")

    def feature(self, feature: Any) -> Any:
        """A feature by its name as its number; what is a number stays. Raises InputError for an unknown name."""
        if not isinstance(feature, str) or (feature.isascii() and feature.lstrip("+-").isdecimal()):
            return feature
        if feature not in self.features:
            known = ", ".join(self.features[:LISTED]) + (", ..." if len(self.features) > LISTED else "")
            raise InputError(f"feature is {feature!r}, expected {f'one of {known}' if known else 'a number'}")
        return self.features.index(feature)

    def said(self, number: int) -> int | str:
        """A class as `number` reads it: by its name where a number could mean either."""
        return self.classes[number] if self.classes and self.are_numbers else number

    def listed(self) -> str:
        """The classes, for messages."""
        more = ", ..." if len(self.classes) > LISTED else ""
        return ", ".join(self.classes[:LISTED]) + more

    def metadata(self) -> dict[str, str]:
        """The names as entries of ONNX metadata."""
        said = {FEATURES: list(self.features), CLASSES: list(self.classes)}
        return {key: json.dumps(names) for key, names in said.items() if names} | (
            {ORIGIN: self.origin} if self.origin else {}
        )


def names_in(metadata: Mapping[str, str]) -> Names:
    """The names that a file's metadata says. Raises InputError for what is no list of names under Verdict's keys."""
    found = {}
    for key in (FEATURES, CLASSES):
        try:
            names = json.loads(metadata.get(key, "[]"))
        except ValueError:
            names = None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputError(f"the metadata {key} is {metadata[key]!r:.60}, expected a JSON list of names")
        found[key] = tuple(names)
    return Names(found[FEATURES], found[CLASSES], metadata.get(ORIGIN, ""))
