"""tanh' = 1 - tanh^2, tanh'' and tanh''': of exp(-2 |z|), so the rate is 2, and 4 bells high."""

from __future__ import annotations

from .logistic_slopes import LogisticSlope
from .tanh import SLOPE, TANH

TANH_1, TANH_2, TANH_3 = (LogisticSlope(TANH, SLOPE, order, (2, 4)) for order in (1, 2, 3))
