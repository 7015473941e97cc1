"""s' = s (1 - s), s'' and s''' of the logistic function s: the bell itself, of exp(-|z|)."""

from __future__ import annotations

from .logistic_slopes import LogisticSlope
from .sigmoid import SIGMOID, SLOPE

SIGMOID_1, SIGMOID_2, SIGMOID_3 = (LogisticSlope(SIGMOID, SLOPE, order, (1, 1)) for order in (1, 2, 3))
