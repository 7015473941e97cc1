"""Comparisons and logic, on constants: what exporters compute about shapes."""

import operator as python

from .folding import elementwise
from .lowering import on_constants
from .signature import BOOL, NUMBERS, REAL, Types, since

FORM = "A:T B:T -> C:T1"
TRUTH: Types = {"T": BOOL, "T1": BOOL}
EVERY: Types = {"T": NUMBERS, "T1": BOOL}

on_constants("Equal", since(7, FORM, {"T": NUMBERS | BOOL, "T1": BOOL}), fold=elementwise(python.eq))
for name, function in (("Greater", python.gt), ("Less", python.lt)):
    on_constants(name, since(7, FORM, {"T": REAL, "T1": BOOL}), since(9, FORM, EVERY), fold=elementwise(function))
for name, function in (("GreaterOrEqual", python.ge), ("LessOrEqual", python.le)):
    on_constants(name, since(12, FORM, EVERY), fold=elementwise(function))
for name, function in (("And", python.and_), ("Or", python.or_), ("Xor", python.xor)):
    on_constants(name, since(7, FORM, TRUTH), fold=elementwise(function))
on_constants("Not", since(1, "X:T -> Y:T", {"T": BOOL}), fold=elementwise(python.not_))
